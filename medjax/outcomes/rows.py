"""Cells of ``predict`` that all outcomes write alike."""

from collections.abc import Sequence

from medjax.outcomes.base import Row

NO_NUMBER = 'the network gives no number for this file'


class Rows:
  """What writers have in common; see ``base.Writer``.

  Attributes:
    columns: of the CSV.
    shown: those of them that the terminal shows.
    numbers: those of them that hold numbers.
  """

  columns: list[str]
  shown: list[str]
  numbers: list[str]

  def empty(self, name: str, error: str) -> Row:
    """See ``Writer``."""
    return {**dict.fromkeys(self.columns, ''), 'file': name, 'error': error}

  def summary(self, rows: Sequence[Row]) -> list[str]:
    """See ``Writer``; no line."""
    return []

  def page(self, rows: Sequence[Row]) -> str:
    """See ``Writer``; no page."""
    return ''


def shorten(cell: str) -> str:
  """A number, or nothing, for the terminal: to three digits."""
  return cell and f'{float(cell):.3f}'
