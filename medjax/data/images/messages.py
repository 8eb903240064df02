"""What is said of image files: names in one short line, and one error for many files."""

from collections.abc import Sequence

from medjax.errors import SeveralErrors, UserError

_LONGEST = 80


class EmptySliceError(UserError):
  """A slice in which nothing is to be seen: all of it is one number."""


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
    The error itself where there is one; otherwise a ``SeveralErrors``.
  """
  return errors[0] if len(errors) == 1 else SeveralErrors(f'{len(errors)} images {what}', errors)
