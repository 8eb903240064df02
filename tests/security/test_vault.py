"""Encrypted sets: round trips, who may do what, and one line for every mistake."""

import json
import os

import pytest

from medjax.errors import UserError
from medjax.security import commands, keys, log, making, manifest, people, seen, vault
from medjax.security.aead import TamperedError
from medjax.security.vault import Vault


def test_what_was_encrypted_comes_back(encrypted, source, owner, of_source):
  opened = Vault(encrypted, owner)
  assert {name: opened.read(name) for name in opened.contents.sizes} == of_source(source)


def test_nothing_of_it_is_in_the_set(encrypted, source, of_source):
  written = b''.join(of_source(encrypted).values())
  for name, content in of_source(source).items():
    assert name.encode() not in written
    assert not content or content[:16] not in written


def test_shards_follow_each_other(source, owner, tmp_path, monkeypatch, of_source):
  monkeypatch.setattr(making, 'SHARD_BYTES', 1)
  making.encrypt(source, tmp_path / 'set', owner)
  opened = Vault(tmp_path / 'set', owner)
  assert len(opened.manifest.shards) == 5  # the table of contents is beside the last one
  assert {name: opened.read(name) for name in opened.contents.sizes} == of_source(source)


def test_hidden_files_are_left_out_and_circles_end(source, owner, tmp_path):
  (source / '.DS_Store').write_bytes(b'x')
  (source / 'deep' / 'circle').symlink_to(source)
  assert making.encrypt(source, tmp_path / 'set', owner) == (5, 1)


def test_who_has_no_grant_reads_nothing(encrypted, anna):
  with pytest.raises(UserError, match='anna has no grant; ask its owner, olga'):
    Vault(encrypted, anna)


def test_a_trainer_reads_and_an_auditor_reads_the_log_alone(encrypted, owner, anna):
  people.grant(encrypted, owner, anna.person, 'trainer')
  assert Vault(encrypted, anna).read('empty.txt') == b''
  people.grant(encrypted, owner, anna.person, 'auditor')
  assert manifest.read(encrypted).of(anna.person).key == ''
  with pytest.raises(UserError, match='anna is an auditor, who may read the log alone'):
    Vault(encrypted, anna)
  entries = manifest.read_log(encrypted, manifest.read(encrypted))
  assert [entry.what for entry in entries] == ['encrypt', 'grant', 'grant']


def test_after_revoke_the_old_key_reads_no_new_record(encrypted, owner, anna, of_source, source):
  people.grant(encrypted, owner, anna.person, 'trainer')
  kept = Vault(encrypted, anna)
  key, old = kept._key, manifest.read(encrypted)
  people.revoke(encrypted, owner, 'anna')
  new = manifest.read(encrypted)
  assert (new.epoch, new.version, new.stale) == (2, 4, False)
  with pytest.raises(UserError, match='anna has no grant'):
    Vault(encrypted, anna)
  again = Vault(encrypted, owner)
  assert {name: again.read(name) for name in again.contents.sizes} == of_source(source)
  assert not any((encrypted / shard.file).exists() for shard in old.shards)
  again._shards[0]._cipher = kept._shards[0]._cipher  # with the key that was kept
  assert key != again._key
  with pytest.raises(TamperedError, match='or under another key'):
    again.read('labels.csv')


def test_revoke_without_rotation_says_that_it_is_stale(encrypted, owner, anna, capsys, tmp_path):
  (tmp_path / 'anna.pub').write_text(anna.person.text())
  assert commands.main(['grant', str(encrypted), f'--to={tmp_path / "anna.pub"}']) == 0
  assert commands.main(['revoke', str(encrypted), 'anna', '--no-rotate']) == 0
  assert 'anna can read' in capsys.readouterr().err
  assert manifest.read(encrypted).stale
  assert commands.main(['list', str(encrypted)]) == 0
  assert 'rotate it' in capsys.readouterr().out
  assert commands.main(['rotate', str(encrypted)]) == 0
  assert not manifest.read(encrypted).stale


def test_only_the_owner_changes_a_set(encrypted, owner, anna, monkeypatch):
  people.grant(encrypted, owner, anna.person, 'trainer')
  for change in (
    lambda: people.grant(encrypted, anna, anna.person, 'auditor'),
    lambda: people.revoke(encrypted, anna, 'olga'),
    lambda: making.rotate(encrypted, anna),
  ):
    with pytest.raises(UserError, match='belongs to olga'):
      change()


def test_a_trainer_cannot_sign_a_manifest(encrypted, owner, anna):
  people.grant(encrypted, owner, anna.person, 'trainer')
  from medjax.security import signed

  about, _ = signed.read(encrypted / manifest.NAME)
  signed.write(encrypted / manifest.NAME, {**about, 'version': 9}, anna)
  with pytest.raises(TamperedError, match='is signed by anna, who is not its owner'):
    manifest.read(encrypted)


def test_a_set_of_somebody_else_in_its_place_is_noticed(encrypted, anna, source, tmp_path):
  import shutil

  shutil.rmtree(encrypted)
  making.encrypt(source, tmp_path / 'other', anna)
  seen.forget(str(tmp_path / 'other'))
  os.rename(tmp_path / 'other', encrypted)
  with pytest.raises(
    TamperedError, match='is another set or run than before, signed by another key'
  ):
    manifest.read(encrypted)
  assert commands.main(['forget', str(encrypted)]) == 0
  assert manifest.read(encrypted).owner == anna.person


@pytest.mark.parametrize(
  ('words', 'said'),
  [
    (['encrypt', 'nowhere', 'set'], 'nowhere: no such folder or file'),
    (['encrypt', 'clear', 'clear/set'], 'lies in what is to be encrypted'),
    (['encrypt', 'clear', 'set.vault'], 'is an encrypted set already'),
    (['encrypt', 'clear', 'other'], 'holds other files'),
    (['encrypt', 'hollow', 'set'], 'has no files to encrypt'),
    (['encrypt', 'clear'], 'expected SOURCE SET'),
    (['grant', 'set.vault'], 'expected --to=FILE'),
    (['grant', 'set.vault', '--to=clear/labels.csv'], 'expected the public line of keygen'),
    (['grant', 'set.vault', '--to=anna.pub', '--role=boss'], 'expected trainer or auditor'),
    (['grant', 'set.vault', '--to=olga.pub'], 'olga owns it'),
    (['revoke', 'set.vault', 'nobody'], 'nobody called nobody has a grant'),
    (['revoke', 'set.vault', 'olga'], 'an owner cannot be revoked'),
    (['rotate', 'clear'], 'is no encrypted set'),
    (['export', 'set.vault', 'clear'], 'clear: is there'),
    (['report', 'clear'], 'expected --decrypt and --output'),
    (['verify', 'set.vault', '--role=trainer'], '--role: is no flag of verify'),
    (['open', 'set.vault'], 'open: no such command'),
    (['list', 'set.vault', '--no-such'], 'no such flag'),
  ],
)
def test_mistakes_are_one_line(words, said, encrypted, owner, anna, tmp_path, monkeypatch, capsys):
  monkeypatch.chdir(tmp_path)
  (tmp_path / 'anna.pub').write_text(anna.person.text())
  (tmp_path / 'olga.pub').write_text(owner.person.text())
  (tmp_path / 'hollow').mkdir()
  (tmp_path / 'other').mkdir()
  (tmp_path / 'other' / 'notes.txt').write_text('mine')
  assert commands.main(words) == 2
  err = capsys.readouterr().err
  assert said in err
  assert err.count('\n') == 1


def test_export_and_its_entry(encrypted, source, tmp_path, of_source, capsys):
  assert commands.main(['export', str(encrypted), str(tmp_path / 'out')]) == 0
  assert of_source(tmp_path / 'out') == of_source(source)
  assert (tmp_path / 'out' / 'labels.csv').stat().st_mode & 0o077 == 0
  capsys.readouterr()
  assert commands.main(['log', str(encrypted)]) == 0
  assert 'olga         export   records 5' in capsys.readouterr().out
  assert commands.main(['verify', str(encrypted)]) == 0
  assert '5 files and 2 entries' in capsys.readouterr().out


def test_entries_of_who_has_no_grant_are_refused(encrypted, owner, anna, monkeypatch):
  about = manifest.read(encrypted)
  with pytest.raises(UserError, match='anna may not open any more, by its log'):
    log.add(encrypted, about.set, owner.person.sign, anna, 'open')
  assert len(manifest.read_log(encrypted, about)) == 1  # and nothing was added
  monkeypatch.setattr(log, '_require_allowed', lambda *_: None)  # who writes it by hand
  log.add(encrypted, about.set, owner.person.sign, anna, 'open')
  with pytest.raises(TamperedError, match='anna may not open'):
    manifest.read_log(encrypted, about)


def test_a_damaged_memory_is_named_and_not_taken_for_none(encrypted, tmp_path):
  (tmp_path / 'state' / 'seen.json').write_text('{')
  with pytest.raises(UserError, match='old copies of sets would go unnoticed'):
    manifest.read(encrypted)


def test_opened_by_the_reference_of_the_environment(encrypted):
  assert vault.opened(encrypted).read('empty.txt') == b''
  with pytest.raises(FileNotFoundError):
    vault.opened(encrypted).read('other.txt')
  assert keys.load().person.name == 'olga'
  assert json.loads((encrypted / 'vault.json').read_text())['signer']['name'] == 'olga'
