"""GINE against its definition by dense matrices, and what must not matter to it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import models
from medjax.data.molecules import graphs

Chem = pytest.importorskip('rdkit.Chem')

SMILES = ('CCO', 'C', 'c1ccccc1C(=O)O', 'C/C=C/C#N')
MODEL = models.GINE(hidden=6, layers=2, outputs=2, axis_name=None)


def batch(smiles):
  return graphs.inputs(graphs.stack([graphs.graph(Chem.MolFromSmiles(s), s) for s in smiles])[0])


@pytest.fixture(scope='module')
def graph():
  return batch(SMILES)


@pytest.fixture(scope='module')
def variables(graph):
  described = jax.eval_shape(MODEL.init, jax.random.key(0), graph)
  rng = np.random.default_rng(0)
  kept = jax.tree.map(lambda leaf: np.float32(rng.normal(0, 0.4, leaf.shape)), described)
  kept['batch_stats'] = jax.tree.map(np.square, kept['batch_stats'])  # variances
  return kept


apply = jax.jit(MODEL.apply)


def by_definition(variables, graph, row):
  """With the adjacency matrix of one molecule, without padding."""
  params, statistics = jax.tree.map(np.asarray, (variables['params'], variables['batch_stats']))
  names = {'Dense': iter(range(99)), 'BatchNorm': iter(range(99))}

  def dense(x):
    part = params[f'Dense_{next(names["Dense"])}']
    return x @ part['kernel'] + part.get('bias', 0)

  def normal(x):
    name = f'BatchNorm_{next(names["BatchNorm"])}'
    x = (x - statistics[name]['mean']) / np.sqrt(statistics[name]['var'] + 1e-5)
    return x * params[name]['scale'] + params[name]['bias']

  def relu(x):
    return np.maximum(x, 0)

  count = Chem.MolFromSmiles(SMILES[row]).GetNumAtoms()
  pairs = Chem.MolFromSmiles(SMILES[row]).GetNumBonds()
  x = dense(np.asarray(graph['atoms'])[row, :count])
  bonds, ends = np.asarray(graph['bonds'])[row, :pairs], np.asarray(graph['ends'])[row, :pairs]
  virtual = np.zeros((1, x.shape[1]))
  for layer in range(2):
    x = x + virtual
    said = dense(bonds)
    entering = np.zeros_like(x)
    for (u, v), bond in zip(ends, said, strict=True):
      entering[v] += relu(x[u] + bond)
      entering[u] += relu(x[v] + bond)
    y = dense((1 + params[f'epsilon_{layer}']) * x + entering)
    y = normal(dense(relu(normal(y))))
    if layer == 0:
      z = dense(virtual + x.sum(axis=0, keepdims=True))
      virtual = relu(normal(dense(relu(normal(z)))))
    x = x + (y if layer else relu(y))
  return dense(x.mean(axis=0))


@pytest.mark.parametrize('row', range(len(SMILES)))
def test_outputs_are_those_of_the_definition(graph, variables, row):
  expected = by_definition(variables, graph, row)
  np.testing.assert_allclose(apply(variables, graph)[row], expected, rtol=1e-4, atol=1e-4)


def test_padding_does_not_matter_in_training(graph, variables):
  step = jax.jit(
    lambda graph, mask: MODEL.apply(
      variables, graph, train=True, mask=mask, mutable=['batch_stats']
    )
  )
  few = jax.tree.map(lambda leaf: leaf[:3], graph)
  wide = {'atoms': ((0, 0), (0, 5), (0, 0)), 'incoming': ((0, 0), (0, 5), (0, 1))}
  padded = graph | {name: jnp.pad(graph[name], pad) for name, pad in wide.items()}
  expected, found = step(few, None), step(padded, jnp.arange(4) < 3)
  np.testing.assert_allclose(found[0][:3], expected[0], rtol=1e-4, atol=1e-5)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), found[1], expected[1]
  )


def test_descriptors_are_joined(graph):
  joined = graph | {'descriptors': jnp.ones((len(SMILES), 3))}
  kept = jax.eval_shape(MODEL.init, jax.random.key(0), joined)
  assert kept['params']['Dense_9']['kernel'].shape == (9, 2)
