"""Tables as people export them."""

import pathlib

import pytest

from medjax.data import tables
from medjax.errors import UserError

TABLE = pathlib.Path('labels.csv')


@pytest.mark.parametrize('delimiter', [',', ';', '\t'])
def test_delimiters_quotes_and_the_number_of_the_last_line(delimiter):
  lines = ['id, note ', 'a,"two\nlines"', '"b",  plain ']
  text = '\n'.join(line.replace(',', delimiter) for line in lines)
  header, rows = tables.parse(text, TABLE)
  assert header == ['id', 'note']
  assert rows == [(3, {'id': 'a', 'note': 'two\nlines'}), (4, {'id': 'b', 'note': 'plain'})]


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('id,id\na,b', r"labels.csv: has several columns 'id'; expected each name once"),
    ('id,label\na', r'labels.csv row 2: expected 2 cells, as in the header'),
    ('id,label\na,1,2', r'labels.csv row 2: expected 2 cells'),
    ('id,label\na,"1\nb,2', r'labels.csv row 2: unexpected end of data; expected each quote'),
  ],
)
def test_what_is_wrong_is_said_in_one_line(text, message):
  with pytest.raises(UserError, match=message) as caught:
    tables.parse(text, TABLE)
  assert '\n' not in str(caught.value)


def test_columns_are_found_but_for_case():
  assert tables.column(TABLE, ['ID', 'id'], 'id') == 'id'
  assert tables.column(TABLE, ['ID', 'label'], ' id ') == 'ID'
  assert tables.column(TABLE, ['ID'], 'split', optional=True) == ''
  with pytest.raises(UserError, match=r"no column 'lable'; did you mean label\? \(it has id, l"):
    tables.column(TABLE, ['id', 'label'], 'lable')
  with pytest.raises(UserError, match="columns 'ID' and 'Id' are both 'id' but for case"):
    tables.column(TABLE, ['ID', 'Id'], 'id')


def test_decimal_commas_are_read_where_cells_are_not_joined_by_commas():
  text = 'age;dose;codes;note\n48,6;1;1,2;a,b\n-3;2,5e1;NA;x\n;3;1,2,3;y\n'
  path = pathlib.Path('a.csv')
  _, rows = tables.parse(text, path, decimal_comma=True)
  found = [row for _, row in rows]
  assert [row['age'] for row in found] == ['48.6', '-3', '']
  assert [row['dose'] for row in found] == ['1', '2.5e1', '3']
  assert [row['codes'] for row in found] == ['1,2', 'NA', '1,2,3']  # not all are numbers
  assert found[0]['note'] == 'a,b'
  assert tables.parse(text, path)[1][0][1]['age'] == '48,6'
  _, rows = tables.parse('a,b\n"1,5",2\n', path, decimal_comma=True)
  assert rows[0][1]['a'] == '1,5'
