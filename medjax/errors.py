"""The exceptions that the command line prints as one line instead of a traceback."""

import re

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


class DiskFullError(UserError):
  """No space left on a disk; what was written before is kept."""

  exit_code = 74


class NonFiniteError(UserError):
  """The loss, its gradient or the parameters are no longer numbers."""

  exit_code = 3
