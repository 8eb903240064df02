"""Settings of signals."""

import dataclasses
from typing import Literal

from medjax.config import setting
from medjax.data.settings import FileSettings
from medjax.errors import UserError

_SLOWEST = 10.0  # a heartbeat has waves of some 0.1 s


@dataclasses.dataclass
class Config(FileSettings):
  """Which signals, and how beats are cut out of them."""

  source: str = setting(
    'simulated',
    "'simulated', or joined by commas: WFDB headers, folders of them, tables of beats.",
  )
  test: str = setting('', 'Further ones, joined by commas, that are the test split.')
  classes: Literal['AAMI', 'symbols'] = setting(
    'AAMI', 'Whether annotated beats are put into five classes, N, S, V, F and Q.'
  )
  keep: tuple[str, ...] = setting((), 'Classes that are kept; empty keeps all.')
  leads: tuple[str, ...] = setting(
    (),
    'Leads of records that are taken; empty takes all. Unnamed ones are lead 1, lead 2 and so on.',
    inputs=True,
  )
  rate: float = setting(
    0.0, 'Samples a second, from 10; 0 is that of the first record.', low=0.0, high=2e3, inputs=True
  )
  before: float = setting(
    0.8, 'Seconds before an R peak that are seen.', low=0.05, high=2.0, inputs=True
  )
  after: float = setting(
    0.45, 'Seconds after an R peak that are seen.', low=0.05, high=2.0, inputs=True
  )
  patients: Literal['separate', 'ignore'] = setting(
    'separate', 'Whether a split has all beats of a patient, or minutes are drawn one by one.'
  )
  allow_group_overlap: bool = setting(False, 'Accept identical beats in two given splits.')
  simulated: int = setting(6000, 'Beats to simulate.', low=400, high=10**5)

  def validate(self) -> None:
    """Raises UserError for settings that contradict each other."""
    if 0 < self.rate < _SLOWEST:
      raise UserError(
        f'config.data.rate={self.rate:g}: expected at least {_SLOWEST:g} samples a second, or 0 '
        'for those of the first record'
      )
    super().validate()
