"""The D-MPNN equals Chemprop's, and what is shared among equal bonds changes nothing."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import models
from medjax.data.molecules import graphs
from medjax.ops import native

Chem = pytest.importorskip('rdkit.Chem')

SMILES = (
  'C', 'CCO', 'c1ccccc1C(=O)O', 'CC(C)(C)c1ccc2occ(CC(=O)Nc3ccccc3F)c2c1', 'N[C@@H](C)C(=O)[O-]',
  'FS(F)(F)(F)(F)F', 'C/C=C/C#N', '[Na+].[Cl-]', 'O=C1c2ccccc2C(=O)N1CCCC[n+]1ccccc1',
)  # fmt: skip


@functools.cache
def batch(smiles):
  return graphs.inputs(graphs.stack([graphs.graph(Chem.MolFromSmiles(s), s) for s in smiles])[0])


@pytest.fixture(scope='module')
def graph():
  return batch(SMILES)


def make(**changed):
  return models.DMPNN(**{'hidden': 20, 'head': (12,), 'outputs': 2, 'axis_name': None, **changed})


@functools.cache
def variables(**changed):
  described = jax.eval_shape(make(**changed).init, jax.random.key(0), batch(SMILES))
  rng = np.random.default_rng(0)
  return jax.tree.map(lambda leaf: np.float32(rng.normal(0, 0.2, leaf.shape)), described)


@functools.cache
def compiled(**changed):
  return jax.jit(make(**changed).apply, static_argnames='train')


def by_hand(params, row, depth):
  """Yang et al. (2019), bond by bond, for one molecule: the mean over atoms before the head."""
  relu, molecule = functools.partial(np.maximum, 0), Chem.MolFromSmiles(SMILES[row])
  atoms, bonds = (np.asarray(batch(SMILES)[name])[row] for name in ('atoms', 'bonds'))
  atoms = atoms[: molecule.GetNumAtoms()]
  start = {}
  for bond in molecule.GetBonds():
    u, v = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
    for a, b in ((u, v), (v, u)):
      inputs = np.concatenate([atoms[a], bonds[bond.GetIdx()]])
      start[a, b] = inputs @ params['input']['kernel']
  h = {bond: relu(value) for bond, value in start.items()}
  zero = np.zeros(len(params['message']['kernel']))
  for _ in range(depth - 1):
    message = {(u, v): sum((h[a, b] for a, b in h if b == u and a != v), zero) for u, v in start}
    h = {e: relu(start[e] + message[e] @ params['message']['kernel']) for e in start}
  rows = []
  for v, atom in enumerate(atoms):
    joined = np.concatenate([atom, sum((h[a, b] for a, b in h if b == v), zero)])
    rows.append(relu(joined @ params['readout']['kernel'] + params['readout_bias']))
  return np.mean(rows, axis=0)


@pytest.mark.parametrize('share', [True, False])
def test_outputs_are_those_of_the_definition(graph, share):
  params = jax.tree.map(np.asarray, variables(head=())['params'])
  dense = params['Dense_0']
  expected = [
    by_hand(params, row, 3) @ dense['kernel'] + dense['bias'] for row in range(len(SMILES))
  ]
  found = compiled(head=(), share=share)({'params': params}, graph)
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('changed', [{'depth': 4}, {'depth': 1}])
def test_sharing_changes_neither_outputs_nor_gradients(graph, changed):
  if not native.available():
    pytest.skip(f'kernels in C++: {native.status()}')

  def loss(params, share):
    outputs = make(share=share, **changed).apply({'params': params}, graph, train=True)
    return (outputs * jnp.arange(outputs.size).reshape(outputs.shape)).sum()

  params = variables(**changed)['params']
  shared, plain = (
    jax.jit(jax.value_and_grad(loss), static_argnums=1)(params, share) for share in (True, False)
  )
  np.testing.assert_allclose(shared[0], plain[0], rtol=1e-5)
  for one, other in zip(jax.tree.leaves(shared[1]), jax.tree.leaves(plain[1]), strict=True):
    np.testing.assert_allclose(one, other, atol=2e-5 * np.abs(other).max())


def test_padding_and_neighbours_in_the_batch_do_not_matter(graph):
  one = compiled()(variables(), batch(SMILES[3:4]))
  np.testing.assert_allclose(compiled()(variables(), graph)[3:4], one, rtol=1e-4, atol=1e-5)


def test_single_atoms_have_outputs_alone(graph):
  alone = compiled(share=False)(variables(), batch(SMILES[:1]))
  np.testing.assert_allclose(compiled()(variables(), graph)[:1], alone, rtol=1e-4, atol=1e-5)


def test_pools_are_sums_over_atoms(graph):
  atoms = np.array([Chem.MolFromSmiles(s).GetNumAtoms() for s in SMILES])[:, None]
  kept = variables(head=())
  bias = np.asarray(kept['params']['Dense_0']['bias'])
  mean, whole, norm = (
    np.asarray(compiled(head=(), pool=pool, norm=50.0, share=False)(kept, graph)) - bias
    for pool in ('mean', 'sum', 'norm')
  )
  np.testing.assert_allclose(whole, mean * atoms, rtol=1e-4, atol=1e-5)
  np.testing.assert_allclose(norm, whole / 50, atol=1e-6)


def test_descriptors_are_joined(graph):
  joined = graph | {'descriptors': jnp.ones((len(SMILES), 3))}
  shape = jax.eval_shape(make(head=()).init, jax.random.key(0), joined)
  kept = jax.tree.map(lambda leaf: np.linspace(0, 1, leaf.size).reshape(leaf.shape), shape)
  kernel = kept['params']['Dense_0']['kernel']
  assert kernel.shape == (23, 2)
  moved = graph | {'descriptors': jnp.ones((len(SMILES), 3)).at[0, 1].set(2.0)}
  plain = compiled(head=(), share=False)
  change = plain(kept, moved) - plain(kept, joined)
  np.testing.assert_allclose(change[0], kernel[21], rtol=1e-3)
  np.testing.assert_allclose(change[1:], 0)


def test_batch_statistics_leave_padding_out(graph):
  model = make(batch_norm=True, share=False)
  kept = variables(batch_norm=True)
  mask = jnp.arange(len(SMILES)) < 4

  @jax.jit
  def statistics(graph, mask):
    return model.apply(kept, graph, train=True, mask=mask, mutable=['batch_stats'])[1]

  few = jax.tree.map(lambda leaf: leaf[:4], graph)
  found, expected = statistics(graph, mask), statistics(few, None)
  for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_dropout_tells_equal_bonds_apart_and_is_for_training_alone(graph):
  kept = variables()
  still = compiled(dropout=0.5)(kept, graph)
  np.testing.assert_allclose(compiled()(kept, graph), still, rtol=1e-4, atol=1e-5)
  apply = functools.partial(compiled(dropout=0.5), kept, graph, train=True)
  one, other = (apply(rngs={'dropout': jax.random.key(seed)}) for seed in (0, 1))
  assert not np.allclose(one, other)
  assert not np.allclose(one, still)


def test_gradients_of_inputs_are_those_of_every_row(graph):
  def total(atoms, params, share):
    return make(share=share).apply({'params': params}, graph | {'atoms': atoms}).sum()

  params = variables()['params']
  gradient = jax.jit(jax.value_and_grad(total, argnums=(0, 1)), static_argnums=2)
  found, plain = (gradient(graph['atoms'], params, share) for share in (True, False))
  there = np.asarray(graph['atoms']).any(axis=-1)
  assert np.abs(found[1][0]).sum(axis=-1)[there].min() > 0
  for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(plain), strict=True):
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_an_ensemble_holds_members_that_learn_alone(graph):
  model = models.Ensemble(make, 2)
  shape = jax.eval_shape(model.init, jax.random.key(0), graph)
  rng = np.random.default_rng(0)
  kept = jax.tree.map(lambda leaf: np.float32(rng.normal(0, 0.2, leaf.shape)), shape)
  members = [compiled()({'params': kept['params'][f'member_{i}']}, graph) for i in range(2)]
  assert not np.allclose(members[0], members[1])
  apply = jax.jit(model.apply, static_argnames='train')
  np.testing.assert_allclose(apply(kept, graph, train=True), members, rtol=1e-4, atol=1e-5)
  expected = np.mean(members, axis=0)
  np.testing.assert_allclose(apply(kept, graph), expected, rtol=1e-4, atol=1e-5)
