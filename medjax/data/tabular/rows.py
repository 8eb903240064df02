"""Rows of a table with what they are of: a CSV file, a set of scikit-learn, or simulated."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from medjax.data import simulation, source_files, tables, text_file
from medjax.data.missing import Missing
from medjax.data.tabular import number_cells
from medjax.errors import UserError

if TYPE_CHECKING:
  from medjax.data.tabular.config import RowSettings

_SKLEARN = 'sklearn:'


@dataclasses.dataclass(frozen=True)
class Table:
  """Rows with what they are of.

  Attributes:
    name: what the data set is called.
    where: where the rows are from, for errors.
    header: names of the columns.
    rows: number and cells of each.
    simulated: whether no patient stands behind them.
    written: how numbers were written, by column, where not plainly; see ``number_cells.read``.
    notes: what was decided, one line each.
  """

  name: str
  where: str
  header: list[str]
  rows: list[tables.Row]
  simulated: bool = False
  written: Mapping[str, str] = dataclasses.field(default_factory=dict)
  notes: tuple[str, ...] = ()

  def column(self, name: str, setting: str = '') -> str:
    """See ``tables.column``."""
    return tables.column(pathlib.Path(self.where), self.header, name, setting=setting)

  def optional_column(self, name: str, usual: str) -> str:
    """See ``tables.optional_column``."""
    return tables.optional_column(pathlib.Path(self.where), self.header, name, usual)

  def patient_column(self, name: str) -> str:
    """See ``tables.patient_column``."""
    return tables.patient_column(pathlib.Path(self.where), self.header, name)


def read(
  config: 'RowSettings', simulator: Callable[[int, int], list[dict[str, str]]] | None
) -> Table:
  """The table that ``config.source`` names.

  Raises:
    UserError: it cannot be read, or has no rows.
  """
  if config.source == 'simulated':
    simulator = simulation.require(simulator, 'has no simulated table')
    cells = simulator(config.seed, config.simulated_rows)
    name = simulation.name(simulator)
    return Table(name, name, list(cells[0]), list(enumerate(cells, start=2)), simulated=True)
  if config.source.startswith(_SKLEARN):
    return _sklearn(config.source, config.made_label)
  path = source_files.source(config.source)
  header, rows, semicolons = parsed(path)
  if not rows:
    raise UserError(f'{path}: has a header and no rows')
  table = Table(path.stem, str(path), header, rows)
  names = (
    *(table.column(column) for column in config.categorical),
    table.optional_column(config.id_column, 'id'),
    table.patient_column(config.group_column),
    table.optional_column(config.split_column, 'split'),
  )
  rows, written, notes = number_cells.read(
    header, rows, Missing.of(config.missing), semicolons=semicolons, decimal=config.decimal,
    texts=names,
  )  # fmt: skip
  return dataclasses.replace(table, rows=rows, written=written, notes=tuple(notes))


def parsed(path: pathlib.Path) -> tuple[list[str], list[tables.Row], bool]:
  """The header and the rows of a CSV file, and whether cells are separated by other than commas.

  Raises:
    UserError: see ``text_file.read_text`` and ``tables.parse``.
  """
  text = text_file.read_text(path, 'a CSV file')
  return *tables.parse(text, path), tables.delimiter(text) != ','


def _sklearn(source: str, label: str) -> Table:
  """A data set that is part of scikit-learn; nothing is downloaded."""
  from sklearn import datasets

  loaders = {
    'breast_cancer': datasets.load_breast_cancer,
    'diabetes': functools.partial(datasets.load_diabetes, scaled=False),
    'iris': datasets.load_iris,
    'wine': datasets.load_wine,
  }
  name = source.removeprefix(_SKLEARN)
  if name not in loaders:
    raise UserError(f'config.data.source={source}: expected {_SKLEARN} and {", ".join(loaders)}')
  bunch: Any = loaders[name]()
  names = [str(column) for column in bunch.feature_names]
  classes = [str(c) for c in bunch.get('target_names', [])]
  rows = []
  for line, (values, target) in enumerate(zip(bunch.data, bunch.target, strict=True), start=2):
    cells = {column: repr(float(value)) for column, value in zip(names, values, strict=True)}
    cells[label] = classes[int(target)] if classes else repr(float(target))
    rows.append((line, cells))
  return Table(name, source, [*names, label], rows)
