"""Refuses attributes of a transform that are out of range."""

import math


def require(valid: bool, owner: str, field: str, value: object, expected: str) -> None:
  """Raises ValueError unless ``valid``; the line names owner, field and what was expected."""
  if not valid:
    raise ValueError(f'{owner} {field} is {value}; expected {expected}')


def require_range(owner: str, field: str, low: float, high: float) -> None:
  """Raises ValueError unless 0 < low <= high."""
  require(0 < low <= high < math.inf, owner, field, (low, high), '0 < low <= high')


def require_size(owner: str, size: tuple[int, int]) -> None:
  """Raises ValueError unless height and width are at least 1."""
  require(len(size) == 2 and min(size) >= 1, owner, 'size', size, '(height, width), at least 1')
