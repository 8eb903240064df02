"""Rules of integration against integrals that are known, and scipy's Gauss-Legendre nodes."""

import numpy as np
import pytest
import scipy.special

from medjax.explain import quadrature


def test_fejer_is_exact_for_polynomials_and_each_rule_keeps_the_nodes_before():
  rules = quadrature.fejer(4)
  assert rules.counts == (7, 15, 31, 63, 127)
  assert len(np.unique(rules.nodes.round(12))) == 127
  assert rules.weights[0, 7:].tolist() == [0.0] * 120
  for weights, count in zip(rules.weights, rules.counts, strict=True):
    assert (weights[:count] > 0).all()
    assert (weights[count:] == 0).all()
    for power in (0, 1, 2, 3, count // 2, count - 1):
      assert weights @ rules.nodes**power == pytest.approx(1 / (power + 1), rel=1e-12)
  assert abs(rules.weights[0] @ rules.nodes**8 - 1 / 9) > 1e-6  # beyond its degree


def test_the_least_rule_has_the_middle_and_the_weights_that_are_known():
  """Fejer's second rule of 3 nodes: the middle and cos(pi / 4), with a third each."""
  weights = quadrature._fejer_weights(3)
  np.testing.assert_allclose(weights, [1 / 3, 1 / 3, 1 / 3])
  assert quadrature.fejer(0).nodes[3] == pytest.approx(0.5)


def test_gauss_equals_scipy():
  rules = quadrature.gauss(9)
  nodes, weights = scipy.special.roots_legendre(9)
  np.testing.assert_allclose(rules.nodes, (nodes + 1) / 2, atol=1e-12)
  np.testing.assert_allclose(rules.weights[0], weights / 2, atol=1e-12)
  assert rules.counts == (9,)
