"""Rows that are equal are computed once: layers over the distinct rows of a batch, on a CPU.

In a batch of molecules most atoms have surroundings that others have as well, so most rows that
enter a layer are there several times. ``distinct`` finds them; ``matmul`` and ``relu_sum`` work on
as many rows as there are, which the device alone knows, and not on as many as there might be.
Values and gradients are those of all rows, to rounding. The kernels are in C++; see ``native``.

Source:
  Bollen, Steegmans, Van den Bussche and Vansummeren (2023), Learning graph neural networks using
  exact compression, GRADES-NDA (rows that are equal by colour refinement are computed once).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from medjax.ops import native


class Distinct(NamedTuple):
  """Which of N rows stand for all of them.

  Attributes:
    rows: int32 [N], the numbers of the distinct rows, then N.
    slot: int32 [N], the place in ``rows`` of what stands for each row.
    number: int32, how many there are.
  """

  rows: jax.Array
  slot: jax.Array
  number: jax.Array


class Table(NamedTuple):
  """Rows [N, F] of which the first ``number`` (int32) are there; later ones are undefined."""

  values: jax.Array
  number: jax.Array


def mix(x: jax.Array) -> jax.Array:
  """Other uint32 numbers for other numbers, one to one, that look random.

  Source: the last steps of MurmurHash3 by A. Appleby (public domain).
  """
  x = (x ^ (x >> 16)) * jnp.uint32(0x85EBCA6B)
  x = (x ^ (x >> 13)) * jnp.uint32(0xC2B2AE35)
  return x ^ (x >> 16)


def colour(x: jax.Array) -> jax.Array:
  """A fingerprint of each row, uint32 [N, 2], of floating [N, F].

  Equal rows have equal ones; two that differ do with a probability of 2**-64.
  """
  width = x.shape[-1]
  seeds = mix(jnp.arange(1, 2 * width + 1, dtype=jnp.uint32)).reshape(2, width)
  bits = jax.lax.bitcast_convert_type(x.astype(jnp.float32), jnp.uint32)
  parts = [mix(bits + seed).sum(axis=-1, dtype=jnp.uint32) for seed in seeds]
  return jnp.stack(parts, axis=-1)


def distinct(colours: jax.Array) -> Distinct:
  """The distinct rows of colours uint32 [N, 2], in the order in which they come.

  Example:
    >>> rows, slot, number = distinct(jnp.array([[7, 7], [3, 3], [7, 7]], jnp.uint32))
    >>> rows.tolist(), slot.tolist(), int(number)
    ([0, 1, 3], [0, 1, 0], 2)
  """
  size = (len(colours),)
  results = [(size, jnp.int32), (size, jnp.int32), ((), jnp.int32)]
  return Distinct(*native.call('medjax_distinct', results, colours))


@jax.custom_vjp
def matmul(x: Table, kernel: jax.Array) -> Table:
  """The rows of ``x @ kernel``.

  Args:
    x: float32 [N, F].
    kernel: float32 [F, G].
  """
  results = [((len(x.values), kernel.shape[1]), jnp.float32)]
  return Table(native.call('medjax_product', results, x.values, kernel, x.number)[0], x.number)


def _matmul_forward(x: Table, kernel: jax.Array) -> tuple[Table, tuple]:
  return matmul(x, kernel), (x, kernel)


def _matmul_backward(kept: tuple, gradient: Table) -> tuple[Table, jax.Array]:
  x, kernel = kept
  results = [(part.shape, jnp.float32) for part in (x.values, kernel)]
  of_x, of_kernel = native.call(
    'medjax_product_gradient', results, x.values, kernel, x.number, gradient.values
  )
  return Table(of_x, _no_gradient(x.number)), of_kernel


matmul.defvjp(_matmul_forward, _matmul_backward)


@jax.custom_vjp
def relu_sum(
  first: Table, second: Table, i: jax.Array, j: jax.Array, count: jax.Array
) -> tuple[Table, Table]:
  """``out[n] = sum of relu(first[i[n, k]] + second[j[n, k]]) over k`` for ``count`` rows n.

  Args:
    first: float32 [P, F].
    second: float32 [Q, F].
    i: int32 [N, K], rows of ``first``; -1 where nothing is added.
    j: int32 [N, K], rows of ``second`` where there is one of ``first``.
    count: int32.

  Returns:
    The sums [N, F], and ``first`` as it was, for a further use: its gradients are then added up
    where they are and not as arrays as long as there might be rows.
  """
  results = [((len(i), first.values.shape[1]), jnp.float32)]
  out = native.call('medjax_relu_sum', results, first.values, second.values, i, j, count)[0]
  return Table(out, count), first


def _relu_sum_forward(
  first: Table, second: Table, i: jax.Array, j: jax.Array, count: jax.Array
) -> tuple[tuple[Table, Table], tuple]:
  return relu_sum(first, second, i, j, count), (first, second, i, j, count)


def _relu_sum_backward(kept: tuple, gradient: tuple[Table, Table]) -> tuple:
  first, second, i, j, count = kept
  of_out, so_far = gradient
  results = [(part.values.shape, jnp.float32) for part in (first, second)]
  arrays = (first.values, second.values, i, j, count, first.number, second.number)
  of_first, of_second = native.call(
    'medjax_relu_sum_gradient', results, *arrays, so_far.values, of_out.values
  )
  return (
    Table(of_first, _no_gradient(first.number)),
    Table(of_second, _no_gradient(second.number)),
    *(_no_gradient(part) for part in (i, j, count)),
  )


relu_sum.defvjp(_relu_sum_forward, _relu_sum_backward)


def _no_gradient(x: jax.Array) -> Any:
  return np.zeros(x.shape, jax.dtypes.float0)
