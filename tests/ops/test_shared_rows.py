"""Layers over distinct rows against NumPy and plain JAX."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax.ops import native, shared_rows
from medjax.ops.shared_rows import Table

pytestmark = pytest.mark.skipif(not native.available(), reason='no kernels in C++ here')


@pytest.mark.parametrize('count', [1, 7, 300])
def test_distinct_rows_stand_for_all(count):
  rng = np.random.default_rng(count)
  # Places of the table collide as well: only the second number differs.
  colours = np.stack([rng.integers(0, 3, count) << 16, rng.integers(0, 20, count)], -1)
  rows, slot, found = jax.jit(shared_rows.distinct)(jnp.array(colours, jnp.uint32))
  unique, first = np.unique(colours, axis=0, return_index=True)
  assert found == len(unique)
  np.testing.assert_array_equal(rows[: int(found)], np.sort(first))
  assert (np.asarray(rows)[int(found) :] == count).all()
  np.testing.assert_array_equal(colours[np.asarray(rows)[np.asarray(slot)]], colours)


def test_colours_tell_rows_apart():
  rows = np.unique(np.random.default_rng(0).integers(0, 2, (4000, 90)), axis=0)
  both = jnp.float32(np.concatenate([rows, rows[:50], rows[:1] + 1e-6]))
  colours = np.asarray(jax.jit(shared_rows.colour)(both))
  np.testing.assert_array_equal(colours[len(rows) : len(rows) + 50], colours[:50])
  assert len(np.unique(colours, axis=0)) == len(rows) + 1
  # Each of the two numbers tells as much as 32 bits can.
  assert min(len(np.unique(colours[:, k])) for k in range(2)) >= len(rows) - 3


@pytest.mark.parametrize(('count', 'width', 'columns'), [(0, 5, 3), (61, 40, 17), (300, 33, 64)])
def test_a_product_is_of_the_first_rows(count, width, columns):
  rng = np.random.default_rng(0)
  x = np.full((320, width), np.nan, np.float32)
  x[:count] = rng.normal(size=(count, width))
  kernel = rng.normal(size=(width, columns)).astype(np.float32)
  weight = np.full((320, columns), np.nan, np.float32)
  weight[:count] = rng.normal(size=(count, columns))

  def product(values, kernel):
    return shared_rows.matmul(Table(values, jnp.int32(count)), kernel).values

  out, pull = jax.vjp(product, jnp.array(x), jnp.array(kernel))
  of_x, of_kernel = pull(jnp.array(weight))
  tight = {'rtol': 1e-4, 'atol': 1e-4}
  np.testing.assert_allclose(out[:count], x[:count] @ kernel, **tight)
  np.testing.assert_allclose(of_x[:count], weight[:count] @ kernel.T, **tight)
  np.testing.assert_allclose(of_kernel, x[:count].T @ weight[:count], **tight)


def test_sums_and_their_gradients():
  rng = np.random.default_rng(0)
  count, width, sizes = 130, 70, (9, 40)
  tables = [jnp.float32(rng.normal(size=(size, width))) for size in sizes]
  i, j = (jnp.array(rng.integers(low, size, (150, 3)), jnp.int32)
          for low, size in zip((-1, 0), sizes, strict=True))  # fmt: skip
  weights = [jnp.float32(rng.normal(size=(count, width))) for _ in range(2)]

  def plain(first, second):
    terms = jnp.where((i >= 0)[..., None], jax.nn.relu(first[i] + second[j]), 0)
    out = terms.sum(axis=1)[:count]
    return (out * weights[0]).sum() + (out[:, ::-1] * weights[1]).sum()

  def shared(first, second):
    one, other = (Table(part, jnp.int32(len(part))) for part in (first, second))
    out, one = shared_rows.relu_sum(one, other, i, j, jnp.int32(count))
    again, _ = shared_rows.relu_sum(one, other, i, j, jnp.int32(count))  # gradients add up
    first, second = out.values[:count] * weights[0], again.values[:count, ::-1] * weights[1]
    return first.sum() + second.sum()

  expected = jax.value_and_grad(plain, (0, 1))(*tables)
  found = jax.value_and_grad(shared, (0, 1))(*tables)
  np.testing.assert_allclose(found[0], expected[0], rtol=1e-4)
  for one, other in zip(found[1], expected[1], strict=True):
    np.testing.assert_allclose(one, other, atol=1e-4)
