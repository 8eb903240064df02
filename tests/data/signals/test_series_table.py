"""Tables of series in UCR's form, and what is said of cells that cannot be used."""

import gzip

import pytest

from medjax.data.signals import series_table
from medjax.errors import UserError


def rows(tmp_path, text, name='a.txt'):
  path = tmp_path / name
  path.write_bytes(gzip.compress(text.encode()) if name.endswith('.gz') else text.encode())
  return series_table.read(path)


@pytest.mark.parametrize(
  ('name', 'text'),
  [
    ('a.txt', '   1.0000000e+00  -1.5e-01   2\n\n   2.0e+00 0 1\n'),
    ('a.tsv', '1\t-0.15\t2\n2\t0\t1\n'),
    ('a.csv.gz', '\ufeff1.0, -0.15, 2\n2.0,0,1'),
  ],
)
def test_every_separator_gives_the_same(tmp_path, name, text):
  found = rows(tmp_path, text, name)
  assert [series_table.label(row) for row in found] == ['1', '2']
  assert series_table.samples(found[0], 1, 2).tolist() == pytest.approx([-0.15, 2])
  assert series_table.samples(found[1], 1).tolist() == [0, 1]
  assert found[1].where.endswith(f'{name} row {found[1].line}')


def test_labels_that_are_text_or_no_whole_number(tmp_path):
  found = rows(tmp_path, 'PVC,1\n1.5,1\nnan,1\n')
  assert [series_table.label(row) for row in found] == ['PVC', '1.5', 'nan']


def test_series_of_unequal_length_end_in_nan(tmp_path):
  found = rows(tmp_path, '1,2,3,NaN,NaN\n')
  assert series_table.samples(found[0], 1, 4).tolist() == [2, 3, 0, 0]


@pytest.mark.parametrize(
  ('text', 'said'),
  [
    ('1,2,3\n1,2\n', r'a\.txt row 2: 1 samples; expected 2'),
    ('1,2,3\n\n1,2,3,4\n', r'a\.txt row 3: 3 samples; expected 2'),
    ('1,2,3\n2,0,x1\n', r"a\.txt row 2 column 3: 'x1'; expected a number"),
    ('1,2,3\n2,,4\n', r"a\.txt row 2 column 2: ''; expected a number"),
    ('1,NaN,3\n', r"a\.txt row 1 column 2: 'NaN'; expected a number, or NaN after"),
    ('1,NaN,NaN\n', r"a\.txt row 1 column 2: 'NaN'; expected a number, or NaN after"),
    ('1,2,inf\n', r"a\.txt row 1 column 3: 'inf'; expected a number within"),
    ('1\n', r'a\.txt row 1: 0 samples; expected at least one'),
    ('  \n', r'a\.txt: is empty; expected a table with a class and samples'),
  ],
)
def test_rows_that_cannot_be_used(tmp_path, text, said):
  def every():
    length = 0
    for row in rows(tmp_path, text):
      series_table.label(row)
      length = len(series_table.samples(row, 1, length))

  with pytest.raises(UserError, match=said):
    every()


def test_files_that_cannot_be_read(tmp_path):
  with pytest.raises(UserError, match=r'none\.txt: no such file'):
    series_table.read(tmp_path / 'none.txt')
  (tmp_path / 'a.txt.gz').write_bytes(gzip.compress(b'1,2,3' * 99)[:-9])
  with pytest.raises(UserError, match=r'a\.txt\.gz: is damaged: gzip says'):
    series_table.read(tmp_path / 'a.txt.gz')


def test_a_header_that_counts_columns_is_no_series(tmp_path):
  data = ''.join(f'{i % 2},' + ','.join('0.5' for _ in range(9)) + '\n' for i in range(3))
  for header in ('label,0,1,2,3,4,5,6,7,8\n', '0,1,2,3,4,5,6,7,8,9\n'):
    found = rows(tmp_path, header + data, 'a.csv')
    assert [row.line for row in found] == [2, 3, 4]


@pytest.mark.parametrize('cell', ['1e300', '-1e19', '1_0', '٣', '9' * 5000, '-inf'])
def test_samples_that_are_no_numbers_to_float32(tmp_path, cell):
  (row,) = rows(tmp_path, f'1,2,{cell}\n')
  with pytest.raises(UserError, match=r'column 3: .*; expected a number within 1e\+18') as raised:
    series_table.samples(row, 1)
  assert len(str(raised.value)) < 250


@pytest.mark.parametrize(
  ('cell', 'name'),
  [('1_0', '1_0'), ('10', '10'), ('1e1', '10'), ('٣', '٣'), ('1e300', '1e300'), ('inf', 'inf')],
)
def test_only_numbers_are_classes_without_decimals(tmp_path, cell, name):
  assert series_table.label(rows(tmp_path, f'{cell},2,3\n')[0]) == name


def test_names_of_classes_have_one_form(tmp_path):
  found = rows(tmp_path, 'Mu\u0308ller,1\nMüller\u200b,1\n')
  assert {series_table.label(row) for row in found} == {'Müller'}


def test_a_first_cell_of_many_digits_is_no_header(tmp_path):
  found = rows(tmp_path, ','.join(['1', '9' * 5000, *'3456789']) + '\n')
  assert len(found) == 1
