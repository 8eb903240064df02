"""Foreign text in messages: a name, a cell or a line of a file may be of any length."""

_LONGEST = 60


def short(text: str) -> str:
  """The text, or its beginning and its length where it is too long for a message of one line.

  Args:
    text: any.

  Example:
    >>> short('chr1'), short('7' * 5000)[-24:]
    ('chr1', '777... (5000 characters)')
  """
  if len(text) <= _LONGEST:
    return text
  return f'{text[:_LONGEST]}... ({len(text)} characters)'
