"""Columns that name rows, by their numbers and by what they are called."""

import pytest

from medjax.data.tabular import row_names


@pytest.mark.parametrize(
  ('numbers', 'why'),
  [
    (range(1, 41), 'counts the rows'),
    (range(400, 0, -10), 'counts the rows'),
    ([10 * i for i in range(60) if i % 4], 'counts the rows'),  # some cells are empty
    ([i + i // 3 for i in range(20)], 'counts the rows'),
    ([i + 30 * (i // 7) for i in range(40)], 'counts the rows'),  # rising, with few large gaps
    ([4 * i + i % 3 for i in range(40)], ''),  # as a measurement by which the table is sorted
    ([(i * 7 % 20) * 8 + i % 3 for i in range(20)], ''),
    ([20 * i for i in range(40)], ''),
    (range(1, 20), ''),  # too few to tell
    ([*range(1, 41), 40], ''),  # not all different
    ([95000 + 890 * i + i % 7 for i in range(40)], 'looks like a name of rows, all 40'),
    ([9999 + 890 * i for i in range(40)], ''),
    ([95000 + 1000 * i for i in range(40)], ''),  # rounded, so they are measured
    ([10**29 + i * i for i in range(40)], 'looks like a name of rows'),
  ],
)
def test_whole_numbers_that_name_rows(numbers, why):
  for form in ('{}', '{}.0'):
    found = row_names.by_numbers([form.format(number) for number in numbers])
    assert found.startswith(why)
    assert bool(found) is bool(why)
  assert row_names.by_numbers([f'{number}.5' for number in numbers]) == ''


@pytest.mark.parametrize(
  ('numbers', 'found'),
  [
    (range(30), True),
    (range(30, 0, -1), True),
    ([3 * i + i % 2 for i in range(30)], True),
    ([*range(30), 29], False),
    ([*range(30), 5], False),
    (range(19), False),
  ],
)
def test_whole_numbers_in_the_order_of_the_rows(numbers, found):
  assert row_names.is_one_way([str(number) for number in numbers]) is found
  assert not row_names.is_one_way([f'{number}.5' for number in numbers])


@pytest.mark.parametrize(
  'name',
  ['INR', 'thyroid', 'uric acid', 'age', 'age_at_visit', 'lab_glucose', 'nodes', 'mono', 'no_of_x'],
)
def test_names_of_measurements_are_no_names_of_rows(name):
  assert not row_names.by_name(name, ['3', '1', '2'])


def test_names_of_rows_have_whole_numbers_that_are_all_different():
  assert row_names.by_name('study_no', ['3', '1', '2'])
  assert not row_names.by_name('study_no', ['3', '1', '3'])
  assert not row_names.by_name('study_no', ['3.5', '1', '2'])
