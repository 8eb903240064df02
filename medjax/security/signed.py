"""JSON files that somebody signed, of which not a single byte may be another."""

import json
import pathlib
from typing import Any

from medjax.errors import UserError
from medjax.security import private_files
from medjax.security.aead import TamperedError
from medjax.security.identity import Identity, Person

_SIGNATURE = 'signature'


def write(path: pathlib.Path, value: dict[str, Any], who: Identity) -> None:
  """Writes values with who signed them, whole and on the disk, or leaves the old file.

  Raises:
    UserError: it cannot be written.
  """
  private_files.write(path, dumps(value, who))


def dumps(value: dict[str, Any], who: Identity) -> bytes:
  """The bytes of such a file."""
  signer = {'name': who.person.name, 'age': who.person.age, 'sign': who.person.sign}
  body = {**value, 'signer': signer}
  return _spell({**body, _SIGNATURE: who.sign(_spell(body))})


def read(path: pathlib.Path) -> tuple[dict[str, Any], Person]:
  """The values of a file and who signed them, whom the reader has to know.

  Raises:
    UserError: there is no such file.
    TamperedError: it is not what was signed.
  """
  try:
    content = path.read_bytes()
  except OSError as error:
    raise UserError(f'{path}: cannot be read: {error.strerror}') from None
  return loads(content, str(path))


def loads(content: bytes, where: str) -> tuple[dict[str, Any], Person]:
  """As ``read``, of the bytes of a file."""
  damaged = TamperedError(f'{where}: is not what was signed; restore it from a copy')
  try:
    value = json.loads(content)
    if _spell(value) != content:  # the same values in other letters
      raise damaged
    signature, signer = value.pop(_SIGNATURE), value['signer']
    who = Person(str(signer['name']), str(signer['age']), str(signer['sign']))
    who.verify(signature, _spell(value), where)
  except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
    raise damaged from None
  return {name: part for name, part in value.items() if name != 'signer'}, who


def _spell(value: Any) -> bytes:
  return json.dumps(value, indent=1, sort_keys=True).encode() + b'\n'
