"""Padding is what comes after the last row that is not zero."""

import numpy as np
import pytest

from medjax.models import padding


@pytest.mark.core
def test_only_what_comes_after_the_last_row_is_padding():
  x = np.array([[[0, 0], [1, 0], [0, 0], [0, 2], [0, 0]], [[0.0, 0]] * 5, [[3, 0]] * 5])
  found = padding.present(x)
  expected = [[True, True, True, True, False], [False] * 5, [True] * 5]
  np.testing.assert_array_equal(found, expected)
