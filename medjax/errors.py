"""The exceptions that the command line prints as one line instead of a traceback."""


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


class DiskFullError(UserError):
  """No space left on a disk; what was written before is kept."""

  exit_code = 74


class NonFiniteError(UserError):
  """The loss, its gradient or the parameters are no longer numbers."""

  exit_code = 3
