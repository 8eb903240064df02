"""Sums of each feature over a batch, and a factor and a shift for each, fast on a CPU.

XLA goes over all images once for each sum; the kernel in C++ (see ``native``) takes both sums that
normalisation needs, on the way there and on the way back, in one pass.
"""

import functools

import jax
import jax.numpy as jnp

from medjax.ops import native


def has_kernel(x: jax.Array, mask: jax.Array | None) -> bool:
  """Whether there is a kernel in C++ for these images or maps, here and now."""
  plain = mask is None or mask.ndim == 1
  plain = plain and x.dtype == jnp.float32 and x.size > 0
  return plain and x.ndim == 4 and native.available()  # few numbers are fast anyway


@jax.custom_vjp
def moments(x: jax.Array, mask: jax.Array) -> jax.Array:
  """The sums of ``x`` and of its square over all axes but the last, where ``has_kernel``.

  Args:
    x: float32 [batch, height, width, features].
    mask: bool [batch], False for examples that are left out.

  Returns:
    float32 [2, features].
  """
  return _sums(x, x, mask)


def _moments_forward(x: jax.Array, mask: jax.Array) -> tuple[jax.Array, tuple]:
  return _sums(x, x, mask), (x, mask)


def _moments_backward(kept: tuple, gradient: jax.Array) -> tuple[jax.Array, None]:
  x, mask = kept
  of_x = gradient[0] + 2 * gradient[1] * x
  return jnp.where(mask.reshape(-1, *[1] * (x.ndim - 1)), of_x, 0), None


moments.defvjp(_moments_forward, _moments_backward)


@functools.partial(jax.custom_vjp, nondiff_argnums=(3,))
def affine(x: jax.Array, factor: jax.Array, shift: jax.Array, relu: bool = False) -> jax.Array:
  """``x * factor + shift``, where ``has_kernel``.

  Args:
    x: float32 [batch, height, width, features].
    factor: float32 [features].
    shift: float32 [features].
    relu: whether what is negative becomes zero. Its gradient is not written to memory but taken
      where it is needed, from ``x``.
  """
  y = x * factor + shift
  return jnp.maximum(y, 0) if relu else y


def _affine_forward(
  x: jax.Array, factor: jax.Array, shift: jax.Array, relu: bool
) -> tuple[jax.Array, tuple]:
  return affine(x, factor, shift, relu), (x, factor, shift)


def _affine_backward(
  relu: bool, kept: tuple, gradient: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
  x, factor, shift = kept
  everyone, line = jnp.ones(len(x), bool), (factor, shift) if relu else ()
  of_shift, of_factor = _sums(x, gradient, everyone, *line)
  if relu:
    gradient = jnp.where(x * factor + shift > 0, gradient, 0)
  return gradient * factor, of_factor, of_shift


affine.defvjp(_affine_forward, _affine_backward)


def _sums(x: jax.Array, y: jax.Array, mask: jax.Array, *line: jax.Array) -> jax.Array:
  """Sums of ``y`` and ``x * y``; with a factor and a shift only where they make ``x`` positive."""
  results = [((2, x.shape[-1]), jnp.float32)]
  line = line or (jnp.zeros(0),) * 2
  return native.call('medjax_column_sums', results, x, y, mask, *line)[0]
