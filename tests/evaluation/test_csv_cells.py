"""Cells that no spreadsheet takes for a formula."""

import csv
import io

import pytest

from medjax.evaluation import csv_cells, rows

FORMULAS = [
  '=1+1',
  "=cmd|' /C calc'!A0",
  '+49 30',
  '-a',
  '@SUM(A1)',
  '\t=1',
  '\r=1',
  '=',
  "'=1",
  '\n=1',
  '\uff1d1',
]
TEXTS = ['scan.png', "it's", "'quoted'", '', '-1.5', '+3e4', '-', '+', "''", '1=1', '-inf']


@pytest.mark.parametrize('cell', FORMULAS + TEXTS)
def test_what_is_written_is_read(cell):
  assert csv_cells.read(csv_cells.write(cell)) == cell


@pytest.mark.parametrize('cell', [c for c in FORMULAS if len(c) > 1 and c[0] != "'"])
def test_formulas_are_texts_to_a_spreadsheet(cell):
  assert csv_cells.write(cell) == f"'{cell}"


@pytest.mark.parametrize('cell', [*TEXTS[:7], 1.5, -2, None])
def test_numbers_and_harmless_texts_are_as_they_are(cell):
  assert csv_cells.write(cell) is cell


def test_a_table_of_predictions_holds_no_formula(tmp_path):
  path = tmp_path / 'test.csv'
  rows.write_rows(path, ['id', 'label', '=x'], [['=cmd|1', '-1', "'=b"], ['b', '+', 'c']])
  with open(path, newline='') as file:
    assert list(csv.reader(file)) == [
      ['id', 'label', "'=x"], ["'=cmd|1", '-1', "''=b"], ['b', '+', 'c']
    ]  # fmt: skip
  assert rows.read_columns(path) == {
    'id': ['=cmd|1', 'b'],
    'label': ['-1', '+'],
    '=x': ["'=b", 'c'],
  }


def test_names_of_columns_are_cells_too():
  file = io.StringIO(newline='')
  csv_cells.Writer(file, ['=x', 'p']).rows([{'=x': '@a', 'p': -0.5}])
  assert file.getvalue() == "'=x,p\r\n'@a,-0.5\r\n"
  found = [list(map(csv_cells.read, line)) for line in csv.reader(io.StringIO(file.getvalue()))]
  assert found == [['=x', 'p'], ['@a', '-0.5']]
  with pytest.raises(ValueError):
    csv_cells.Writer(file, ['a']).rows([{'a': 1, 'b': 2}])
