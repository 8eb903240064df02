"""Settings of tables."""

import abc
import dataclasses
from typing import Literal

from medjax.config import setting
from medjax.data.missing import Missing
from medjax.data.settings import ClassSettings, PatientSettings
from medjax.data.tabular import target, times
from medjax.data.tabular.rows import Table
from medjax.errors import UserError


@dataclasses.dataclass
class RowSettings(PatientSettings, abc.ABC):
  """Which table, and which columns say what, whatever the labels are."""

  source: str = setting('simulated', "'simulated', a CSV file, or sklearn:NAME.")
  id_column: str = setting('id', 'Column with a name for each row, if there is one.')
  categorical: tuple[str, ...] = setting(
    (), 'Columns whose numbers are names of categories.', inputs=True
  )
  drop: tuple[str, ...] = setting((), 'Columns that are no input.', inputs=True)
  keep: tuple[str, ...] = setting(
    (), 'Columns that are inputs although they look like names.', inputs=True
  )
  decimal: Literal['auto', 'point', 'comma'] = setting(
    'auto', 'What separates decimals; auto tells it from the cells.'
  )
  simulated_rows: int = setting(2000, 'Rows to simulate.', low=50)

  @property
  @abc.abstractmethod
  def made_label(self) -> str:
    """What the column of labels is called in a table that scikit-learn ships."""

  @abc.abstractmethod
  def target(self, table: Table) -> target.Target:
    """The labels of a table; raises UserError."""


@dataclasses.dataclass
class Config(RowSettings, ClassSettings):
  """A table with a class or a number in each row."""

  label_column: str = setting('label', 'Column with the class or the number to predict.')
  labels: Literal['auto', 'classes', 'numbers'] = setting(
    'auto', 'What labels are; auto takes more than ten different numbers as numbers.'
  )

  @property
  def made_label(self) -> str:
    """The column of labels."""
    return self.label_column

  def target(self, table: Table) -> target.Target:
    """See ``target.classes_or_numbers``."""
    return target.classes_or_numbers(
      table,
      self.label_column,
      self.labels,
      Missing.of(self.missing),
      positive=self.positive,
      joined=self.joined_names,
      external=self.external,
    )


@dataclasses.dataclass
class SurvivalConfig(RowSettings):
  """A table with the time of an event in each row, or the end of observation."""

  source: str = setting('simulated', "'simulated', or a CSV file.")
  time_column: str = setting(
    'time', 'Column with the time of the event, or of the end of observation.'
  )
  event_column: str = setting(
    'event', 'Column with whether the event was seen: 1 or 0, yes or no, dead or alive.'
  )

  def validate(self) -> None:
    """Raises UserError for a source without times."""
    if self.source.startswith('sklearn:'):
      raise UserError(
        f'config.data.source={self.source}: has no times of events; expected simulated or a CSV '
        'file'
      )

  @property
  def made_label(self) -> str:
    """The column of times; no table that scikit-learn ships has one."""
    return self.time_column

  def target(self, table: Table) -> target.Target:
    """See ``times.times_and_events``."""
    return times.times_and_events(
      table, self.time_column, self.event_column, Missing.of(self.missing)
    )
