"""Sums over neighbours and their gradients against dense matrices."""

import jax
import jax.numpy as jnp
import numpy as np

from medjax.ops.gathers import gather_sum


def test_values_and_gradients_are_those_of_the_matrix():
  rng = np.random.default_rng(0)
  matrix = rng.integers(0, 2, (7, 5))  # which rows each list names

  def lists(matrix, none):
    rows = [np.flatnonzero(row) for row in matrix]
    longest = max(map(len, rows))
    return jnp.array([[*row, *[none] * (longest - len(row))] for row in rows], jnp.int32)

  index, back = lists(matrix, 5), lists(matrix.T, 7)
  values, weight = rng.normal(size=(5, 3)), rng.normal(size=(7, 3))
  out, pull = jax.vjp(lambda x: gather_sum(x, index, back), jnp.float32(values))
  np.testing.assert_allclose(out, matrix @ values, rtol=1e-5, atol=1e-6)
  np.testing.assert_allclose(pull(jnp.float32(weight))[0], matrix.T @ weight, rtol=1e-5, atol=1e-6)


def test_lists_of_any_length_are_summed_in_an_exported_program():
  shapes = jax.export.symbolic_args_specs([jnp.zeros((7, 1), jnp.int32)] * 2, ['lists, many'] * 2)
  values = jnp.arange(10, dtype=jnp.float32).reshape(5, 2)
  program = jax.export.export(jax.jit(lambda index, back: gather_sum(values, index, back)))(*shapes)
  index = jnp.array([[0, 4, 5], [5, 5, 5]], jnp.int32)
  np.testing.assert_array_equal(program.call(index, index), [[8, 10], [0, 0]])
