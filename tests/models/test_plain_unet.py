"""The plain U-Net: outputs at every pixel, of any size of image, and what it may see."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import models


@pytest.mark.parametrize('stem', [1, 2])
def test_outputs_are_at_every_pixel_of_odd_images(stem):
  model = models.PlainUNet(width=4, depth=2, outputs=3, stem=stem)
  x = jnp.zeros((2, 21, 30, 1))
  variables = jax.eval_shape(model.init, jax.random.key(0), x)
  assert jax.eval_shape(model.apply, variables, x).shape == (2, 21, 30, 3)


def test_parameters_are_those_of_its_layers():
  model = models.PlainUNet(width=4, depth=1)
  shapes = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((1, 8, 8, 3)))['params']
  convolutions = 9 * (3 * 4 + 4 * 4 + 4 * 8 + 8 * 8 + (8 + 4) * 4 + 4 * 4)
  norms = 2 * (4 + 4 + 8 + 8 + 4 + 4)
  assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == convolutions + norms + 4 + 1
  # Each is in a block, from the images to the outputs.
  named = [name for block in models.PlainUNet(width=4, depth=1).blocks for name in block]
  assert named == ['down0', 'down1', 'up0', 'head']
  assert set(shapes) == set(named)


def test_padding_is_no_part_of_the_batch():
  """Statistics of a batch are those of its real examples, whatever stands in the others."""
  model = models.PlainUNet(width=4, depth=1, axis_name=None)
  x = np.random.default_rng(0).normal(size=(3, 8, 8, 1)).astype(np.float32)
  other = np.where(np.arange(3)[:, None, None, None] == 2, 99, x)
  variables = jax.jit(model.init)(jax.random.key(0), x)
  mask = jnp.array([True, True, False])

  @jax.jit
  def outputs(x):
    return model.apply(variables, x, mask=mask, train=True, mutable=['batch_stats'])[0]

  np.testing.assert_allclose(outputs(x)[:2], outputs(other)[:2], atol=1e-5)
  assert np.abs(np.asarray(outputs(x)[2] - outputs(other)[2])).max() > 0.1


def test_other_stems_are_refused():
  with pytest.raises(ValueError, match='stem=3: expected 1 or 2'):
    models.PlainUNet(stem=3).init(jax.random.key(0), jnp.zeros((1, 8, 8, 1)))
