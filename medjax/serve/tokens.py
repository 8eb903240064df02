"""Bearer tokens: a file of their digests and of what each may ask for.

A line is a digest and roles: ``sha256:<64 hexadecimal digits> predict,explain``. Lines that are
blank or begin with # say nothing. A token itself is shown once, when it is made, and kept nowhere;
it has 256 random bits, so that its plain digest cannot be searched for.

Source:
  RFC 6750, The OAuth 2.0 Authorization Framework: Bearer Token Usage (2012).
"""

import hashlib
import os
import pathlib
import re
import secrets
import stat
import sys
import time
from collections.abc import Mapping

from medjax.errors import UserError

ROLES = ('predict', 'explain', 'metrics', 'admin')
"""What a token may ask for; admin is all of it."""
ADMIN = 'admin'
_LINE = re.compile(r'sha256:([0-9a-f]{64})\s+(\S+)\s*')
_LARGEST = 2**20
_FRESH = 1.0  # seconds after which the file may be another one


def new(roles: str) -> tuple[str, str]:
  """A token, and the line that lets it in.

  Args:
    roles: joined by commas.

  Raises:
    UserError: one is none of ``ROLES``.

  Example:
    >>> token, line = new('predict,explain')
    >>> line.endswith(' predict,explain'), token in line
    (True, False)
  """
  named = _roles(roles, '--new_token')
  token = secrets.token_urlsafe(32)
  return token, f'sha256:{_digest(token)} {",".join(named)}'


def append(path: pathlib.Path, line: str) -> None:
  """Adds a line to a file of tokens, which is made for its owner alone if need be.

  Raises:
    UserError: the file is damaged or others can read it, or it cannot be written.
  """
  if path.exists():
    read(path)
  try:
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), 'a+') as file:
      file.seek(0)
      ended = file.read()[-1:] in ('', '\n')  # somebody may have written the last line by hand
      file.write(f'{line}\n' if ended else f'\n{line}\n')
  except OSError as error:
    raise UserError(f'--tokens={path}: cannot be written: {error.strerror}') from None


def read(path: pathlib.Path) -> dict[bytes, frozenset[str]]:
  """Roles by the digest of a token.

  Raises:
    UserError: there is no such file, others can read or change it, or a line is none.
  """
  try:
    with open(path, encoding='utf-8') as file:
      found = os.fstat(file.fileno())
      if hasattr(os, 'getuid') and found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UserError(
          f'--tokens={path}: others can read or change it (mode {stat.S_IMODE(found.st_mode):04o});'
          f' expected 0600: chmod 600 {path}'
        )
      text = file.read(_LARGEST + 1)
      if len(text) > _LARGEST:
        raise UserError(f'--tokens={path}: expected at most {_LARGEST} letters')
  except FileNotFoundError:
    raise UserError(
      f'--tokens={path}: no such file; serve --new_token=predict --tokens={path} makes it'
    ) from None
  except OSError as error:
    raise UserError(f'--tokens={path}: cannot be read: {error.strerror}') from None
  except UnicodeDecodeError:
    raise UserError(f'--tokens={path}: is no text; expected lines of --new_token') from None
  roles: dict[bytes, frozenset[str]] = {}
  for number, line in enumerate(text.splitlines(), start=1):
    if not line.strip() or line.startswith('#'):
      continue
    where = f'--tokens={path} line {number}'
    match = _LINE.fullmatch(line)
    if not match:  # not quoted: somebody may have written the token itself
      raise UserError(f'{where}: expected sha256:, 64 hexadecimal digits and roles')
    roles[match[1].encode()] = frozenset(_roles(match[2], where))
  if not roles:
    raise UserError(f'--tokens={path}: has no token; serve --new_token=predict --tokens={path}')
  return roles


class File:
  """A file of tokens that is read again once it changed: a line that is deleted lets nobody in.

  Args:
    path: the file.

  Raises:
    UserError: see ``read``.
  """

  def __init__(self, path: pathlib.Path):
    self._path, self._asked = path, time.monotonic()
    self._seen = self._state()
    self._roles = read(path)

  def known(self) -> Mapping[bytes, frozenset[str]]:
    """Roles by digest, of a second ago at most; none, and a line says why, if it is damaged now."""
    if time.monotonic() - self._asked < _FRESH:
      return self._roles
    self._asked = time.monotonic()
    now = self._state()
    if now != self._seen:
      self._seen = now
      try:
        self._roles = read(self._path)
      except UserError as error:
        self._roles = {}
        print(f'serve: nobody is let in: {error}', file=sys.stderr, flush=True)
    return self._roles

  def _state(self) -> tuple[int, ...] | None:
    try:
      found = self._path.stat()
    except OSError:
      return None
    # Changes of the mode, by which others could write it, are those of its ctime.
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def roles_of(token: str, known: Mapping[bytes, frozenset[str]]) -> frozenset[str] | None:
  """What a token may ask for; None where it is unknown, found out in the same time for all."""
  asked, roles = _digest(token).encode(), None
  for digest, of_digest in known.items():
    if secrets.compare_digest(digest, asked):
      roles = of_digest
  return roles


def _digest(token: str) -> str:
  return hashlib.sha256(token.encode(errors='surrogatepass')).hexdigest()


def _roles(text: str, where: str) -> list[str]:
  named = [role.strip() for role in text.split(',')]
  for role in named:
    if role not in ROLES:
      raise UserError(f'{where}: role {role!r}; expected {", ".join(ROLES)}, joined by commas')
  return named
