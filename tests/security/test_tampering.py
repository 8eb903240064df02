"""Nothing that is changed goes unnoticed: files, records, keys, the log, older copies.

The suite makes some hundred changes; MEDJAX_CHANGES=10000 makes so many:

    MEDJAX_CHANGES=10000 python -m pytest tests/security/test_tampering.py -n0 -k random
"""

import collections
import dataclasses
import json
import os
import random
import shutil

import changes
import pytest

from medjax import files
from medjax.security import aead, commands, identity, keys, log, making, manifest, people
from medjax.security.aead import TamperedError
from medjax.security.records import Place, Records
from medjax.security.vault import Vault

COUNT = int(os.environ.get('MEDJAX_CHANGES', '400'))


@pytest.fixture
def sets(source, owner, anna, tmp_path, monkeypatch):
  """A set after a grant, a rotation and a use; it as it was before; and another one."""
  for i in range(6):
    (source / f'more-{i}.bin').write_bytes(os.urandom(50 + i))
  monkeypatch.setattr(making, 'SHARD_BYTES', 300)
  folder = tmp_path / 'set.vault'
  making.encrypt(source, folder, owner)
  making.encrypt(source, tmp_path / 'another', owner)
  people.grant(folder, owner, anna.person, 'trainer')
  shutil.copytree(folder, tmp_path / 'older')
  making.rotate(folder, owner)
  making.rotate(tmp_path / 'another', owner)
  about = manifest.read(folder)
  log.add(folder, about.set, about.owner.sign, anna, 'open')
  manifest.read_log(folder, about)  # is remembered
  return folder, {'older': tmp_path / 'older', 'another': tmp_path / 'another'}


def test_random_changes_are_all_found(sets, owner, tmp_path, capsys):
  folder, others = sets
  whole = tmp_path / 'whole'
  folder.rename(whole)
  draw, missed, made = random.Random(0), [], collections.Counter()
  for number in range(COUNT):
    shutil.copytree(whole, folder)
    before = _bytes(folder)
    kind = draw.choice(changes.EVERY)
    what = kind(draw, folder, others)
    if _bytes(folder) != before:  # such as two files that were the same
      made[kind.__name__] += 1
      if commands.main(['verify', str(folder)]) != 2:
        missed.append((number, what))
    shutil.rmtree(folder)
  print(f'{sum(made.values())} changes: {dict(made)}')
  assert missed == []
  assert sum(made.values()) > 0.97 * COUNT
  assert len(made) == len(set(changes.EVERY))
  shutil.copytree(whole, folder)
  assert commands.main(['verify', str(folder)]) == 0  # or verify finds fault with everything


def test_what_is_read_after_a_change_is_right_or_refused(sets, owner, tmp_path, source):
  folder, others = sets
  clear = Vault(folder, owner)
  wanted = {name: clear.read(name) for name in clear.contents.sizes}
  whole = tmp_path / 'whole'
  folder.rename(whole)
  draw = random.Random(1)
  for _ in range(max(COUNT // 4, 50)):
    shutil.copytree(whole, folder)
    draw.choice(changes.EVERY)(draw, folder, others)
    try:
      opened = Vault(folder, owner)
      assert {name: opened.read(name) for name in opened.contents.sizes} == wanted
    except (TamperedError, aead.UserError):
      pass
    shutil.rmtree(folder)


@pytest.fixture
def one_file(tmp_path):
  """A file of records, and a way to read it whose digest is right whatever is in it."""
  key, place = aead.new_key(), Place('ab' * 16, 3, 5)
  cipher = aead.cipher(key)
  path = tmp_path / 'x.array_record'

  def write(numbers, place=place, key=key):
    cipher = aead.cipher(key)
    changes.write_records(
      path, [aead.seal_with(cipher, place.of(n), b'row %d' % n) for n in numbers]
    )

  def read(count, place=place):
    return Records(path, key, place, 0, count, files.digest(path)).read(range(count))

  assert cipher
  return write, read, place


def test_records_are_bound_to_place_set_key_and_count_without_any_digest(one_file):
  write, read, place = one_file
  write(range(5))
  assert read(5) == [b'row %d' % n for n in range(5)]
  for numbers in ([0, 1, 2, 4, 3], [0, 1, 1, 3, 4], [0, 1, 3, 4]):
    write(numbers)
    with pytest.raises(TamperedError):
      read(5 if len(numbers) == 5 else 4)
  for other in ({'set': 'cd' * 16}, {'epoch': 2}, {'count': 4}):
    write(range(5), place=dataclasses.replace(place, **other))
    with pytest.raises(TamperedError):
      read(5)
  write(range(5), key=aead.new_key())
  with pytest.raises(TamperedError, match='or under another key'):
    read(5)
  write(range(4))
  with pytest.raises(TamperedError, match='has 4 records, expected 5'):
    read(5)


def test_key_files_that_were_changed_do_not_open(tmp_path, monkeypatch):
  monkeypatch.setenv('MEDJAX_PASSPHRASE', 'correct horse battery')
  path = tmp_path / 'a.age'
  keys.save(identity.generate('anna'), f'file:{path}')
  whole, draw = path.read_bytes(), random.Random(0)
  for _ in range(max(COUNT // 100, 4)):
    at = draw.randrange(len(whole))
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << draw.randrange(8)]) + whole[at + 1 :])
    keys._read.clear()
    with pytest.raises(aead.UserError, match='is damaged, or has another passphrase'):
      keys.load(f'file:{path}')


def test_a_whole_old_copy_is_found_by_who_remembers_and_by_nobody_else(sets, owner, monkeypatch):
  folder, others = sets
  shutil.rmtree(folder)
  shutil.copytree(others['older'], folder)
  with pytest.raises(TamperedError, match='an old copy was put back'):
    Vault(folder, owner)
  monkeypatch.setenv('MEDJAX_STATE', str(folder.parent / 'new-state'))
  assert Vault(folder, owner).manifest.version == 2  # as SECURITY.md says


def test_the_log_is_cut_off_after_the_last_word_of_the_owner(sets, owner):
  folder, _ = sets
  path = folder / 'log.jsonl'
  lines = path.read_bytes().splitlines(keepends=True)
  assert json.loads(lines[-1])['what'] == 'open'  # which the manifest does not sign
  path.write_bytes(b''.join(lines[:-1]))
  with pytest.raises(TamperedError, match='not the 4 that were here before'):
    manifest.read_log(folder, manifest.read(folder))


def _bytes(folder):
  return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
