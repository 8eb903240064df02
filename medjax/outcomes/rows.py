"""Cells of ``predict`` that all outcomes write alike."""

import abc
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from medjax.outcomes.base import Row

NO_NUMBER = 'the network gives no number for this file'


class Rows(abc.ABC):
  """What writers have in common; see ``base.Writer``. A subclass gives ``cells``.

  Attributes:
    columns: of the CSV.
    shown: those of them that the terminal shows.
    numbers: those of them that hold numbers.
  """

  columns: list[str]
  shown: list[str]
  numbers: list[str]

  @abc.abstractmethod
  def cells(self, predicted: Any, sizes: Sequence[Mapping[str, int]]) -> Iterable[Row | None]:
    """The cells of each case between 'file' and 'error'; None where the network gives no number.

    Arguments as for ``rows``.
    """

  def rows(
    self, names: Sequence[str], predicted: Any, sizes: Sequence[Mapping[str, int]] = ()
  ) -> list[Row]:
    """See ``Writer``."""
    return [
      self.empty(name, NO_NUMBER) if cells is None else {'file': name, **cells, 'error': ''}
      for name, cells in zip(names, self.cells(predicted, sizes), strict=True)
    ]

  def empty(self, name: str, error: str) -> Row:
    """See ``Writer``."""
    return {**dict.fromkeys(self.columns, ''), 'file': name, 'error': error}

  def undecided(self, row: Row) -> Row:
    """See ``Writer``; as it is."""
    return row

  def begin(  # noqa: B027 most writers have nothing to begin
    self, output: pathlib.Path | None, restore: Mapping[str, Callable[[np.ndarray], np.ndarray]]
  ) -> None:
    """See ``Writer``; no file."""

  def summary(self, rows: Sequence[Row]) -> list[str]:
    """See ``Writer``; no line."""
    return []

  def page(self, rows: Sequence[Row]) -> str:
    """See ``Writer``; no page."""
    return ''


def shorten(cell: str) -> str:
  """A number, or nothing, for the terminal: to three digits."""
  return cell and f'{float(cell):.3f}'
