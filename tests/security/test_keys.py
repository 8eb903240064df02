"""Where keys are kept, and that no error, repr or file shows them."""

import json
import pathlib
import stat
import sys

import pytest

from medjax.errors import UserError
from medjax.security import commands, identity, keys

PASSPHRASE = 'correct horse battery'


@pytest.fixture
def who():
  return identity.generate('anna')


@pytest.fixture
def typed(monkeypatch):
  monkeypatch.setenv('MEDJAX_PASSPHRASE', PASSPHRASE)


def test_a_file_with_a_passphrase(tmp_path, typed, monkeypatch, capsys):
  monkeypatch.chdir(tmp_path)
  assert commands.main(['keygen', 'anna', '--key=file:keys/anna.age']) == 0
  path = tmp_path / 'keys' / 'anna.age'
  assert stat.S_IMODE(path.stat().st_mode) == 0o600
  assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
  found = keys.load('file:keys/anna.age')
  assert identity.person((tmp_path / 'anna.pub').read_text(), 'here') == found.person
  for secret in (found._age, json.loads(found.secret())['sign'], PASSPHRASE):
    assert secret.encode() not in path.read_bytes()
    assert secret not in ''.join(capsys.readouterr())
    assert secret not in repr(found)
  keys._read.clear()
  monkeypatch.setenv('MEDJAX_PASSPHRASE', 'another passphrase')
  with pytest.raises(UserError, match='is damaged, or has another passphrase'):
    keys.load('file:keys/anna.age')
  path.chmod(0o640)
  with pytest.raises(UserError, match='others can open it; expected chmod 600'):
    keys.load('file:keys/anna.age')
  assert commands.main(['keygen', 'anna', '--key=file:keys/anna.age', '--public=b.pub']) == 2
  assert 'its key would be lost' in capsys.readouterr().err


def test_a_passphrase_of_a_command_and_of_nobody(tmp_path, typed, monkeypatch, who):
  keys.save(who, f'file:{tmp_path / "a.age"}')
  monkeypatch.delenv('MEDJAX_PASSPHRASE')
  monkeypatch.setattr(sys, 'stdin', open('/dev/null'))  # noqa: SIM115
  with pytest.raises(UserError, match='no terminal to ask at'):
    keys.load(f'file:{tmp_path / "a.age"}')
  monkeypatch.setenv('MEDJAX_PASSPHRASE_COMMAND', f'echo {PASSPHRASE}')
  assert keys.load(f'file:{tmp_path / "a.age"}') == who


def test_short_passphrases_are_refused(tmp_path, monkeypatch, who):
  monkeypatch.setenv('MEDJAX_PASSPHRASE', 'short')
  with pytest.raises(UserError, match='5 characters; expected at least 8'):
    keys.save(who, f'file:{tmp_path / "a.age"}')
  assert not (tmp_path / 'a.age').exists()


def test_a_variable_and_a_command(tmp_path, monkeypatch, who):
  monkeypatch.setenv('ANNAS', who.secret())
  assert keys.load('env:ANNAS') == who
  (tmp_path / 'kept').write_text(who.secret())
  assert keys.load(f'command:cat {tmp_path / "kept"}') == who


def test_a_keyring(monkeypatch, who):
  import keyring
  from keyring.backend import KeyringBackend

  class Memory(KeyringBackend):
    priority = 1

    def __init__(self):
      self.held = {}

    def get_password(self, service, username):
      return self.held.get((service, username))

    def set_password(self, service, username, password):
      self.held[service, username] = password

    def delete_password(self, service, username):
      del self.held[service, username]

  before = keyring.get_keyring()
  keyring.set_keyring(Memory())
  try:
    keys.save(who, 'keyring:anna')
    assert keys.load('keyring:anna') == who
    with pytest.raises(UserError, match='which would be lost'):
      keys.save(who, 'keyring:anna')
    with pytest.raises(UserError, match='has no such key'):
      keys.load('keyring:nobody')
  finally:
    keyring.set_keyring(before)


def test_a_keyring_that_cannot_be_used_is_one_line(monkeypatch):
  import keyring

  def fail(*_):
    raise RuntimeError('a secret in an error')

  monkeypatch.setattr(keyring, 'get_password', fail)
  with pytest.raises(UserError, match=r'cannot be used here: RuntimeError$'):
    keys.load('keyring:anna')


@pytest.mark.parametrize('place', ['env:BAD', 'command:printf %s AGE-SECRET-KEY-1BAD'])
def test_what_is_no_key_is_not_repeated(place, monkeypatch):
  monkeypatch.setenv('BAD', 'AGE-SECRET-KEY-1BAD')
  with pytest.raises(UserError, match='holds no secret key of keygen') as found:
    keys.load(place)
  assert 'AGE-SECRET' not in str(found.value).replace(place, '')


def test_a_key_where_a_place_is_expected_is_not_repeated(who, capsys):
  secret = who._age
  for words in (['verify', 'x', f'--key={secret}'], ['list', 'x', f'--files={secret}']):
    assert commands.main(words) == 2
    assert secret not in ''.join(capsys.readouterr())


@pytest.mark.parametrize(
  ('place', 'said'),
  [
    ('env:MISSING', 'there is no such environment variable'),
    ('file:/nowhere/key', 'cannot be read: No such file'),
    ('command:false', 'ended with code 1'),
    ('command:/no/such/program', 'cannot be used: No such file'),
    ('vault:x', 'never the key itself'),
  ],
)
def test_places_without_a_key(place, said):
  with pytest.raises(UserError, match=said):
    keys.load(place)


def test_no_key_at_all(monkeypatch, tmp_path):
  monkeypatch.setenv('XDG_CONFIG_HOME', str(tmp_path))
  with pytest.raises(UserError, match='no key: expected --key or MEDJAX_KEY'):
    keys.load()


def test_secret_lines_that_were_damaged(who):
  text = who.secret()
  for at in range(0, len(text), 7):
    changed = text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]
    with pytest.raises(UserError, match='holds no secret key'):
      identity.of_secret(changed, 'here')


@pytest.mark.parametrize('name', ['', 'a b', '../x', 'a:b', 'x' * 65])
def test_names(name):
  with pytest.raises(UserError, match='expected a name'):
    identity.generate(name)


def test_without_the_packages_one_line_says_what_to_install(monkeypatch):
  monkeypatch.setitem(sys.modules, 'pyrage', None)
  with pytest.raises(UserError, match=r"pip install 'medjax\[secure\]'"):
    identity.generate('anna')
  assert pathlib.Path(keys.__file__).exists()
