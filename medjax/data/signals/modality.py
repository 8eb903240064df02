"""Beats of a heart: read from records and tables, fed as they are, drawn over time."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax
import numpy as np

from medjax.data.looks import Looks
from medjax.data.modality import Case, Drawing, Modality
from medjax.data.signals import beats, written
from medjax.outcomes import SimpleModel
from medjax.plots import signals

_SAMPLES = 256  # of a lead, that a simple model sees


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
  simple_cases: ClassVar[int] = 5000

  def inputs(self, batch: dict[str, Any]) -> jax.Array:
    """float32 [B, samples, leads]."""
    return batch['signal']

  def open(self, names: Sequence[str]) -> list[Case]:
    """See ``beats.find``."""
    return beats.find(names, self.about, self.length)

  @property
  def json_schema(self) -> Mapping[str, Any]:
    """A row of samples; or a recording, whose beats are found."""
    numbers = {'type': 'array', 'items': {'type': 'number'}}
    if self.about['form'] == 'table':
      return numbers | {'minItems': self.length, 'maxItems': self.length}
    signals = dict.fromkeys(self.about['leads'], numbers)
    return {
      'type': 'object',
      'properties': {
        'rate': {'type': 'number', 'description': 'samples a second'},
        'signals': {
          'type': 'object', 'properties': signals, 'required': list(signals),
          'description': 'samples by lead, all as many; null where nothing was measured',
        },
        'peaks': {
          'type': 'array', 'items': {'type': 'integer'},
          'description': 'sample of each beat, from 0; without it a detector looks for beats',
        },
      },
      'required': ['rate', 'signals'],
    }  # fmt: skip

  def open_json(self, values: Sequence[Any]) -> list[Case]:
    """See ``written``."""
    return written.find(values, self.about, self.length)

  def draw(self, arrays: dict[str, np.ndarray]) -> Drawing:
    """The signal; where it was cut out around a peak, in seconds from there."""
    if self.about['form'] == 'table':
      return signals.of_signal(arrays['signal'], rate=0.0)
    about = self.about
    return signals.of_signal(
      arrays['signal'], tuple(about['leads']), about['rate'], about['before']
    )

  @property
  def simple_models(self) -> Sequence[SimpleModel]:
    """The nearest neighbours."""
    fewer = f', {_SAMPLES} of each lead' if self.length > _SAMPLES else ''
    return (SimpleModel('neighbours', f'Euclidean distance of samples{fewer}'),)

  def simple_features(self, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The samples of all leads, [N, D]; of long signals, means of neighbouring ones."""
    signal = arrays['signal'].astype(np.float64)
    count, length = signal.shape[:2]
    if length > _SAMPLES:
      starts = np.arange(_SAMPLES) * length // _SAMPLES
      widths = np.diff(starts, append=length)
      signal = np.add.reduceat(signal, starts, axis=1) / widths[:, None]
    return signal.reshape(count, -1)

  def looks(self, arrays: dict[str, np.ndarray]) -> Looks:
    """Samples; blank are flat lines in all leads."""
    flat = np.ptp(arrays['signal'], axis=1).max(axis=1) == 0
    return Looks(flat, self.simple_features(arrays))
