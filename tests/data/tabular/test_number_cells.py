"""Numbers as people and machines write them."""

import pytest

from medjax.data.missing import Missing
from medjax.data.tabular import number_cells
from medjax.errors import UserError


def read(cells, semicolons=False, **settings):
  """What is read of one column: cells, the way they are written, and what is said of it."""
  rows = [(line, {'crp': cell}) for line, cell in enumerate(cells, start=2)]
  found, written, notes = number_cells.read(
    ['crp'], rows, Missing(), semicolons=semicolons, **settings
  )
  assert [line for line, _ in found] == [line for line, _ in rows]
  return [row['crp'] for _, row in found], written.get('crp', ''), ' '.join(notes)


@pytest.mark.parametrize(
  ('cells', 'numbers', 'written'),
  [
    (['1', '2.5', '-3e2'], [1, 2.5, -300], ''),
    (['5,57', '1,2', '3'], [5.57, 1.2, 3], '1234,5'),
    (['1.234,56', '7'], [1234.56, 7], '1.234,5'),
    (['1.234.567', '3,5'], [1234567, 3.5], '1.234,5'),
    (['1,234.56', '7'], [1234.56, 7], '1,234.5'),
    (['1,234,567', '3'], [1234567, 3], '1,234.0'),
    (['1 234,5', '3'], [1234.5, 3], '1 234,5'),
    (["1'234.5", '3'], [1234.5, 3], "1'234.5"),
    (['\u22123,5', '2'], [-3.5, 2], '1234,5'),
    (['45%', '3 %'], [45, 3], '1234.0%'),
    (['45%', '0.5%'], [45, 0.5], '1234.5%'),
    (['45', '3'], [45, 3], '1234.0'),
    (['<0.01', '0.5', '> 90'], [0.01, 0.5, 90], ''),
    (['\u22640,5', '3,25'], [0.5, 3.25], '1234,5'),
  ],
)
def test_ways_of_writing_numbers(cells, numbers, written):
  for semicolons in (False, True):
    found, way, note = read(cells, semicolons)
    assert (list(map(float, found)), way) == (numbers, written)
    plain = all(c.replace('.', '').replace('-', '').replace('e', '').isdecimal() for c in cells)
    assert bool(note) is not plain


@pytest.mark.parametrize('word', ['NULL', 'n/a', '?', '-', '.', 'None', 'NA', '', 'unknown'])
def test_words_for_a_missing_value_leave_a_column_one_of_numbers(word):
  found, way, note = read(['5,57', word, '1,2', word])
  assert (found, way) == (['5.57', '', '1.2', ''], '1234,5')
  assert note == (
    f"column 'crp' is one of numbers: '5,57' is read as 5.57; missing: 2 {word or 'empty'}"
  )


@pytest.mark.parametrize('cells', [['a', '1'], ['45%', '3'], ['+', '-'], ['', ''], ['e5', '1'],
                                   ['1,23,456', '2'], ['12-3', '4'], ['1.2.3', '1']])  # fmt: skip
def test_a_column_of_something_else_stays_as_it_is(cells):
  assert read(cells) == (cells, '', '')


def test_where_cells_fit_two_ways_the_table_tells_and_the_user_may():
  assert read(['1,234', '2,500'])[0] == ['1234', '2500']
  assert read(['1,234', '2,500'], semicolons=True)[0] == ['1.234', '2.500']
  assert read(['1,234', '2,500'], decimal='comma')[0] == ['1.234', '2.500']
  assert read(['1,234', '2,500'], semicolons=True, decimal='point')[0] == ['1234', '2500']
  assert 'a guess; config.data.decimal says it' in read(['1,234', '2,500'])[2]
  assert 'a guess' not in read(['1,23', '2,500'])[2]
  # Beside a column with a decimal comma a point is one of thousands.
  rows = [(2, {'a': '1.234', 'b': '3,5'}), (3, {'a': '987', 'b': '0,25'})]
  found, _, _ = number_cells.read(['a', 'b'], rows, Missing(), semicolons=True)
  assert [row['a'] for _, row in found] == ['1234', '987']
  assert read(['1.234', '987'], semicolons=True)[0] == ['1.234', '987']


@pytest.mark.parametrize(
  ('trained', 'cell', 'number'),
  [
    (['0.123', '0.999'], '0.5', 0.5),
    (['0.123', '0.999'], '3', 3),
    (['0.123', '0.999'], '50%', 'such as 1234.5'),
    (['0.123', '0.999'], '0,500', 'such as 1234.5'),
    (['4.5', '1200.25'], '1,234', 'such as 1234.5'),
    (['50%', '12.5%'], '7.5 %', 7.5),
    (['50%', '12.5%'], '0.5', 'such as 1234.5%'),
    (['50%', '12%'], '<5%', 5),
    (['500', '9500'], '63.5', 63.5),
    (['500', '9500'], '1,234', 'such as 1234.5'),
    (['500', '9500'], '1.234', 'may be 1.234 or thousands; .* such as 1234'),
    (['500', '9500'], '0.234', 0.234),
    (['1,709', '2,500'], '3,100', 3100),  # of a file with commas between cells
    (['1,709', '2,500'], '1,5', 'such as 1,234.5'),
    (['5,57', '1,2'], '1,234', 1.234),
    (['5,57', '1,2'], '1.234', 'such as 1234,5'),
    (['5,57', '1,2'], '5.5', 'such as 1234,5'),
    (['1.234,5', '2'], '1.709', 1709),
    (['1.234.567', '2'], '1,709', 'may be 1.709 or thousands; .* such as 1.234'),
    (['5,57', '1,2'], 'NULL', ''),
    (['5,57', '1,2'], 'abc', 'abc'),
  ],
)
def test_new_cells_are_read_as_the_training_tables_were(trained, cell, number):
  written = read(trained)[1]

  def found():
    return number_cells.as_trained(
      cell, written, Missing(), semicolons=True, where='new.csv row 2: crp'
    )

  if isinstance(number, str) and 'such as' in number:
    with pytest.raises(UserError, match=rf'^new.csv row 2: crp is {cell!r}[;,] .*{number}$'):
      found()
  else:
    assert (found() if isinstance(number, str) else float(found())) == number


def test_whole_numbers_of_a_table_with_decimal_commas_get_commas():
  rows = [(2, {'a': '63', 'b': '3,5'}), (3, {'a': '70', 'b': '0,25'})]
  _, written, _ = number_cells.read(['a', 'b'], rows, Missing(), semicolons=True)
  assert written == {'a': '1234,0', 'b': '1234,5'}


@pytest.mark.parametrize(
  ('cells', 'guess'),
  [
    (['8.908', '1.152', '889'], '8.908'),
    (['889', '-12.500', '', '<100.000'], '-12.500'),
    (['45.000%', '3%'], '45.000%'),
    (['8.908', '0.152'], ''),  # no group of thousands begins with 0
    (['8.908', '1.5'], ''),
    (['8.908e3', '1.152'], ''),
    (['8.908', '1234.567'], ''),
    (['889', '12'], ''),
  ],
)
def test_points_that_may_part_thousands_are_a_guess(cells, guess):
  found, _, note = read(cells, semicolons=True)
  plain = [float(cell.strip('<%')) if cell else None for cell in cells]
  assert [float(cell) if cell else None for cell in found] == plain
  assert ('a guess; config.data.decimal says it' in note) is bool(guess)
  assert (f'{guess!r} is read as {guess.strip("%")} (a guess' in note) is bool(guess)
  assert 'a guess' not in read(cells)[2]  # of a file with commas between cells
  assert 'a guess' not in read(cells, semicolons=True, decimal='point')[2]


def test_dates_tell_nothing_of_decimals():
  rows = [(2, {'op': '03.2020', 'crp': '1,234'}), (3, {'op': '11.2019', 'crp': '5,678'})]
  found, written, _ = number_cells.read(['op', 'crp'], rows, Missing(), semicolons=True)
  assert found == [(2, {'op': '03.2020', 'crp': '1.234'}), (3, {'op': '11.2019', 'crp': '5.678'})]
  assert written == {'crp': '1234,5'}


def test_a_zero_in_front_is_no_group_of_thousands():
  assert read(['0,500', '0,250'])[0] == ['0.500', '0.250']
  assert read(['1,500', '0,250'])[0] == ['1.500', '0.250']
  assert 'a guess' not in read(['1,500', '0,250'])[2]
