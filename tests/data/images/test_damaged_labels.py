"""Damaged tables of labels beside images: read, or a short line a fault, soon."""

import contextlib
import pathlib
import tempfile

from damage import bounded, damaged, little_memory
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from medjax.data.images import Config, folder
from medjax.errors import UserError

LABELS = '\ufefffile;label;patient;split;age\r\n' + ''.join(
  f'images/{i:02d}.png;{("pneumonia", "no pneumonia")[i % 2]};P{i // 2:03d};{split};{50 + i}\r\n'
  for i, split in enumerate(['train'] * 8 + ['val'] * 4 + ['test'] * 4)
)


def read(content):
  """Whether the table can be read; if not, the error has a short line for each of some faults."""
  with tempfile.TemporaryDirectory() as name:
    path = pathlib.Path(name)
    (path / 'images').mkdir()
    for i in range(16):
      Image.new('L', (4, 4), 10 * i).save(path / f'images/{i:02d}.png')
    (path / 'labels.csv').write_bytes(content)
    with contextlib.chdir(name), little_memory():
      try:
        source = folder.load(path, Config(source=name))
      except UserError as error:
        lines = str(error).splitlines()
        assert 1 <= len(lines) <= 12
        assert max(map(len, lines)) < 500
        return False
  assert len(set(source.classes)) == len(source.classes) >= 2
  return True


def test_a_whole_table_is_read():
  assert read(LABELS.encode())


@bounded
@given(damaged(LABELS.encode()))
def test_damaged_tables_of_labels(content):
  read(content)


@bounded
@given(
  st.text(
    st.sampled_from('file,label\n;"\t\r images/00.png\N{COMBINING ACUTE ACCENT}'), max_size=80
  )
)
def test_strange_tables_of_labels(text):
  read(b'file,label\n' + text.encode())
