"""Noise is normal, independent, and of the size that is asked for; by the kernel and by JAX."""

import contextlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from medjax.ops import native
from medjax.privacy import noise


@pytest.fixture(params=['kernel', 'jax'])
def way(request):
  if request.param == 'kernel' and not native.available():
    pytest.skip(f'no kernels here: {native.status()}')
  with contextlib.nullcontext() if request.param == 'kernel' else native.disabled():
    yield request.param


def drawn(size, key=0, deviation=3.0, scale=0.5):
  total = {'a': jnp.full(size, 2.0), 'b': jnp.zeros((3, 7))}
  return jax.tree.map(np.asarray, noise.add(total, jax.random.key(key), deviation, scale))


def test_it_is_normal_and_has_the_deviation(way):
  found = (drawn(400_001)['a'] / 0.5 - 2.0) / 3.0
  assert stats.kstest(found, 'norm').pvalue > 1e-4
  assert abs(found.mean()) < 5 / np.sqrt(400_001)
  assert found.var() == pytest.approx(1, abs=5 * np.sqrt(2 / 400_001))
  assert stats.kurtosis(found) == pytest.approx(0, abs=5 * np.sqrt(24 / 400_001))
  far = (np.abs(found) > 4).sum()
  assert stats.binomtest(int(far), 400_001, 2 * stats.norm.sf(4)).pvalue > 1e-4


@pytest.mark.parametrize('lag', [1, 2, 16, 128, 256])
def test_neighbours_are_independent(way, lag):
  found = drawn(200_000)['a'] - 1.0
  for values in (found, found**2):
    assert abs(np.corrcoef(values[:-lag], values[lag:])[0, 1]) < 5 / np.sqrt(200_000)


def test_leaves_and_keys_have_their_own(way):
  first, second = drawn(21), drawn(21, key=1)
  assert (first['a'] != second['a']).all()
  assert not np.allclose(first['a'] - 1.0, first['b'].ravel())
  assert (drawn(21)['a'] == first['a']).all()


def test_without_a_deviation_nothing_is_added(way):
  assert (drawn(100, deviation=0.0)['a'] == 1.0).all()
