"""Numbers as files write them, in digits of ASCII.

Python reads more than that as a number: 1_0 is 10 to it, and so are digits of every script.
"""

import math
import re

_REAL = re.compile(r'[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?', re.ASCII)
_WHOLE = re.compile(r'\d{1,15}', re.ASCII)


def real(text: str) -> float | None:
  """The finite number that a text is; None where it is none.

  Args:
    text: without blanks around it.

  Example:
    >>> real('-1.5e3'), real('1_0'), real('1e999'), real('nan')
    (-1500.0, None, None, None)
  """
  if not _REAL.fullmatch(text):
    return None
  number = float(text)
  return number if math.isfinite(number) else None


def whole(text: str) -> int | None:
  """The whole number from 0 that a text is, of at most 15 digits; None where it is none.

  Args:
    text: without blanks around it.

  Example:
    >>> whole('012'), whole('-1'), whole('9' * 5000)
    (12, None, None)
  """
  return int(text) if _WHOLE.fullmatch(text) else None


def either(text: str) -> float | None:
  """As ``real``, of a number with a decimal point or a decimal comma.

  Args:
    text: without blanks around it.

  Example:
    >>> either('0,143'), either('0.143'), either('1,2,3')
    (0.143, 0.143, None)
  """
  return real(text) if '.' in text else real(text.replace(',', '.'))
