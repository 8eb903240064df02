"""What is said of image files: names in one short line, and one error for many files."""

import itertools
from collections.abc import Sequence

from medjax.errors import UserError

_SHOWN = 10
_LONGEST = 80


def readable(name: str) -> str:
  """A file name as valid text: bytes in it that are not UTF-8 become escapes."""
  return name.encode(errors='backslashreplace').decode()


def one_line(name: str) -> str:
  """A file name as valid text in one line.

  Example:
    >>> one_line('scan 1\\n.png')
    'scan 1 .png'
  """
  return readable(' '.join(name.splitlines()))


def short(cell: str) -> str:
  """A cell, which may hold anything, as valid text of at most 80 characters in one line."""
  name = one_line(' '.join(cell.split()))
  return name if len(name) <= _LONGEST else f'{name[: _LONGEST - 3]}...'


def for_all(errors: Sequence[UserError], what: str) -> UserError:
  """One error for all files that cannot be used, so that they can be mended at once.

  Args:
    errors: of each file, at least one.
    what: said of several, after their number.

  Returns:
    The error itself where there is one; else one with a line for each of the first ten and the
    number of the others.

  Example:
    >>> print(for_all([UserError('a: is empty'), UserError('b: torn')], 'cannot be read'))
    2 images cannot be read
      a: is empty
      b: torn
  """
  if len(errors) == 1:
    return errors[0]
  lines = [f'{len(errors)} images {what}']
  lines += [f'  {error}' for error in itertools.islice(errors, _SHOWN)]
  if len(errors) > _SHOWN:
    lines.append(f'  and {len(errors) - _SHOWN} more')
  return UserError('\n'.join(lines))
