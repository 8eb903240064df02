"""Settings of tables."""

import dataclasses
from typing import Literal

from medjax.config import setting
from medjax.data.settings import ColumnSettings


@dataclasses.dataclass
class Config(ColumnSettings):
  """Which table, and which columns say what."""

  source: str = setting('simulated', "'simulated', a CSV file, or sklearn:NAME.")
  label_column: str = setting('label', 'Column with the class or the number to predict.')
  id_column: str = setting('id', 'Column with a name for each row, if there is one.')
  labels: Literal['auto', 'classes', 'numbers'] = setting(
    'auto', 'What labels are; auto takes more than ten different numbers as numbers.'
  )
  categorical: tuple[str, ...] = setting((), 'Columns whose numbers are names of categories.')
  drop: tuple[str, ...] = setting((), 'Columns that are no input.')
  simulated_rows: int = setting(2000, 'Rows to simulate.', low=50)
