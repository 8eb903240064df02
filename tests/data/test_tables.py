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
