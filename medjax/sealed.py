"""JSON files that tell whether they still are what was written.

The last field of such a file is its seal: a digest of all other fields in their order, and what
ties the file to others, such as the run that it is of. Other spacing is no damage; another digit
is.
"""

import hashlib
import json
import pathlib
from typing import Any

from medjax import files
from medjax.errors import UserError

_SEAL, _DIGEST = 'seal', 'digest'


def write(path: pathlib.Path, value: dict[str, Any], **ties: Any) -> None:
  """Writes all of ``value`` with its seal, or leaves the old file, whatever happens in between.

  Args:
    path: the file.
    value: JSON values.
    **ties: further JSON values of the seal, which its digest covers.

  Raises:
    DiskFullError: there was no space for it.
    UserError: it cannot be written.
    ValueError: a number is not finite.
  """
  text = dumps(value, **ties)
  with files.replacing(path) as new:
    new.write_text(text, encoding='utf-8')


def dumps(value: dict[str, Any], **ties: Any) -> str:
  """The text of such a file; arguments and errors as of ``write``."""
  seal = {**ties, _DIGEST: _digest(value, ties)}
  return json.dumps({**value, _SEAL: seal}, indent=2, allow_nan=False) + '\n'


def read(
  path: pathlib.Path, remedy: str = 'write it again'
) -> tuple[dict[str, Any], dict[str, Any]]:
  """The values of a file and the ties of its seal.

  Args:
    path: the file.
    remedy: what a user can do where it is damaged.

  Raises:
    UserError: it cannot be read, is not JSON, has no seal, or is not what was written.
  """
  try:
    text = path.read_text(encoding='utf-8')
  except FileNotFoundError:
    raise UserError(f'{path}: no such file; {remedy}') from None
  except (OSError, ValueError) as error:
    raise UserError(f'{path}: cannot be read as JSON: {error}; {remedy}') from None
  return loads(text, str(path), remedy)


def loads(
  text: str | bytes, path: str, remedy: str = 'write it again'
) -> tuple[dict[str, Any], dict[str, Any]]:
  """As ``read``, of the text of a file and its name."""
  try:
    value = json.loads(text)
  except (ValueError, RecursionError) as error:
    raise UserError(f'{path}: cannot be read as JSON: {error}; {remedy}') from None
  if not isinstance(value, dict):
    kind = type(value).__name__
    raise UserError(f'{path}: expected a JSON object, found {kind}; {remedy}')
  seal = value.pop(_SEAL, None)
  if not isinstance(seal, dict) or _DIGEST not in seal:
    raise UserError(
      f'{path}: has no digest: it is damaged, or an earlier version of medjax wrote it; {remedy}'
    )
  written = seal.pop(_DIGEST)
  if written != _digest(value, seal):
    raise UserError(f'{path}: is not what was written: its digest is of other content; {remedy}')
  return value, seal


def _digest(value: dict[str, Any], ties: dict[str, Any]) -> str:
  # The order counts: that of classes or of metrics means something.
  text = json.dumps([value, ties], separators=(',', ':'))
  return f'sha256:{hashlib.sha256(text.encode()).hexdigest()}'
