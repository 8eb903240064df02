"""Outputs from Chemprop's weights are Chemprop's."""

import jax
import numpy as np
import pytest

from medjax import models
from medjax.data.molecules import graphs

pytest.importorskip('chemprop')

import torch
from chemprop import data, featurizers, nn
from chemprop import models as theirs
from rdkit import Chem

SMILES = (
  'C', 'CC(C)(C)c1ccc2occ(CC(=O)Nc3ccccc3F)c2c1', 'N[C@@H](C)C(=O)[O-]', '[Na+].[Cl-]',
  'FS(F)(F)(F)(F)F', 'C/C=C/C#N', 'O=C1c2ccccc2C(=O)N1CCCC[n+]1ccccc1', '[13CH4]', '*CC',
)  # fmt: skip


def tree(state):
  """The variables of a D-MPNN that Chemprop's state dict holds."""
  weights = {name: np.asarray(value) for name, value in state.items()}

  def dense(name):
    return {'kernel': weights[f'{name}.weight'].T, 'bias': weights[f'{name}.bias']}

  readout = dense('message_passing.W_o')
  layers = [name.removesuffix('.weight') for name in weights if name.startswith('predictor.ffn')]
  params = {
    'input': {'kernel': weights['message_passing.W_i.weight'].T},
    'message': {'kernel': weights['message_passing.W_h.weight'].T},
    'readout': {'kernel': readout['kernel']},
    'readout_bias': readout['bias'],
  }
  layers = [name for name in layers if not name.endswith('.bias')]
  params |= {f'Dense_{i}': dense(name) for i, name in enumerate(layers)}
  if 'bn.weight' not in weights:
    return {'params': params}
  params['BatchNorm_0'] = {'scale': weights['bn.weight'], 'bias': weights['bn.bias']}
  statistics = {'mean': weights['bn.running_mean'], 'var': weights['bn.running_var']}
  return {'params': params, 'batch_stats': {'BatchNorm_0': statistics}}


@pytest.mark.parametrize('share', [True, False])
@pytest.mark.parametrize(
  ('changed', 'pool', 'layers', 'normalised', 'described'),
  [
    ({}, 'mean', 1, False, 0),
    ({'d_h': 64, 'depth': 5}, 'sum', 2, True, 0),
    ({'d_h': 48, 'depth': 2}, 'norm', 1, False, 4),
  ],
)
def test_outputs_are_the_same(share, changed, pool, layers, normalised, described):
  torch.manual_seed(0)
  passing = nn.BondMessagePassing(**changed)
  pools = {'mean': nn.MeanAggregation, 'sum': nn.SumAggregation, 'norm': nn.NormAggregation}
  hidden = changed.get('d_h', 300)
  head = nn.RegressionFFN(n_tasks=3, input_dim=hidden + described, n_layers=layers)
  network = theirs.MPNN(passing, pools[pool](), head, batch_norm=normalised).eval()
  if normalised:
    network.bn.running_mean.normal_()
  descriptors = np.random.default_rng(0).normal(size=(len(SMILES), described))
  points = [
    data.MoleculeDatapoint.from_smi(s, np.zeros(3), x_d=x if described else None)
    for s, x in zip(SMILES, descriptors, strict=True)
  ]
  (batch,) = data.build_dataloader(data.MoleculeDataset(points), shuffle=False)
  with torch.no_grad():
    expected = network(batch.bmg, batch.V_d, batch.X_d).numpy()
  graph = graphs.inputs(graphs.stack([graphs.graph(p.mol, p.name or '') for p in points])[0])
  if described:
    graph['descriptors'] = descriptors.astype(np.float32)
  model = models.DMPNN(
    hidden=hidden,
    depth=changed.get('depth', 3),
    pool=pool,
    head=(300,) * layers,
    batch_norm=normalised,
    outputs=3,
    share=share,
  )
  found = jax.jit(model.apply)(tree(network.state_dict()), graph)
  assert np.abs(expected).max() > 0.05
  np.testing.assert_allclose(found, expected, atol=1e-4)


def test_features_are_the_same():
  molecules = [Chem.MolFromSmiles(smiles) for smiles in SMILES]
  found = graphs.inputs(graphs.stack([graphs.graph(one, '') for one in molecules])[0])
  for row, molecule in enumerate(molecules):
    expected = featurizers.SimpleMoleculeMolGraphFeaturizer()(molecule)
    count, pairs = molecule.GetNumAtoms(), molecule.GetNumBonds()
    np.testing.assert_allclose(found['atoms'][row, :count], expected.V, rtol=1e-6)
    bonds = np.repeat(found['bonds'][row, :pairs], 2, axis=0)
    np.testing.assert_allclose(bonds, expected.E)
    ends = np.asarray(found['ends'])[row, :pairs]
    np.testing.assert_array_equal(ends.reshape(-1), expected.edge_index[0])
