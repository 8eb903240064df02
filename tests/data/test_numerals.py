"""Numbers in digits of ASCII, and what Python reads as numbers beside them."""

import pytest

from medjax.data import numerals


@pytest.mark.parametrize(
  ('text', 'number'),
  [('0', 0.0), ('-1.5e-3', -0.0015), ('+2.', 2.0), ('.5', 0.5), ('1E3', 1000.0), ('007', 7.0)],
)
def test_numbers(text, number):
  assert numerals.real(text) == number


@pytest.mark.parametrize(
  'text',
  ['', '1_0', '１', '٣', 'nan', 'inf', '-inf', '1e999', '9' * 5000, '1,5', ' 1', '1\n', '.', 'e5'],
)
def test_texts_that_are_no_numbers(text):
  assert numerals.real(text) is None


def test_whole_numbers():
  assert [numerals.whole(text) for text in ('0', '12', '9' * 15)] == [0, 12, 10**15 - 1]
  for text in ('', '-1', '1.0', '1_0', '٣', '9' * 16, '9' * 5000):
    assert numerals.whole(text) is None


def test_a_number_with_a_point_or_a_comma():
  texts = ('0,143', '0.143', '-1,5e3', '12', ',5', '1,234.5', '1,2,3', ',', 'x', '1_0')
  expected = [0.143, 0.143, -1500.0, 12.0, 0.5, None, None, None, None, None]
  assert [numerals.either(text) for text in texts] == expected
