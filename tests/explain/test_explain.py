"""Explanations against closed forms, and their independence of how many inputs go at a time."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import explain, models, tasks
from medjax.training import state
from medjax.training.score import score_function

WEIGHTS = np.random.default_rng(0).normal(size=(2, 5)).astype(np.float32)


def linear(x, target):
  return (x * jnp.asarray(WEIGHTS)[target]).sum(axis=1) + 3.0


def bent(x, target):
  """Not linear, with a gradient known by hand: sum of w * x^3, and one product."""
  return (jnp.asarray(WEIGHTS)[target] * x**3).sum(axis=1) + x[:, 0] * x[:, 1]


def inputs(count=7, seed=1):
  random = np.random.default_rng(seed)
  return random.normal(size=(count, 5)).astype(np.float32), random.integers(0, 2, count)


def test_saliency_is_the_gradient():
  x, target = inputs()
  expected = 3 * WEIGHTS[target] * x**2
  expected[:, 0] += x[:, 1]
  expected[:, 1] += x[:, 0]
  np.testing.assert_allclose(explain.saliency(bent, x, target), expected, rtol=1e-5, atol=1e-5)


def test_smooth_grad_of_a_cube_is_known():
  """The mean of 3 w (x + n)^2 is 3 w (x^2 + variance of n)."""
  x, target = inputs()
  found = explain.smooth_grad(linear, x, target)
  np.testing.assert_allclose(found, WEIGHTS[target], rtol=1e-5)
  found = explain.smooth_grad(bent, x, target, samples=4000, noise=0.2, chunk=7)
  variance = (0.2 * np.ptp(x, axis=1)[:, None]) ** 2
  expected = 3 * WEIGHTS[target] * (x**2 + variance)
  expected[:, 0] += x[:, 1]
  expected[:, 1] += x[:, 0]
  assert np.abs(found - expected).max() < 0.15 * np.abs(expected).max()


def test_gradient_shap_of_a_linear_score_is_shapley():
  x, target = inputs()
  background = np.random.default_rng(3).normal(size=(8, 5)).astype(np.float32)
  found = explain.gradient_shap(linear, x, target, background, samples=16)
  expected = WEIGHTS[target] * (x - background.mean(axis=0))
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
  # Of any score the parts add up, on average, to the score less its mean over the background.
  found = explain.gradient_shap(bent, x, target, background, samples=4000, chunk=7).sum(axis=1)
  means = [np.mean(bent(background, np.full(8, t))) for t in target]
  expected = np.asarray(bent(x, target)) - means
  np.testing.assert_allclose(found, expected, atol=0.1 * np.abs(expected).max())


def test_occlusion_of_a_linear_score_is_what_was_covered():
  random = np.random.default_rng(0)
  weights = random.normal(size=(8, 9, 2)).astype(np.float32)
  x = random.normal(size=(3, 8, 9, 2)).astype(np.float32)

  def score(x, target):
    return (x * weights).sum(axis=(1, 2, 3)) * (1 + target)

  target = np.array([0, 1, 0])
  found = explain.occlusion(score, x, target, window=(1, 1), stride=(1, 1), fill=0.25, chunk=5)
  expected = ((x - 0.25) * weights).sum(axis=3) * (1 + target)[:, None, None]
  np.testing.assert_allclose(found, expected, atol=1e-4)
  # Every place is covered, also where the strides do not fit; a mean over the windows on it.
  wide = explain.occlusion(score, x, target, window=(3, 4), stride=(2, 3))
  parts = (x * weights).sum(axis=3)
  corner = parts[0, :3, :4].sum()  # the only window on the first pixel
  assert wide[0, 0, 0] == pytest.approx(corner, abs=1e-4)
  assert wide[0, -1, -1] == pytest.approx(parts[0, -3:, -4:].sum(), abs=1e-4)
  with pytest.raises(ValueError, match='larger than the inputs'):
    explain.occlusion(score, x, target, window=(9, 2), stride=(1, 1))
  with pytest.raises(ValueError, match='expected 1 to the length'):
    explain.occlusion(score, x, target, window=(2, 2), stride=(3, 2))
  with pytest.raises(ValueError, match='stride'):
    explain.occlusion(score, x, target, window=(2, 2), stride=(1,))


class Pooled(nn.Module):
  """Global mean of maps with known weights: Grad-CAM is the class activation map."""

  @nn.compact
  def __call__(self, x, *, train=False):
    x = nn.Conv(3, (1, 1), use_bias=False, name='maps')(x)
    return x.mean(axis=(1, 2)) @ jnp.array([[1.0], [-2.0], [0.5]])


def test_grad_cam_of_a_pooled_network_is_the_class_activation_map():
  model, x = Pooled(), np.random.default_rng(0).normal(size=(2, 8, 8, 1)).astype(np.float32)
  variables = model.init(jax.random.key(0), x)

  def score(x, target):
    return model.apply(variables, x)[:, 0]

  found = explain.grad_cam(score, x, np.ones(2, int))
  kernel = np.asarray(variables['params']['maps']['kernel'])[0, 0]
  expected = np.maximum((x @ kernel * np.array([1.0, -2.0, 0.5])).sum(axis=3), 0) / 64
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_grad_cam_chooses_the_last_maps_or_the_named_ones():
  model = models.CNN(features=(4, 8), hidden=4)
  x = np.random.default_rng(0).random((2, 24, 24, 1), np.float32)
  variables = model.init(jax.random.key(0), x)

  def score(x, target):
    return model.apply(variables, x)[:, 0]

  found = explain.grad_cam(score, x, np.ones(2, int))
  assert found.shape == (2, 24, 24)
  assert found.min() >= 0
  np.testing.assert_array_equal(found, explain.grad_cam(score, x, np.ones(2, int), layer='Conv_1'))
  first = explain.grad_cam(score, x, np.ones(2, int), layer='Conv_0')
  assert np.abs(first - found).max() > 0
  with pytest.raises(ValueError, match="layer 'Conv_9' is none of Conv_0, Conv_1"):
    explain.grad_cam(score, x, np.ones(2, int), layer='Conv_9')
  with pytest.raises(ValueError, match='no module has an output of feature maps'):
    explain.grad_cam(linear, np.ones((1, 5), np.float32), np.ones(1, int))


@pytest.mark.parametrize(
  'method',
  [
    explain.saliency,
    explain.smooth_grad,
    lambda *a, **k: explain.integrated_gradients(*a, **k).parts,
    lambda *a, **k: explain.gradient_shap(*a, np.zeros((2, 5)), **k),
    lambda *a, **k: explain.occlusion(*a, window=(1,), stride=(1,), **k),
  ],
)
def test_chunks_do_not_change_the_result(method):
  x, target = inputs(7)
  whole = method(bent, x, target, chunk=100)
  assert whole.shape == (7, 5)
  for chunk in (1, 3, 7):
    np.testing.assert_allclose(method(bent, x, target, chunk=chunk), whole, rtol=2e-5, atol=2e-5)


def test_score_function_is_the_logit_of_the_class(make_experiment):
  experiment = make_experiment()
  variables = state.create(experiment, 0).variables
  x = np.random.default_rng(0).random((4, 12, 12, 1), np.float32)
  logit = np.asarray(experiment.model.apply(variables, x))[:, 0]
  score = score_function(experiment, variables)
  target = np.array([1, 0, 1, 0])
  np.testing.assert_allclose(score(x, target), np.where(target == 1, logit, -logit), rtol=1e-6)


def test_score_function_of_many_classes(make_experiment):
  experiment = dataclasses.replace(make_experiment(outputs=3), task=tasks.Multiclass(3))
  variables = state.create(experiment, 0).variables
  x = np.random.default_rng(0).random((4, 12, 12, 1), np.float32)
  outputs = np.asarray(experiment.model.apply(variables, x))
  target = np.array([2, 0, 1, 2])
  found = score_function(experiment, variables)(x, target)
  np.testing.assert_allclose(found, outputs[np.arange(4), target], rtol=1e-6)
