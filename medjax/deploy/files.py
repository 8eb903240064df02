"""Predicts files with a finished run: every case gets a row, whatever is wrong with it."""

import concurrent.futures
import os
import pathlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from rich.console import Console
from rich.table import Table

from medjax import files
from medjax.config import Config
from medjax.data import ragged
from medjax.data.domain import Domain
from medjax.data.modality import Case
from medjax.deploy.predictor import SPREAD, Predictor
from medjax.errors import UserError
from medjax.evaluation import csv_cells
from medjax.experiment import Experiment
from medjax.outcomes import Row, Writer
from medjax.outcomes.rows import shorten
from medjax.runtime import Devices
from medjax.workdir import Workdir

# Rows shown on the terminal; the CSV has all.
_SHOWN = 50
# Cases read at the same time; an image may take 4 bytes a pixel of limits.MAX_PIXELS.
_READERS = 2


def predict_files(
  experiment: Experiment,
  config: Config,
  workdir: Workdir,
  devices: Devices,
  names: Sequence[str],
  output: pathlib.Path,
) -> list[Row]:
  """Writes a CSV with a row for each case and prints a table.

  The outcome says the columns, to which an ensemble adds how far its members are apart in the
  number predicted, or the probability of the class called, and the modality's ``domain`` its own;
  the outcome may draw the rows in an HTML file beside the CSV. Rows are written as batches are
  done, and memory holds one batch and at most two cases being read.

  Args:
    experiment: data description, model and task of the run.
    config: settings of the run.
    workdir: the run folder.
    devices: devices of this host.
    names: files and folders.
    output: the CSV to write.

  Returns:
    The rows, in the order of the CSV.

  Raises:
    UserError: the run's best checkpoint was not evaluated, nothing was found, or the CSV cannot
      be written.
  """

  def make() -> Predictor:
    return Predictor.of_run(experiment, config, workdir, devices, config.batch_size)

  return write(experiment, experiment.data.modality, make, names, output)


class Reader(Protocol):
  """What opens new cases: a ``Modality``, or several at once."""

  @property
  def cases(self) -> str: ...

  @property
  def axes(self) -> ragged.Axes: ...

  @property
  def domain(self) -> Domain | None: ...

  @property
  def json_schema(self) -> Mapping[str, Any] | None: ...

  def open(self, names: Sequence[str]) -> Sequence[Case]: ...

  def open_json(self, values: Sequence[Any]) -> Sequence[Case]: ...


def write(
  experiment: Experiment,
  reader: Reader,
  make: Callable[[], Predictor],
  names: Sequence[str],
  output: pathlib.Path,
) -> list[Row]:
  """As ``predict_files``, by any predictor.

  Args:
    experiment: task and classes.
    reader: opens the cases.
    make: the predictor, made once there are cases.
    names: files and folders.
    output: the CSV to write.

  Returns:
    The rows, in the order of the CSV.

  Raises:
    UserError: nothing was found, the predictor cannot be made, or the CSV cannot be written.
  """
  modality, outcome = reader, experiment.task.outcome
  cases = modality.open(names)
  if not cases:
    raise UserError(f'predict {names[0]}: no {modality.cases} there')
  say_notes(cases, modality.cases)
  predictor = make()
  writer = outcome.writer(predictor.decision, experiment.data.classes)
  page = output.with_suffix('.html')
  if page == output:
    raise UserError(f'--output={output}: is the name of a page; expected that of a CSV file')
  writer.begin(output, {case.name: case.restore for case in cases if case.restore})
  more = more_columns(predictor, modality)
  rows: list[Row] = []
  try:
    output.parent.mkdir(parents=True, exist_ok=True)
    # A name that is no UTF-8 is written with escapes, so that the CSV stays readable.
    with open(output, 'w', newline='', encoding='utf-8', errors='backslashreplace') as file:
      out = csv_cells.Writer(file, _with(more, writer.columns))
      for done in _batches(cases, predictor, writer, modality):
        out.rows(done)
        file.flush()
        rows += done
    drawn = writer.page(rows)
    if drawn:
      with files.replacing(page) as new:
        new.write_text(drawn, 'utf-8', errors='backslashreplace')
  except OSError as error:
    raise files.unwritable(output, error) from None
  _print(rows, writer, more)
  if modality.domain:
    outside = sum(row.get('domain') == 'outside' for row in rows)
    print(f'outside of the applicability domain: {outside}; {modality.domain.about}')
  print(f'predictions: {output}')
  if drawn:
    print(f'drawn: {page}')
  return rows


def say_notes(cases: Sequence[Case], what: str) -> None:
  """Says on the terminal what was decided in reading cases: the first note, and how many have one.

  Args:
    cases: all of them.
    what: they are called, in the plural.
  """
  noted = [case for case in cases if case.note]
  if noted:
    more = f'; so in {len(noted)} of {len(cases)} {what}' if len(noted) > 1 else ''
    print(f'data: {noted[0].name}: {noted[0].note}{more}', file=sys.stderr)


def load(case: Case) -> dict[str, np.ndarray] | str:
  """The arrays of a case, or why there are none."""
  try:
    return case.load()
  except UserError as error:
    return str(error).removeprefix(f'{case.name}: ')


def _batches(
  cases: Sequence[Case], predictor: Predictor, writer: Writer, modality: Reader
) -> Iterator[list[Row]]:
  with concurrent.futures.ThreadPoolExecutor(_READERS) as pool:
    for start in range(0, len(cases), predictor.at_once):
      chunk = cases[start : start + predictor.at_once]
      loaded = list(pool.map(load, chunk))
      good = [i for i, part in enumerate(loaded) if not isinstance(part, str)]
      parts: list[Any] = [loaded[i] for i in good]
      found = rows_of([chunk[i].name for i in good], parts, predictor, writer, modality)
      of_good = dict(zip(good, found, strict=True))
      yield [
        writer.empty(case.name, str(part)) if isinstance(part, str) else of_good[i]
        for i, (case, part) in enumerate(zip(chunk, loaded, strict=True))
      ]


def rows_of(
  names: Sequence[str],
  arrays: Sequence[dict[str, np.ndarray]],
  predictor: Predictor,
  writer: Writer,
  reader: Reader,
) -> list[Row]:
  """Predicts cases that are read, at most ``predictor.at_once`` of them.

  Args:
    names: of the cases.
    arrays: of each, as of ``Case.load``.
    predictor: see there.
    writer: of the outcome.
    reader: that opened the cases.

  Returns:
    A row of each, with ``columns_of``.
  """
  if not arrays:
    return []
  predicted, spread = predictor.predict(arrays)
  sizes = [ragged.sizes(part, reader.axes) for part in arrays]
  rows = writer.rows(names, predicted, sizes)
  if spread is not None:
    apart = predictor.spread_of_calls(predicted, spread)
    rows = [
      row if row['error'] else row | {SPREAD: f'{value:.6g}'}
      for row, value in zip(rows, apart, strict=True)
    ]
  return [_placed(row, part, writer, reader.domain) for row, part in zip(rows, arrays, strict=True)]


def more_columns(predictor: Predictor, reader: Reader) -> list[str]:
  """Columns beside those of the outcome: how far members are apart, and where the case lies."""
  more = [SPREAD] if predictor.members else []
  return [*more, *(reader.domain.columns if reader.domain else ())]


def columns_of(predictor: Predictor, writer: Writer, reader: Reader) -> list[str]:
  """All columns of the CSV; the first is 'file', the last 'error'."""
  return _with(more_columns(predictor, reader), writer.columns)


def _with(more: Sequence[str], columns: Sequence[str]) -> list[str]:
  """The columns, and more of them before the last one, which is 'error'."""
  return [*columns[:-1], *more, columns[-1]]


def _placed(row: Row, arrays: Any, writer: Writer, domain: Domain | None) -> Row:
  """The row with where the case lies; outside of the domain nothing is decided."""
  if domain is None or row['error']:
    return row
  cells, inside = domain.place(arrays)
  return (row if inside else writer.undecided(row)) | cells


def _print(rows: Sequence[Row], writer: Writer, more: Sequence[str]) -> None:
  shown = _with(more, writer.shown)
  table = Table(*shown)
  for row in rows[:_SHOWN]:
    name = os.path.basename(row['file']).encode(errors='backslashreplace').decode()
    cells = [
      shorten(row[column]) if column in writer.numbers else row.get(column, '')
      for column in shown[1:]
    ]
    table.add_row(name, *cells)
  # Not on a terminal, lines are as long as they need to be.
  console = Console()
  if not console.is_terminal:
    console = Console(width=160)
  console.print(table, highlight=False, markup=False)
  if len(rows) > _SHOWN:
    print(f'{len(rows) - _SHOWN} more in the file')
  failed = sum(bool(row['error']) for row in rows)
  print(f'{len(rows) - failed} predicted, {failed} could not be read')
  for line in writer.summary(rows):
    print(line)
