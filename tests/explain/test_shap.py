"""KernelSHAP against Shapley's formula, closed forms and the shap library."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import explain
from medjax.explain.shap import _coalitions


def bent(x, target):
  """Not additive, of six columns or more."""
  pairs = x[:, 0] * x[:, 1] - 2 * x[:, 2] * x[:, 3] * x[:, 4]
  return jnp.where(target == 1, 1.0, -1.0) * (pairs + jnp.sin(3 * x[:, 5]) + x.sum(axis=1))


def shapley(score, x, target, background):
  """By definition, over all coalitions."""
  players = len(x)

  def worth(coalition):
    rows = background.copy()
    rows[:, list(coalition)] = x[list(coalition)]
    return float(np.mean(score(jnp.asarray(rows), np.full(len(rows), target))))

  found = np.zeros(players)
  for i in range(players):
    others = [j for j in range(players) if j != i]
    for size in range(players):
      factor = math.factorial(size) * math.factorial(players - size - 1) / math.factorial(players)
      for coalition in itertools.combinations(others, size):
        found[i] += factor * (worth((*coalition, i)) - worth(coalition))
  return found


def cases(columns, count=3, rows=4, seed=0):
  random = np.random.default_rng(seed)
  x = random.normal(size=(count, columns)).astype(np.float32)
  return x, np.arange(count) % 2, random.normal(size=(rows, columns)).astype(np.float32)


def test_exact_values_by_definition():
  x, target, background = cases(6)
  values, base = explain.kernel_shap(bent, x, target, background)
  for i in range(3):
    np.testing.assert_allclose(values[i], shapley(bent, x[i], target[i], background), atol=2e-5)
    assert base[i] == pytest.approx(
      float(np.mean(bent(background, np.full(4, target[i])))), abs=1e-5
    )
  np.testing.assert_allclose(values.sum(axis=1) + base, bent(x, target), atol=1e-4)


def test_sampled_values_come_close_and_add_up():
  """With products of pairs each column has half of every product that it is in."""
  columns = 24
  random = np.random.default_rng(1)
  pairs = np.triu(random.normal(size=(columns, columns)), 1).astype(np.float32)
  single = random.normal(size=columns).astype(np.float32)

  def score(x, target):
    return x @ single + jnp.einsum('ni,ij,nj->n', x, pairs, x)

  x = random.normal(size=(2, columns)).astype(np.float32)
  expected = x * single + x * (x @ (pairs + pairs.T)) / 2
  zeros = np.zeros((1, columns), np.float32)
  values, base = explain.kernel_shap(score, x, np.zeros(2, int), zeros, samples=4000)
  assert np.abs(values - expected).max() < 0.03 * np.abs(expected).max()
  np.testing.assert_allclose(values.sum(axis=1) + base, score(x, 0), rtol=1e-4)
  again, _ = explain.kernel_shap(score, x, np.zeros(2, int), zeros, samples=4000, chunk=7)
  np.testing.assert_allclose(again, values, atol=1e-4)


@pytest.mark.parametrize(('players', 'samples'), [(2, 100), (5, 30), (10, 2048), (13, 500)])
def test_coalitions_have_the_kernels_weights(players, samples):
  z, weights = _coalitions(players, samples, 0)
  assert len(np.unique(z, axis=0)) == len(z) <= samples + 1
  sizes = z.sum(axis=1)
  assert sizes.min() > 0
  assert sizes.max() < players
  if 2**players - 2 <= samples:
    assert len(z) == 2**players - 2
    kernel = np.array([(players - 1) / (math.comb(players, s) * s * (players - s)) for s in sizes])
    np.testing.assert_allclose(weights / weights[0], kernel / kernel[0])
  of_size = np.array([weights[sizes == s].sum() for s in range(1, players)])
  kernel = np.array([1 / (s * (players - s)) for s in range(1, players)])
  assert of_size / of_size.sum() == pytest.approx(kernel / kernel.sum(), abs=0.05)


@pytest.mark.parametrize('cpu', [True, False])
def test_a_network_is_mixed_behind_its_first_layer(cpu, monkeypatch):
  """As by definition, in threads and parts of any size, as on a CPU and as on an accelerator."""
  monkeypatch.setattr(jax, 'default_backend', lambda: 'cpu' if cpu else 'gpu')
  x, target, background = cases(5, count=7, rows=4)
  random = np.random.default_rng(3)
  first, second = random.normal(size=(5, 6)), random.normal(size=6)

  def score(x, target):
    value = jnp.maximum((x - 0.5) @ first + 1.0, 0) @ second
    return jnp.where(target == 1, value, -value)

  for chunk in (1, 12, 4096):
    values, base = explain.kernel_shap(score, x, target, background, chunk=chunk)
    for i in range(len(x)):
      expected = shapley(score, x[i], target[i], background)
      np.testing.assert_allclose(values[i], expected, atol=2e-5)
    np.testing.assert_allclose(values.sum(axis=1) + base, score(x, target), atol=1e-4)


def scaled_table(rows, seed):
  """Columns of very different size, and a score that standardises them and imputes."""
  mean = np.array([250e9, 310.0, 19000.0, 7.4], np.float32)
  scale = np.array([70e9, 0.7, 30.0, 0.05], np.float32)
  random = np.random.default_rng(5)
  first, second = random.normal(size=(4, 6)), random.normal(size=6)

  def score(x, target):
    z = (x - mean) / scale
    return jnp.maximum(jnp.where(jnp.isnan(z), 0, z) @ first, 0) @ second

  return score, mean + scale * np.random.default_rng(seed).normal(size=(rows, 4))


def test_columns_of_any_size_and_with_missing_numbers():
  score, x = scaled_table(5, 0)
  x, background = x.astype(np.float32), scaled_table(6, 1)[1].astype(np.float32)
  for hole in (False, True):
    if hole:
      x[1, 2] = background[3, 0] = np.nan
    values, base = explain.kernel_shap(score, x, np.zeros(5, bool), background)
    for i in range(5):
      expected = shapley(score, x[i], 0, background)
      np.testing.assert_allclose(values[i], expected, atol=2e-3)
    np.testing.assert_allclose(values.sum(axis=1) + base, score(x, 0), atol=2e-3)


def test_the_callers_precision_is_kept():
  """In threads too."""
  seen = []

  def score(x, target):
    seen.append(jax.config.jax_default_matmul_precision)
    return jnp.maximum(x @ np.ones((4, 3)), 0).sum(axis=1)

  x = np.ones((6, 4), np.float32)
  with jax.default_matmul_precision('highest'):
    explain.kernel_shap(score, x, np.zeros(6, np.uint8), x[:2])
  assert set(seen) == {'highest'}


def test_patches_of_an_image():
  random = np.random.default_rng(0)
  weights = random.normal(size=(8, 8, 2)).astype(np.float32)
  x = random.random((2, 8, 8, 2)).astype(np.float32)
  regions = np.repeat(np.repeat(np.arange(16).reshape(4, 4), 2, 0), 2, 1)

  def score(x, target):
    return (x * weights).sum(axis=(1, 2, 3))

  background = np.full((1, 8, 8, 2), 0.5, np.float32)
  values, _ = explain.kernel_shap(
    score, x, np.zeros(2, int), background, regions=regions, samples=600
  )
  parts = ((x - 0.5) * weights).sum(axis=3)
  expected = [[part[regions == r].sum() for r in range(16)] for part in parts]
  np.testing.assert_allclose(values, expected, atol=1e-4)


def test_a_large_background_is_taken_in_parts():
  x, target, background = cases(6, rows=50)
  whole, base = explain.kernel_shap(bent, x, target, background)
  parts, other = explain.kernel_shap(bent, x, target, background, chunk=7)
  np.testing.assert_allclose(parts, whole, atol=1e-5)
  np.testing.assert_allclose(other, base, atol=1e-5)


def test_too_little():
  x, target, background = cases(6)
  with pytest.raises(ValueError, match='1 players; expected at least 2'):
    explain.kernel_shap(bent, x[:, :1], target, background[:, :1])
  with pytest.raises(ValueError, match='3 inputs and 2 classes'):
    explain.kernel_shap(bent, x, target[:2], background)
  with pytest.raises(ValueError, match='0 inputs and 0 classes'):
    explain.kernel_shap(bent, x[:0], target[:0], background)
  with pytest.raises(ValueError, match='3, 2 rows'):
    explain.saliency(bent, x, target[:2])
  with pytest.raises(ValueError, match='too few for 6 players'):
    explain.kernel_shap(bent, x, target, background, samples=2)


def test_equals_the_shap_library():
  shap = pytest.importorskip('shap', reason='shap is not installed (extra peers)')
  x, target, background = cases(10, rows=20)
  target = np.ones(3, int)

  def predict(rows):
    return np.asarray(bent(jnp.asarray(rows, jnp.float32), np.ones(len(rows), int)), np.float64)

  expected = shap.KernelExplainer(predict, background).shap_values(x, silent=True, l1_reg=False)
  values, _ = explain.kernel_shap(bent, x, target, background)
  np.testing.assert_allclose(values, expected, atol=1e-3)
  exact = shap.explainers.Exact(predict, shap.maskers.Independent(background))(x).values
  np.testing.assert_allclose(values, exact, atol=2e-5)
