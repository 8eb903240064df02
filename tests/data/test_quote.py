"""Foreign text in messages."""

import pytest

from medjax.data.quote import short


@pytest.mark.parametrize('length', [0, 1, 60])
def test_what_fits_stays_as_it_is(length):
  assert short('x' * length) == 'x' * length


def test_what_is_longer_is_cut_and_says_its_length():
  assert short('ab' * 50) == 'ab' * 30 + '... (100 characters)'
