"""The exceptions that the command line prints as one line instead of a traceback."""

import re
from collections.abc import Sequence

_LONGEST_WORD = 300  # characters; a path may be long, a cell of a damaged file has no end
_LONGEST = 1200


class UserError(Exception):
  """Something the user can fix: bad input, a wrong setting, a full disk.

  The message is one line that names the file, field or row and says what was expected. The
  command line prints it after ``error:`` and exits with ``exit_code``; a program that uses medjax
  as a library catches it like any exception.

  Example:
    >>> raise UserError('labels.csv row 3: label is empty; expected a class name or number')
    Traceback (most recent call last):
    ...
    medjax.errors.UserError: labels.csv row 3: label is empty; expected a class name or number
  """

  exit_code = 2

  def __str__(self) -> str:
    """One line of bounded length, whatever file names and cells it quotes."""
    line = ''.join(
      c if c.isprintable() else c.encode('unicode_escape').decode() for c in super().__str__()
    )
    line = re.sub(rf'\S{{{_LONGEST_WORD},}}', lambda word: _shortened(word[0], 80), line)
    return _shortened(line, _LONGEST // 2 - 10) if len(line) > _LONGEST else line


def _shortened(text: str, ends: int) -> str:
  """The beginning and the end of a text."""
  return f'{text[:ends]}...{text[-ends:]}'


class SeveralErrors(UserError):
  """Several that the user can fix at once: a line that says so, and a line for each.

  Args:
    what: said of all.
    errors: each; the first ten are shown.

  Example:
    >>> print(SeveralErrors('2 cannot be read', [UserError('a: torn'), UserError('b: torn')]))
    2 cannot be read
      a: torn
      b: torn
  """

  _SHOWN = 10

  def __init__(self, what: str, errors: Sequence[UserError]):
    super().__init__(what)
    self.errors = errors

  def __str__(self) -> str:
    """A line for all, a line for each of the first ten, and the number of the others."""
    lines = [super().__str__(), *(f'  {error}' for error in self.errors[: self._SHOWN])]
    more = len(self.errors) - self._SHOWN
    return '\n'.join([*lines, f'  and {more} more'] if more > 0 else lines)


class DiskFullError(UserError):
  """No space left on a disk; what was written before is kept."""

  exit_code = 74


class NonFiniteError(UserError):
  """The loss, its gradient or the parameters are no longer numbers."""

  exit_code = 3
