"""Adam in one pass gives what optax gives, with kernels and without them."""

import contextlib

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from medjax import optimizers
from medjax.config import Config
from medjax.errors import UserError
from medjax.ops import native

# Sizes of no whole vector, of one chunk of the kernel and of more.
SHAPES = {'bias': (3,), 'kernel': (3, 3, 5, 7), 'scalar': (), 'dense': (1031, 129)}
SCHEDULE = optax.warmup_cosine_decay_schedule(0.0, 0.01, 2, 6)
KINDS = {
  'adam': (optimizers.Adam(0.01), optax.adam(0.01)),
  'adamw': (optimizers.Adam(0.01, weight_decay=0.1), optax.adamw(0.01, weight_decay=0.1)),
  'other decays': (
    optimizers.Adam(0.01, b1=0.8, b2=0.9, eps=1e-3),
    optax.adam(0.01, 0.8, 0.9, 1e-3),
  ),
  'schedule and clipping': (
    optimizers.Adam(SCHEDULE, weight_decay=0.01, clip_norm=1.0),
    optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(SCHEDULE, weight_decay=0.01)),
  ),
}


def tree(seed, scale=1.0):
  rng = np.random.default_rng(seed)
  return {k: jnp.asarray(scale * rng.normal(size=s), jnp.float32) for k, s in SHAPES.items()}


def run(optimizer, scale):
  """Parameters and norms of six updates."""

  @jax.jit
  def update(params, state, grads):
    done = optimizers.step(optimizer, grads, state, params)
    return done.params, done.state, (done.grad_norm, done.update_norm)

  params, norms = tree(0), []
  state = optimizer.init(params)
  for i in range(6):
    params, state, found = update(params, state, tree(i + 1, scale))
    norms.append(found)
  return params, norms


@pytest.mark.core
@pytest.mark.parametrize('kernels', [True, False])
@pytest.mark.parametrize('kind', KINDS)
def test_six_updates_are_those_of_optax(kind, kernels):
  if kernels and not native.available():
    pytest.skip(native.status())
  ours, theirs = KINDS[kind]
  for scale in (1.0, 1e-4):  # of which the first gradient is clipped, and the second is not
    with contextlib.nullcontext() if kernels else native.disabled():
      params, norms = run(ours, scale)
    expected, expected_norms = run(theirs, scale)
    for name, leaf in params.items():
      np.testing.assert_allclose(leaf, expected[name], rtol=2e-6, atol=2e-6, err_msg=name)
    np.testing.assert_allclose(norms, expected_norms, rtol=2e-5)


def test_norms_are_those_of_float64():
  params, grads = tree(0), tree(1)
  optimizer = optimizers.Adam(0.01)
  done = optimizer.step(grads, optimizer.init(params), params)
  exact = [np.asarray(grads[name], np.float64) for name in SHAPES]
  assert float(done.grad_norm) == pytest.approx(np.sqrt(sum((g**2).sum() for g in exact)), rel=1e-6)
  # The first update is the learning rate times the sign, whatever the size of the gradient.
  count = sum(g.size for g in exact)
  assert float(done.update_norm) == pytest.approx(0.01 * np.sqrt(count), rel=1e-5)


def test_kernel_and_jax_agree_where_the_gradient_is_no_number():
  params, grads = tree(0), tree(1)
  grads['bias'] = grads['bias'].at[1].set(jnp.nan)
  optimizer = optimizers.Adam(0.01)
  done = optimizer.step(grads, optimizer.init(params), params)
  assert np.isnan(done.grad_norm)
  assert np.isnan(done.update_norm)
  assert np.isnan(done.params['bias']).tolist() == [False, True, False]


def test_adam_is_an_optax_transformation():
  optimizer, params = optimizers.Adam(0.01), tree(0)
  kinds = {'bias': 'fixed', 'kernel': 'adam', 'scalar': 'adam', 'dense': 'fixed'}
  mixed = optax.multi_transform({'adam': optimizer, 'fixed': optax.set_to_zero()}, kinds)
  done = optimizers.step(mixed, tree(1), mixed.init(params), params)
  assert (done.params['dense'] == params['dense']).all()
  alone = optimizer.step(tree(1), optimizer.init(params), params)
  np.testing.assert_allclose(done.params['kernel'], alone.params['kernel'], rtol=1e-6, atol=1e-6)


def test_an_update_is_the_same_to_the_bit_every_time():
  params, grads = tree(0), tree(1)
  optimizer = optimizers.Adam(0.01, clip_norm=1.0)
  state = optimizer.init(params)
  first, second = (optimizer.step(grads, state, params) for _ in range(2))
  for a, b in zip(jax.tree.leaves(vars(first)), jax.tree.leaves(vars(second)), strict=True):
    np.testing.assert_array_equal(a, b)


def test_settings_of_the_step_size():
  config = Config(batch_size=10, num_epochs=5, learning_rate=0.1)  # 3 updates an epoch
  assert optimizers.Settings().adam(config, 25) == optimizers.Adam(0.1)
  settings = optimizers.Settings('cosine', 1.0, weight_decay=0.2, clip_norm=3.0)
  adam = settings.adam(config, 25)
  assert (adam.weight_decay, adam.clip_norm) == (0.2, 3.0)
  found = [float(adam.learning_rate(step)) for step in range(16)]
  falling = [0.05 * (1 + np.cos(np.pi * step / 12)) for step in range(13)]
  np.testing.assert_allclose(found, [0, 0.1 / 3, 0.2 / 3, *falling], atol=1e-6)
  rising = optimizers.Settings(warmup_epochs=1.0).adam(config, 25).learning_rate
  np.testing.assert_allclose([rising(s) for s in (0, 1, 3, 9)], [0, 0.1 / 3, 0.1, 0.1], rtol=1e-6)
  steps = optimizers.Settings('steps', 1.0).adam(config, 25).learning_rate
  found = [float(steps(step)) for step in (0, 1, 3, 6, 7, 8, 10, 11, 12, 15)]
  expected = [0, 0.1 / 3, 0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001, 0.001]
  np.testing.assert_allclose(found, expected, rtol=1e-6)
  with pytest.raises(UserError, match=r'warmup_epochs=5: expected fewer than config\.num_epochs=5'):
    optimizers.Settings(warmup_epochs=5.0).adam(config, 25)


@pytest.mark.core
@pytest.mark.parametrize('kernels', [True, False])
def test_rates_are_those_of_several_optimisers(kernels):
  if kernels and not native.available():
    pytest.skip(native.status())
  factors = {'bias': 1.0, 'kernel': 0.0, 'scalar': 0.1, 'dense': 0.1}
  ours = optimizers.Adam(0.01, weight_decay=0.1, rates=lambda params: factors)
  theirs = optax.multi_transform(
    {
      1.0: optax.adamw(0.01, weight_decay=0.1),
      0.1: optax.adamw(0.001, weight_decay=0.1),
      0.0: optax.set_to_zero(),
    },
    factors,
  )
  with contextlib.nullcontext() if kernels else native.disabled():
    found, norms = run(ours, 1.0)
  expected, expected_norms = run(theirs, 1.0)
  for name in SHAPES:
    np.testing.assert_allclose(found[name], expected[name], atol=1e-6)
  np.testing.assert_allclose(norms, expected_norms, rtol=1e-5)
  np.testing.assert_array_equal(found['kernel'], tree(0)['kernel'])
  state = ours.init(tree(0))
  assert state.mu['kernel'].size == state.nu['kernel'].size == 1
