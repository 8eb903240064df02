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


@pytest.mark.parametrize(
  ('text', 'first'),
  [
    ('\n \nid,label\na,1\n', 4),
    ('sep=;\nid;label\na;1\n', 3),
    ('"sep=\t"\r\nid\tlabel\r\na\t1\r\n', 3),
    ('id,label\n,\na,1\n,\n', 3),
    ('\u200bid,label\u00a0\n a\u200b ,1\n', 2),
  ],
)
def test_blank_lines_and_what_spreadsheets_add_are_no_rows(text, first):
  assert tables.parse(text, TABLE) == (['id', 'label'], [(first, {'id': 'a', 'label': '1'})])


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('', 'labels.csv: is empty; expected a header and rows'),
    (' \n\n', 'labels.csv: is empty'),
    ('id\na\nb\0\n', 'labels.csv row 3: holds NUL bytes; expected text'),
  ],
)
def test_a_table_of_nothing_or_of_bytes_is_named(text, message):
  with pytest.raises(UserError, match=message):
    tables.parse(text, TABLE)


@pytest.mark.parametrize(
  ('cell', 'number'),
  [('1', 1.0), (' -1.5e3 ', -1500.0), ('.5', 0.5), ('5.', 5.0), ('1_0', None), ('inf', None),
   ('1e400', None), ('1e31', None), ('\uff11', None), ('0x1', None), ('one', None)],
)  # fmt: skip
def test_numbers_are_those_that_people_write(cell, number):
  assert tables.parse_number(cell) == number


@pytest.mark.parametrize(
  'cell', ['', 'NA', 'NULL', 'None', '-', '.', '?', 'n/a', '#N/A', 'unknown']
)
def test_a_word_for_a_missing_value_is_not_a_number_and_not_a_text(cell):
  assert tables.parse_number(cell) != tables.parse_number(cell)  # NaN


def test_the_column_of_patients_is_found_under_the_names_in_use():
  header = ['age', 'Subject-ID', 'mrn']
  assert tables.patient_column(TABLE, header, 'patient') == 'Subject-ID'
  assert tables.patient_column(TABLE, header, 'MRN') == 'mrn'
  assert tables.patient_column(TABLE, header, '') == ''
  assert tables.patient_column(TABLE, ['age', 'patients_seen'], 'patient') == ''
  with pytest.raises(UserError, match="no column 'person'"):
    tables.patient_column(TABLE, header, 'person')
