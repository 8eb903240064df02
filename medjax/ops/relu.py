"""ReLU whose result is kept in memory, for sums that many layers use."""

import jax
import jax.numpy as jnp

from medjax.ops import native


def relu(x: jax.Array) -> jax.Array:
  """The larger of ``x`` and 0, written to memory once; its gradient reads that alone.

  XLA computes again, wherever it is used, what costs little: the sum that ends a residual block
  then comes from the sums before it, those of all blocks of its stage, at every use and once more
  for the gradient. On a CPU the result passes through a kernel that does nothing (see ``native``),
  which ends that; ``lax.optimization_barrier`` does not, as XLA takes it out before it fuses.

  Args:
    x: any shape, floating.

  Returns:
    Shape and dtype of ``x``; NaN where ``x`` is.

  Example:
    >>> relu(jnp.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
  """
  return _kept(x) if native.available() else jax.nn.relu(x)


@jax.custom_jvp
def _kept(x: jax.Array) -> jax.Array:
  same = jax.ShapeDtypeStruct(x.shape, x.dtype)
  keep = jax.ffi.ffi_call(
    'medjax_kept', same, vmap_method='broadcast_all', input_output_aliases={0: 0}
  )
  return keep(jnp.maximum(x, 0))


@_kept.defjvp
def _jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
  y = _kept(*primals)
  return y, jnp.where(y > 0, tangents[0], 0)
