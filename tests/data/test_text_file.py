"""Text files: read whole or said to be unusable, and never without bounds."""

import gzip
import tracemalloc

import pytest

from medjax.data import text_file
from medjax.errors import UserError


@pytest.mark.parametrize('packed', [False, True])
@pytest.mark.parametrize('mark', [b'', b'\xef\xbb\xbf'])
def test_plain_and_packed_texts_are_the_same(tmp_path, packed, mark):
  content = mark + 'Größe\n'.encode() * 3
  path = tmp_path / 'a.txt'
  path.write_bytes(gzip.compress(content) if packed else content)
  assert text_file.read_text(path, 'a table') == 'Größe\n' * 3


def test_several_packed_parts_are_one_text(tmp_path):
  path = tmp_path / 'a'
  path.write_bytes(gzip.compress(b'one\n', mtime=0) + gzip.compress(b'two\n', mtime=0))
  assert text_file.read_text(path, 'a table') == 'one\ntwo\n'


def test_what_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path):
  path = tmp_path / 'bomb.gz'
  with gzip.open(path, 'wb') as file:
    for _ in range(150):
      file.write(b'\n' * 2**20)
  size = path.stat().st_size
  assert 100 * size < 2**24
  said = rf'bomb\.gz: {size} bytes that unpack to more than {2**24}; expected'
  tracemalloc.start()
  try:
    with pytest.raises(UserError, match=said):
      text_file.read_text(path, 'a table')
    assert tracemalloc.get_traced_memory()[1] < 80 * 2**20
  finally:
    tracemalloc.stop()


def test_a_large_file_is_bounded_by_its_own_size(tmp_path, monkeypatch):
  monkeypatch.setattr(text_file, '_NEVER_TOO_MUCH', 0)
  path = tmp_path / 'a.gz'
  path.write_bytes(gzip.compress(b'x' * 2**20))
  size = path.stat().st_size
  with pytest.raises(UserError, match=rf'{size} bytes that unpack to more than {100 * size}; exp'):
    text_file.read_text(path, 'a table')


def test_what_packs_well_is_still_read(tmp_path):
  path = tmp_path / 'a.gz'
  row = b'chr1\t%d\t0/0\t0/0\t0/0\n'
  content = b''.join(row % number for number in range(50_000))
  path.write_bytes(gzip.compress(content))
  assert text_file.read_text(path, 'a table').encode() == content


def test_the_limit_of_all(tmp_path, monkeypatch):
  monkeypatch.setattr(text_file, 'MOST_BYTES', 999)
  path = tmp_path / 'a.gz'
  path.write_bytes(gzip.compress(b'x' * 1000))
  with pytest.raises(
    UserError, match=r'unpack to more than 999; expected at most 100 times as many and 999'
  ):
    text_file.read_text(path, 'a table')


@pytest.mark.parametrize(
  ('content', 'said'),
  [
    (b'', 'is empty; expected a table'),
    (b'\xff\xfea\0', r'is no UTF-8 text: byte 1 is 0xff; expected a table'),
    (b'a\0b', 'is no text: it has zero bytes'),
    (gzip.compress(b'abc' * 99, mtime=0)[:-9], 'is damaged: gzip says'),
    (gzip.compress(b'abc', mtime=0) + b'more', 'is damaged: gzip says'),
  ],
)
def test_files_that_are_no_text(tmp_path, content, said):
  path = tmp_path / 'a.csv'
  path.write_bytes(content)
  with pytest.raises(UserError, match=said) as raised:
    text_file.read_text(path, 'a table')
  assert '\n' not in str(raised.value)


def test_paths_that_are_no_files(tmp_path):
  with pytest.raises(UserError, match='none: no such file; expected a table'):
    text_file.read_text(tmp_path / 'none', 'a table')
  with pytest.raises(UserError, match='Is a directory; expected a table'):
    text_file.read_text(tmp_path, 'a table')
  with pytest.raises(UserError, match='File name too long; expected a table'):
    text_file.read_text(tmp_path / ('x' * 5000), 'a table')
