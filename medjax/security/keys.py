"""Where somebody's secret keys are: a file with a passphrase, a keyring, a variable, a command.

A *reference* names the place and is no secret: ``file:PATH``, ``keyring:NAME``, ``env:NAME``,
``command:PROGRAM ARGUMENTS``. Secrets themselves stand on no command line, in no setting and in no
error.
"""

import getpass
import os
import pathlib
import shlex
import subprocess
import sys

from medjax.errors import UserError
from medjax.security import identity, private_files
from medjax.security.aead import require
from medjax.security.identity import Identity

VARIABLE = 'MEDJAX_KEY'
"""The environment variable that holds a reference."""

_PASSPHRASE = 'MEDJAX_PASSPHRASE'
_PASSPHRASE_COMMAND = 'MEDJAX_PASSPHRASE_COMMAND'
_SERVICE = 'medjax'  # in keyrings
_PATIENCE = 60  # seconds that a command may take
_KINDS = 'file:PATH, keyring:NAME, env:NAME or command:PROGRAM'
_SHORTEST = 8  # characters of a passphrase

# Read once in a process: a file's passphrase takes a second by design.
_read: dict[str, Identity] = {}


def load(reference: str = '') -> Identity:
  """The identity that a reference names.

  Args:
    reference: '' for that of ``MEDJAX_KEY``, or else the file of ``default_file``.

  Raises:
    UserError: it names none, or none can be read there.
  """
  reference = reference or os.environ.get(VARIABLE, '')
  if not reference:
    if not default_file().exists():
      raise UserError(f'no key: expected --key or {VARIABLE}, one of {_KINDS}; keygen makes one')
    reference = f'file:{default_file()}'
  if reference not in _read:
    _read[reference] = _load(reference)
  return _read[reference]


def default_file() -> pathlib.Path:
  """Where keygen puts a key that nothing else is said of."""
  base = os.environ.get('XDG_CONFIG_HOME') or '~/.config'
  return pathlib.Path(base).expanduser() / 'medjax' / 'key.age'


def split(reference: str) -> tuple[str, str]:
  """The kind and the place of a reference.

  Raises:
    UserError: it is none; what stands there may be a secret and is not repeated.

  Example:
    >>> split('env:HOSPITAL_KEY')
    ('env', 'HOSPITAL_KEY')
  """
  kind, _, place = reference.partition(':')
  if kind not in ('file', 'keyring', 'env', 'command') or not place:
    raise UserError(f'--key: expected {_KINDS}, never the key itself')
  return kind, place


def _load(reference: str) -> Identity:
  require()
  kind, place = split(reference)
  if kind == 'file':
    return _of_file(pathlib.Path(place).expanduser())
  if kind == 'env':
    if not os.environ.get(place):
      raise UserError(f'--key=env:{place}: there is no such environment variable')
    return identity.of_secret(os.environ[place], f'--key=env:{place}')
  if kind == 'keyring':
    found = _keyring().get_password(_SERVICE, place)
    if found is None:
      raise UserError(f'--key=keyring:{place}: the keyring has no such key of medjax')
    return identity.of_secret(found, f'--key=keyring:{place}')
  return identity.of_secret(_output_of(place, '--key=command'), '--key=command')


def _of_file(path: pathlib.Path) -> Identity:
  import pyrage

  try:
    private_files.require_private(path)
    content = path.read_bytes()
  except OSError as error:
    raise UserError(f'--key=file:{path}: cannot be read: {error.strerror}') from None
  try:
    secret = pyrage.passphrase.decrypt(content, passphrase(f'passphrase of {path}: '))
    return identity.of_secret(secret.decode(), f'--key=file:{path}')
  except (pyrage.DecryptError, UnicodeDecodeError):
    raise UserError(f'--key=file:{path}: is damaged, or has another passphrase') from None


def save(who: Identity, reference: str) -> None:
  """Keeps an identity where a reference says, and in no place that has one.

  Args:
    who: to keep.
    reference: ``file:PATH``, encrypted by a passphrase (age's scrypt), or ``keyring:NAME``.

  Raises:
    UserError: it names another kind of place, one that has a key, or one that cannot be written.
  """
  kind, place = split(reference)
  if kind == 'keyring':
    if _keyring().get_password(_SERVICE, place) is not None:
      raise UserError(f'keyring:{place}: has a key, which would be lost; expected another name')
    _keyring().set_password(_SERVICE, place, who.secret())
    return
  if kind != 'file':
    raise UserError(f'--key={kind}: keys are made in file:PATH, keyring:NAME or stdout')
  import pyrage

  path = pathlib.Path(place).expanduser()
  if path.exists():
    raise UserError(f'{path}: is there, and its key would be lost; expected another file')
  if not path.parent.exists():
    private_files.make_folder(path.parent)
  chosen = passphrase(f'new passphrase of {path}: ', again=True)
  if len(chosen) < _SHORTEST:
    raise UserError(f'a passphrase of {len(chosen)} characters; expected at least {_SHORTEST}')
  content = pyrage.passphrase.encrypt(who.secret().encode(), chosen)
  private_files.write(path, content, private_files.FILE)


def passphrase(question: str, *, again: bool = False) -> str:
  """That of ``MEDJAX_PASSPHRASE``, of a command's output, or that somebody types.

  Raises:
    UserError: nobody can be asked, or two that should be one differ.
  """
  if os.environ.get(_PASSPHRASE):
    return os.environ[_PASSPHRASE]
  if os.environ.get(_PASSPHRASE_COMMAND):
    return _output_of(os.environ[_PASSPHRASE_COMMAND], _PASSPHRASE_COMMAND)
  if not sys.stdin.isatty():
    raise UserError(
      f'{question.removesuffix(": ")}: no terminal to ask at; expected {_PASSPHRASE_COMMAND} or '
      f'{_PASSPHRASE}'
    )
  given = getpass.getpass(question)
  if again and getpass.getpass('again: ') != given:
    raise UserError('the two passphrases differ; nothing was written')
  return given


def _output_of(command: str, what: str) -> str:
  """What a command prints, without the end of its last line; no error repeats it."""
  try:
    done = subprocess.run(shlex.split(command), capture_output=True, timeout=_PATIENCE, check=True)
    return done.stdout.decode().removesuffix('\n')
  except subprocess.CalledProcessError as error:
    raise UserError(f'{what}: the command ended with code {error.returncode}') from None
  except subprocess.TimeoutExpired:
    raise UserError(f'{what}: the command gave no answer in {_PATIENCE} s') from None
  except (OSError, ValueError) as error:
    reason = error.strerror if isinstance(error, OSError) else 'what it says is no text'
    raise UserError(f'{what}: the command cannot be used: {reason}') from None


class _Keyring:
  """The operating system's keyring, whose errors are one line."""

  def get_password(self, service: str, name: str) -> str | None:
    return self._call('get_password', service, name)

  def set_password(self, service: str, name: str, secret: str) -> None:
    self._call('set_password', service, name, secret)

  def _call(self, what: str, *about: str) -> str | None:
    try:
      import keyring
    except ImportError:
      raise UserError("keyring: is not installed; expected pip install 'medjax[secure]'") from None
    try:
      return getattr(keyring, what)(*about)
    except Exception as error:  # backends raise their own kinds
      raise UserError(f'keyring: cannot be used here: {type(error).__name__}') from None


def _keyring() -> _Keyring:
  return _Keyring()
