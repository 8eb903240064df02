import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax.ops import native, relu


def _draw(shape, dtype=jnp.float32):
  return jnp.asarray(np.random.default_rng(0).normal(size=shape), dtype)


@pytest.mark.parametrize('dtype', [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize('kernels', [True, False])
def test_values_and_gradients_are_those_of_jax(dtype, kernels):
  x, weight = _draw((3, 5, 4), dtype), _draw((3, 5, 4), dtype)[::-1]
  x = x.at[0, 0, 0].set(0).at[0, 0, 1].set(jnp.nan).at[0, 0, 2].set(-jnp.inf)

  def both(function):
    return jax.jit(lambda x: (function(x), jax.grad(lambda x: (function(x) * weight).sum())(x)))

  expected = both(jax.nn.relu)(x)
  if kernels:
    got = both(relu)(x)
  else:
    with native.disabled():
      got = both(relu)(x)
  for one, other in zip(got, expected, strict=True):
    assert one.dtype == dtype
    np.testing.assert_array_equal(np.asarray(one, np.float32), np.asarray(other, np.float32))


def test_under_vmap_and_forward_mode():
  x, tangent = _draw((3, 4)), _draw((4, 3)).T
  np.testing.assert_array_equal(jax.vmap(relu)(x), jax.nn.relu(x))
  got, expected = (jax.jvp(f, (x,), (tangent,)) for f in (relu, jax.nn.relu))
  np.testing.assert_array_equal(got, expected)


def test_the_result_is_written_once_and_not_copied():
  if not native.available():
    pytest.skip(f'kernels in C++: {native.status()}')

  def chain(x, y, z):
    first = relu(x + y)
    return first * 2, relu(first + z)

  x = _draw((8, 16))
  text = jax.jit(chain).lower(x, x + 1, x + 2).compile().as_text()
  steps = text[text.index('ENTRY') :]
  assert steps.count('custom_call_target="medjax_kept"') == 2
  assert ' copy(' not in steps
