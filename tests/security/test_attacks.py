"""Attacks on encrypted sets and runs by somebody who can write where they are."""

import json
import os
import pathlib

import pytest

from medjax import files
from medjax.data import source_files
from medjax.errors import UserError
from medjax.security import (
  aead,
  identity,
  making,
  manifest,
  memory,
  people,
  private_files,
  sealed_run,
  seen,
)  # fmt: skip
from medjax.security.aead import TamperedError
from medjax.security.snapshot import Snapshot


@pytest.fixture
def owner(tmp_path, monkeypatch):
  monkeypatch.setenv('MEDJAX_STATE', str(tmp_path / 'state'))
  made = identity.generate('olga')
  monkeypatch.setenv('OLGAS', made.secret())
  monkeypatch.setenv('MEDJAX_KEY', 'env:OLGAS')
  return made


@pytest.fixture
def encrypted(owner, tmp_path):
  (tmp_path / 'rows.csv').write_text('age,label\n50,1\n')
  making.encrypt(tmp_path / 'rows.csv', tmp_path / 'set.vault', owner)
  return tmp_path / 'set.vault'


@pytest.mark.parametrize('name', ['/tmp/x', '../x', 'a/../../x', 'a//b', '.', 'a\\b', 'a\0b', ''])
def test_an_index_cannot_name_files_outside_of_the_run(tmp_path, name):
  key = aead.new_key()
  made = Snapshot(tmp_path / 'disk', tmp_path / 'live', key, 'run')
  (tmp_path / 'disk').mkdir()
  about = {'version': 1, 'files': {name: {'blob': 'a' * 32, 'state': [0, 0]}}}
  made._seal(tmp_path / 'disk' / 'index', 'index', json.dumps(about).encode())
  with pytest.raises(TamperedError, match='names files outside of the run'):
    Snapshot(tmp_path / 'disk', tmp_path / 'live', key, 'run').restore()
  about = {'version': 1, 'files': {'a': {'blob': '../../secret', 'state': [0, 0]}}}
  made._seal(tmp_path / 'disk' / 'index', 'index', json.dumps(about).encode())
  with pytest.raises(TamperedError, match='names files outside of the run'):
    Snapshot(tmp_path / 'disk', tmp_path / 'live', key, 'run').load()


def test_links_in_a_shared_folder_lead_nowhere(tmp_path):
  victim = tmp_path / 'key.age'
  victim.write_text('precious')
  (tmp_path / 'shared').mkdir()
  (tmp_path / 'shared' / '.lock').symlink_to(victim)
  with pytest.raises(OSError), files.locked(tmp_path / 'shared' / '.lock'):
    pass
  assert victim.read_text() == 'precious'
  # A lock that is there keeps what it holds.
  (tmp_path / 'own.lock').write_text('kept')
  with files.locked(tmp_path / 'own.lock'):
    assert (tmp_path / 'own.lock').read_text() == 'kept'
  # A link under the name of a file is replaced, and what it leads to stays.
  (tmp_path / 'shared' / 'log.jsonl').symlink_to(victim)
  private_files.write(tmp_path / 'shared' / 'log.jsonl', b'entry')
  assert victim.read_text() == 'precious'
  assert not (tmp_path / 'shared' / 'log.jsonl').is_symlink()
  names = set()
  for _ in range(2):
    with files.replacing(tmp_path / 'page') as new:
      names.add(new.name)
      new.write_text('x')
  assert len(names) == 2


def test_data_in_clear_do_not_take_the_place_of_an_encrypted_set(encrypted):
  manifest.read(encrypted)
  (encrypted / 'vault.json').unlink()
  (encrypted / 'rows.csv').write_text('age,label\n1,0\n')
  source_files._open.clear()
  for name in (encrypted, encrypted / 'rows.csv'):
    with pytest.raises(TamperedError, match='was encrypted and is not'):
      source_files.source(name)
  seen.forget(os.path.realpath(encrypted))
  assert source_files.source(encrypted / 'rows.csv') == encrypted / 'rows.csv'


def test_another_set_of_the_same_owner_is_noticed_in_its_place(encrypted, owner, tmp_path):
  manifest.read(encrypted)
  (tmp_path / 'b.csv').write_text('age,label\n70,0\n')
  making.encrypt(tmp_path / 'b.csv', tmp_path / 'b.vault', owner)
  os.rename(encrypted, tmp_path / 'away')
  os.rename(tmp_path / 'b.vault', encrypted)
  with pytest.raises(TamperedError, match='another set or run than before, signed by the same key'):
    manifest.read(encrypted)


def test_a_set_that_is_made_anew_by_its_owner_is_none_of_these(encrypted, owner, tmp_path):
  import shutil

  manifest.read(encrypted)
  shutil.rmtree(encrypted)
  making.encrypt(tmp_path / 'rows.csv', encrypted, owner)
  assert manifest.read(encrypted).version == 1


def test_who_was_revoked_may_not_read_what_is_written_later(encrypted, owner, tmp_path):
  from absl import flags

  from medjax.verbs.private import Private

  anna = identity.generate('anna')
  people.grant(encrypted, owner, anna.person, manifest.TRAINER)
  run = sealed_run.begin(tmp_path / 'run', [owner.person, anna.person])
  assert set(run.readers.values()) == {'olga', 'anna'}
  values = flags.FlagValues()
  flags.DEFINE_string('data_key', '', '', flag_values=values)
  values.mark_as_parsed()
  import contextlib

  with contextlib.ExitStack() as held:
    private = Private(held, values)
    private._runs = [sealed_run.open_run(tmp_path / 'run')]
    private._require_readers([encrypted])
    source_files._open.clear()
    people.revoke(encrypted, owner, 'anna')
    with pytest.raises(UserError, match='anna can read this run and may not read'):
      private._require_readers([encrypted])
  source_files._open.clear()


def test_a_folder_in_memory_is_no_link(tmp_path, monkeypatch):
  monkeypatch.setattr(memory, '_base', lambda: tmp_path)
  (tmp_path / 'mine').mkdir(mode=0o700)
  (tmp_path / f'medjax-{os.getuid()}').symlink_to(tmp_path / 'mine')
  with (
    pytest.raises(UserError, match='is a link; expected a folder of your own'),
    memory.folder('a'),
  ):
    pass
  assert not list(pathlib.Path(tmp_path / 'mine').iterdir())
