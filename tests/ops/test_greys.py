"""Greys of 16 bits by the kernels, which give what indexing and arithmetic give."""

import numpy as np
import pytest

from medjax.ops import greys, native


@pytest.fixture(autouse=True)
def kernels():
  try:
    native.library()
  except native.UnavailableError as error:
    pytest.skip(str(error))


@pytest.mark.parametrize('size', [0, 1, 31, 70_000])
@pytest.mark.parametrize(('kind', 'first'), [('u2', 0), ('u2', 65_000), ('i2', -32_768), ('i2', 7)])
def test_a_table_is_indexed(kind, first, size):
  rng = np.random.default_rng(0)
  last = min(np.iinfo(kind).max, first + 3000)
  table = rng.integers(0, 256, last - first + 1, np.uint8)
  number = rng.integers(first, last + 1, size).astype(kind)
  number[-1:] = last
  assert greys.has_kernel(number)
  found = greys.by_table(table, number, first)
  np.testing.assert_array_equal(found, table[number.astype(int) - first])


@pytest.mark.parametrize('size', [0, 1, 31, 70_000])
@pytest.mark.parametrize(('kind', 'first'), [('u2', 0), ('i2', -32_768)])
@pytest.mark.parametrize('step', [3_000_000, -3_000_000])
def test_a_line_is_followed_between_its_ends(kind, first, size, step):
  rng = np.random.default_rng(1)
  span = np.iinfo(kind)
  number = rng.integers(span.min, span.max + 1, size).astype(kind)
  start = 2**23 if step > 0 else 2**32 - 1
  found = greys.by_line(number, first, (900, 2300), start, step % 2**32)
  places = (number.astype(int) - first).clip(900, 2300) - 900
  np.testing.assert_array_equal(found, (start + step * places) >> 24)


def test_shapes_and_strides_are_kept():
  number = np.arange(600, dtype=np.uint16).reshape(20, 30)[::2].T
  table = np.arange(600).astype(np.uint8)
  np.testing.assert_array_equal(greys.by_table(table, number, 0), table[number])


def test_other_types_and_what_is_turned_off_have_no_kernel(monkeypatch):
  for kind in ('u1', 'i4', '>u2', 'f4'):
    assert not greys.has_kernel(np.zeros(3, kind))
  with native.disabled():
    assert not greys.has_kernel(np.zeros(3, np.uint16))
  monkeypatch.setenv('MEDJAX_NATIVE', '0')
  assert not greys.has_kernel(np.zeros(3, np.uint16))
