"""Damaged and strange tables of numbers: read, or one short line; soon and in little memory."""

import csv
import io
import pathlib
import tracemalloc

import numpy as np
import pytest
from damage import bounded, check, damaged, little_memory
from hypothesis import given
from hypothesis import strategies as st

from medjax.data import tabular
from medjax.errors import UserError

TABLE = (
  b'\xef\xbb\xbfpatient;age;dose;smoker;seen;label\n'
  + b''.join(
    b'P%03d;%d,5;<0.%02d;%s;0%d.03.2021;%s\n'
    % (i // 2, 40 + i, i % 7, (b'yes', b'no', b'None')[i % 3], i % 9 + 1, (b'ill', b'well')[i % 2])
    for i in range(24)
  )
  + b'P012;NA;NULL;;;ill\n'
)
TIMES = b'days,seen,age\n' + b''.join(
  b'%d,%d,%d\n' % (30 * i, i % 2, 40 + i * i % 17) for i in range(1, 25)
)
# What a column may hold, by what it looks like; most cells of a column are of one kind.
CELLS = [
  st.integers(-(10**30), 10**30).map(str),
  st.floats().map(str),
  st.sampled_from(['1,5', '1.234,5', '1 234', '<0.01', '45%', '01.02.2021', 'P001', '=1+1']),
  st.sampled_from(['', 'NA', 'none', '?', '-', 'NULL', ' ', '\N{ZERO WIDTH SPACE}']),
  st.text(st.characters(exclude_categories=['Cs']), max_size=8),
]


@st.composite
def tables(draw):
  """A table as text: 6 to 30 rows of columns that are mostly of one kind, and a label."""
  count, columns = draw(st.integers(6, 30)), draw(st.integers(1, 4))
  header = [
    draw(st.text(st.characters(exclude_categories=['Cs']), max_size=6)) for _ in range(columns)
  ]
  body = []
  for _ in range(columns):
    usual, other = draw(st.sampled_from(CELLS)), draw(st.sampled_from(CELLS))
    strange = draw(st.sets(st.integers(0, count - 1), max_size=3))
    body.append([draw(other if row in strange else usual) for row in range(count)])
  label = draw(st.sampled_from([['a', 'b'], ['0', '1'], ['no edema', 'edema'], ['NA', 'b']]))
  written = io.StringIO()
  writer = csv.writer(written, delimiter=draw(st.sampled_from(',;\t')))
  writer.writerow([*header, 'label'])
  writer.writerows([*cells, label[row % 2]] for row, cells in enumerate(zip(*body, strict=True)))
  return written.getvalue().encode()


def read_table(path):
  data = tabular.load(tabular.Config(source=str(path)))
  names = [name for split in data.splits.values() for name in split.id]
  assert len(names) == len(set(names))
  for split in data.splits.values():
    for array in split.read(range(len(split))).values():
      assert np.isfinite(array).all()
  patients = [set(split.group) for split in data.splits.values()]
  assert not patients[0] & patients[1]


def read_times(path):
  data = tabular.load(
    tabular.SurvivalConfig(source=str(path), time_column='days', event_column='seen')
  )
  for split in data.splits.values():
    for array in split.label.values() if isinstance(split.label, dict) else [split.label]:
      assert np.isfinite(np.asarray(array, float)).all()


@pytest.mark.parametrize(('read', 'content'), [(read_table, TABLE), (read_times, TIMES)])
def test_whole_files_are_read(read, content):
  assert check(read, content)


@bounded
@given(damaged(TABLE))
def test_damaged_tables(content):
  check(read_table, content)


@bounded
@given(damaged(TIMES))
def test_damaged_tables_of_times(content):
  check(read_times, content)


@bounded
@given(tables())
def test_strange_tables(content):
  check(read_table, content)


@bounded
@given(st.binary(max_size=200))
def test_no_tables(content):
  check(read_table, content)


def test_memory_is_bounded(tmp_path):
  """A table of 4 MB, in one line or in one cell, takes no more than some times its size."""
  for content in (b'a,label\n' + b'1,' * 2**21, b'a,label\n"' + b'x' * 2**22, b'a' * 2**22):
    path = tmp_path / 'a.csv'
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(UserError):
      tabular.load(tabular.Config(source=str(path)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 400e6


@pytest.mark.skipif(not pathlib.Path('/proc/self/statm').exists(), reason='only Linux tells')
def test_the_limit_of_memory_is_one():
  with little_memory(), pytest.raises(MemoryError):
    np.ones(2**28)
  assert len(np.ones(2**20)) == 2**20
