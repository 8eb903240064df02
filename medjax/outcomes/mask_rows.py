"""What ``predict`` writes of masks: a row an image, and a PNG file of its mask."""

import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import PIL.Image
import scipy.ndimage

from medjax import files
from medjax.evaluation import MaskDecision
from medjax.outcomes.base import Row
from medjax.outcomes.rows import NO_NUMBER, Rows
from medjax.plots import html

_TOUCHING = np.ones((3, 3), bool)  # corners too


class MaskRows(Rows):
  """Area and regions of masks, which are written beside the CSV, in a folder of its name.

  Masks are of the size of the file where that is known, and otherwise of that of the network. One
  structure is 255, several are 1, 2 and so on; the background is 0.
  """

  def __init__(self, decision: MaskDecision):
    self._decision = decision
    one = len(decision.structures) == 1
    self._suffixes = [''] if one else [f'_{name}' for name in decision.structures]
    self.numbers = [f'{name}{s}' for s in self._suffixes for name in ('area', 'regions')]
    self.columns = ['file', 'mask', *self.numbers, 'error']
    self.shown = ['file', *self.numbers, 'error']
    self._folder: pathlib.Path | None = None
    self._in_memory = False
    self._restore: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {}
    self._taken: set[str] = set()

  def begin(
    self, output: pathlib.Path | None, restore: Mapping[str, Callable[[np.ndarray], np.ndarray]]
  ) -> None:
    """See ``Writer``."""
    self._restore, self._in_memory = restore, output is None
    if output is not None:
      self._folder = output.with_name(f'{output.stem}_masks')

  def rows(
    self, names: Sequence[str], predicted: Any, sizes: Sequence[Mapping[str, int]] = ()
  ) -> list[Row]:
    """See ``Writer``."""
    done = []
    found = self.cells(predicted, sizes)
    for name, probability, cells in zip(names, predicted, found, strict=True):
      if cells is None:
        done.append(self.empty(name, NO_NUMBER))
        continue
      written = self._write(name, self._decision.calls(probability))
      done.append({'file': name, 'mask': written, **cells, 'error': ''})
    return done

  def cells(self, predicted: Any, sizes: Sequence[Mapping[str, int]]) -> Iterator[Row | None]:
    """See ``Rows``."""
    for probability in predicted:
      if not np.isfinite(probability).all():
        yield None
        continue
      called = self._decision.calls(probability)
      row: Row = {}
      for number, suffix in enumerate(self._suffixes, start=1):
        mask = called == number
        _, regions = scipy.ndimage.label(mask, _TOUCHING)
        row |= {f'area{suffix}': repr(float(mask.mean())), f'regions{suffix}': str(regions)}
      yield row

  def _write(self, name: str, called: np.ndarray) -> str:
    """The file of a mask, or a data URI of it; '' where ``begin`` was not told of either."""
    if self._folder is None and not self._in_memory:
      return ''
    if name in self._restore:
      called = self._restore[name](called)
    if self._decision.threshold is not None:
      called = called * np.uint8(255)
    if self._folder is None:
      return html.png_uri(PIL.Image.fromarray(called))
    stem = pathlib.PurePath(name).name.replace('#', '_')
    free, number = f'{stem}.png', 2
    while free in self._taken:
      free, number = f'{stem}_{number}.png', number + 1
    self._taken.add(free)
    path = self._folder / free
    self._folder.mkdir(parents=True, exist_ok=True)
    with files.replacing(path) as new:
      PIL.Image.fromarray(called).save(new, 'PNG')
    return str(path)

  def summary(self, rows: Sequence[Row]) -> list[str]:
    """See ``Writer``."""
    if not self._taken:
      return []
    values = '255'
    if self._decision.threshold is None:
      named = enumerate(self._decision.structures, start=1)
      values = ', '.join(f'{number} is {name}' for number, name in named)
    return [f'masks: {self._folder} ({self._decision.reason}; in the files, {values})']
