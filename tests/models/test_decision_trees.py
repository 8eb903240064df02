"""Trees give the values of the leaves that cases come to, and stay as they are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logit

from medjax import models

LEAF = (0, np.finfo(np.float32).max)
# x[1] > 0.5 ? (x[0] > 2 ? 30 : 20) : 10
DEEP = [(1, 0.5, 1, 0), (*LEAF, 1, 10), (0, 2, 3, 0), (*LEAF, 3, 20), (*LEAF, 4, 30)]
SINGLE = [(*LEAF, 0, 4), *[(0, 0, 0, 0)] * 4]
CASES = np.array([[0, 0.5], [2, 0.75], [3, 0.75], [3, 0]], np.float32)


def _variables(nodes, depth):
  return {models.FIXED: {'nodes': np.array(nodes, np.float32), 'depth': np.int32(depth)}}


@pytest.mark.core
def test_cases_come_to_their_leaves():
  model = models.Trees(outputs=1, count=2, leaves=3)
  outputs = model.apply(_variables([[DEEP, SINGLE]], 2), CASES)
  np.testing.assert_allclose(outputs[:, 0], [7, 12, 17, 7])
  shallow = model.apply(_variables([[DEEP, SINGLE]], 1), CASES)  # the root's children alone
  np.testing.assert_allclose(shallow[:, 0], [7, 2, 2, 7])


@pytest.mark.core
@pytest.mark.parametrize('link', ['logit', 'log'])
def test_shares_have_a_logarithm_even_where_no_tree_votes(link):
  votes = np.array([0.0, 0.25, 0.75])  # of three classes, of four trees
  nodes = [[[(*LEAF, 0, vote)]] * 4 for vote in votes]
  model = models.Trees(outputs=3, count=4, leaves=1, link=link)
  outputs = model.apply(_variables(nodes, 0), CASES[:1])[0]
  prior = 1 / 2 if link == 'logit' else 1 / 3
  shares = (votes * 4 + prior) / 5
  np.testing.assert_allclose(outputs, logit(shares) if link == 'logit' else np.log(shares), 1e-6)
  if link == 'log':
    assert np.exp(outputs).sum() == pytest.approx(1)


def test_an_unknown_link_is_refused():
  model = models.Trees(outputs=1, count=1, leaves=1, link='probit')
  with pytest.raises(ValueError, match='expected identity, logit, log or log_sigmoid'):
    model.init(jax.random.key(0), CASES)


@pytest.mark.core
def test_a_network_is_trained_alone_and_predicts_with_fixed():
  network = models.Ensemble(lambda **settings: models.MLP((3,), **settings), 2)
  model = models.Beside(network, models.Trees(outputs=1, count=2, leaves=3))
  variables = model.init(jax.random.key(0), CASES)
  assert set(variables) == {'params', models.FIXED}
  trees = {'trees': _variables([[DEEP, SINGLE]], 2)[models.FIXED]}
  variables = {**variables, models.FIXED: trees}
  own = {'params': variables['params']['network']}
  each = network.apply(own, CASES, each=True)
  np.testing.assert_allclose(model.apply(variables, CASES, train=True), each)
  of_trees = np.array([7, 12, 17, 7.0])[:, None]
  np.testing.assert_allclose(model.apply(variables, CASES), (each.mean(0) + of_trees) / 2, 1e-6)
  np.testing.assert_allclose(model.apply(variables, CASES, each=True), (each + of_trees) / 2, 1e-6)
  assert models.members(model) == 2


@pytest.mark.core
def test_derivatives_are_those_of_half_the_network():
  model = models.Beside(models.MLP(()), models.Trees(outputs=1, count=2, leaves=3))
  variables = model.init(jax.random.key(0), CASES)
  variables = {
    **variables,
    models.FIXED: {'trees': _variables([[DEEP, SINGLE]], 2)[models.FIXED]},
  }
  [kernel] = [leaf for leaf in jax.tree.leaves(variables['params']) if leaf.ndim == 2]
  found = jax.grad(lambda x: model.apply(variables, x)[:, 0].sum())(jnp.asarray(CASES))
  np.testing.assert_allclose(found, np.broadcast_to(kernel[:, 0] / 2, CASES.shape), 1e-6)
