"""Beats of a heart: read from records and tables, fed as they are, drawn over time."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax
import numpy as np

from medjax.data.modality import Case, Drawing, Modality
from medjax.data.signals import beats
from medjax.plots import signals


@dataclasses.dataclass(frozen=True)
class Signals(Modality):
  """Signals [samples, leads] cut out around a peak, or rows of a table.

  Attributes:
    about: 'form' ('records' or 'table') and, of records, 'leads', 'rate', 'before' and 'after'.
    length: samples of a beat.
  """

  about: Mapping[str, Any]
  length: int

  cases: ClassVar[str] = 'signals'
  always_drawn: ClassVar[bool] = True

  def inputs(self, batch: dict[str, Any]) -> jax.Array:
    """float32 [B, samples, leads]."""
    return batch['signal']

  def open(self, names: Sequence[str]) -> list[Case]:
    """See ``beats.find``."""
    return beats.find(names, self.about, self.length)

  def draw(self, arrays: dict[str, np.ndarray]) -> Drawing:
    """The signal; where it was cut out around a peak, in seconds from there."""
    if self.about['form'] == 'table':
      return signals.of_signal(arrays['signal'], rate=0.0)
    about = self.about
    return signals.of_signal(
      arrays['signal'], tuple(about['leads']), about['rate'], about['before']
    )
