"""Depthwise convolution: values and gradients of lax."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import ops


def of_lax(x, kernel, strides, padding):
  return jax.lax.conv_general_dilated(
    x,
    kernel,
    strides,
    padding,
    dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
    feature_group_count=x.shape[-1],
    precision='highest',
  )


@pytest.mark.parametrize(
  ('size', 'kernel', 'strides', 'padding'),
  [
    ((7, 9), (3, 3), (1, 1), ((1, 1), (1, 1))),
    ((8, 7), (3, 3), (2, 2), ((1, 1), (1, 1))),
    ((9, 6), (5, 5), (2, 2), ((2, 2), (2, 2))),
    ((4, 4), (7, 7), (1, 1), ((3, 3), (3, 3))),
    ((6, 5), (2, 3), (2, 1), ((0, 1), (2, 0))),
  ],
)
def test_depthwise_equals_lax_and_so_do_its_gradients(size, kernel, strides, padding):
  random = np.random.default_rng(0)
  x = random.normal(size=(2, *size, 6)).astype(np.float32)
  weights = random.normal(size=(*kernel, 1, 6)).astype(np.float32)
  direction = random.normal(size=of_lax(x, weights, strides, padding).shape).astype(np.float32)

  def value_and_gradients(function):
    out, back = jax.vjp(lambda x, w: function(x, w, strides, padding), x, weights)
    return out, *back(direction)

  both = zip(value_and_gradients(ops.depthwise), value_and_gradients(of_lax), strict=True)
  for found, expected in both:
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_convolutions_of_linen_take_it():
  layer = nn.Conv(
    4, (3, 3), padding='SAME', feature_group_count=4, use_bias=False,
    conv_general_dilated=ops.conv_general_dilated,
  )  # fmt: skip
  x = np.random.default_rng(1).normal(size=(1, 5, 6, 4)).astype(np.float32)
  variables = layer.init(jax.random.key(0), x)
  assert 'conv_general_dilated' not in str(jax.make_jaxpr(layer.apply)(variables, x))
  expected = of_lax(x, variables['params']['kernel'], (1, 1), 'SAME')
  np.testing.assert_allclose(layer.apply(variables, x), expected, atol=1e-5)


def test_bfloat16_is_summed_in_float32():
  x = jnp.full((1, 3, 3, 1), 1 + 2**-7, jnp.bfloat16)
  out = ops.depthwise(x, jnp.ones((3, 3, 1, 1), jnp.bfloat16), (1, 1), ((0, 0), (0, 0)))
  assert out.dtype == jnp.bfloat16
  assert out.item() == float(jnp.bfloat16(9 * (1 + 2**-7)))
