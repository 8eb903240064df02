"""Settings of sequences."""

import dataclasses
from typing import Literal

from medjax.config import setting
from medjax.data.settings import FileSettings
from medjax.errors import UserError


@dataclasses.dataclass
class Config(FileSettings):
  """Which sequences, and what says their class."""

  source: str = setting(
    'simulated',
    "'simulated', or files joined by commas: FASTA or tables, all with labels or one a class.",
  )
  label_pattern: str = setting(
    '', 'Regular expression whose group in a FASTA header is the class; empty: one file a class.'
  )
  label_column: str = setting('label', 'Column of a table with the class or number.')
  labels: Literal['classes', 'numbers', 'several'] = setting(
    'classes', 'What labels are: one class each, numbers, or several classes at once.'
  )
  label_separator: str = setting('', 'What joins the classes of one label; empty: nothing does.')
  sequence_column: str = setting('sequence', 'Column of a table with the sequence.')
  alphabet: Literal['auto', 'DNA', 'RNA', 'protein'] = setting('auto', 'Letters; auto looks.')
  length: int = setting(
    0, 'Letters that the network sees; 0 is the longest sequence.', low=0, high=10**8, inputs=True
  )
  keep: Literal['middle', 'ends'] = setting(
    'middle',
    'Which letters of a longer sequence it sees: the middle, or half from either end.',
    inputs=True,
  )
  varying: bool = setting(
    False,
    'Keep only the places at which training sequences differ, for variants of one sequence.',
    inputs=True,
  )
  similar: Literal['near', 'identical'] = setting(
    'near',
    'Sequences that never straddle a split: near copies, or identical ones only, as for variants '
    'of one protein.',
  )
  both_strands: bool = setting(False, 'Whether a reverse complement is a copy of a sequence.')
  allow_group_overlap: bool = setting(False, 'Accept near copies in two given splits.')
  simulated: int = setting(10_000, 'Sequences to simulate.', low=50, high=10**6)

  def validate(self) -> None:
    """Raises UserError for settings that contradict each other."""
    if self.labels == 'several' and not self.label_separator:
      raise UserError('config.data.labels=several: expected config.data.label_separator with it')
    super().validate()
