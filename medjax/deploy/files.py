"""Predicts image files with a finished run: every file gets a row, whatever is wrong with it."""

import concurrent.futures
import csv
import dataclasses
import errno
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from medjax.config import Config
from medjax.data import decode, feed
from medjax.data.folder import SUFFIXES
from medjax.errors import UserError
from medjax.evaluation import Decision
from medjax.evaluation.decision import ABSTAIN
from medjax.evaluation.table import by_class
from medjax.experiment import Experiment
from medjax.runtime import Devices
from medjax.training import evaluate, parallel
from medjax.workdir import Workdir

# Rows shown on the terminal; the CSV has all.
_SHOWN = 50
# Files decoded at the same time; each may take 4 bytes a pixel of decode.MAX_PIXELS.
_DECODERS = 2


@dataclasses.dataclass(frozen=True)
class Row:
  """What was found for one file.

  Attributes:
    file: as it was named, or found in a folder.
    probability: calibrated, of each class in label order, or None with an error.
    call: name of the class at the threshold, or of the most probable one; '' with an error.
    set: names of the classes that cannot be ruled out at the run's coverage.
    decision: the class in the set, 'abstain' where there is not exactly one, '' with an error.
    error: what is wrong with the file, '' for a prediction.
  """

  file: str
  probability: tuple[float, ...] | None
  call: str
  set: tuple[str, ...]
  decision: str
  error: str


def predict_files(
  experiment: Experiment,
  config: Config,
  workdir: Workdir,
  devices: Devices,
  names: Sequence[str],
  output: pathlib.Path,
) -> list[Row]:
  """Writes a CSV with a row for each file and prints a table.

  For two classes the columns are file, probability (of the positive class, calibrated), call (at
  the threshold chosen on validation), set (the conformal set, names joined by ' | '), decision (the
  class in the set, or 'abstain' where it is not exactly one) and error; for more classes there is
  probability_<class> for each, and the call is the most probable one. Rows are written as batches
  are done, and memory holds one batch and at most two images being decoded.

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
  classes = experiment.data.classes
  files = list(find(names))
  if not files:
    raise UserError(f'predict {names[0]}: no image files there')
  variables, trained = evaluate.best_variables(experiment, workdir)
  decision = evaluate.read_decision(workdir, trained)
  variables = devices.replicate(variables)
  step = parallel.compile_predict(experiment, devices, config.precision)
  rows: list[Row] = []
  probabilities = ['probability'] if len(classes) == 2 else [f'probability_{c}' for c in classes]
  try:
    output.parent.mkdir(parents=True, exist_ok=True)
    # A name that is no UTF-8 is written with escapes, so that the CSV stays readable.
    with open(output, 'w', newline='', encoding='utf-8', errors='backslashreplace') as file:
      writer = csv.writer(file)
      writer.writerow(['file', *probabilities, 'call', 'set', 'decision', 'error'])
      for done in _batches(
        files, experiment, step, variables, devices, config.batch_size, decision
      ):
        for row in done:
          shown = row.probability or [''] * len(classes)
          shown = shown[1:] if len(classes) == 2 else shown
          sets = ' | '.join(row.set)
          writer.writerow([row.file, *shown, row.call, sets, row.decision, row.error])
        file.flush()
        rows += done
  except OSError as error:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
      raise
    raise UserError(f'{output}: cannot be written: {error.strerror}') from None
  _print(rows, classes, decision)
  print(f'predictions: {output}')
  return rows


def find(names: Sequence[str]) -> Iterator[str]:
  """Files by name, and in folders every file that is an image by its suffix or its content.

  Files named outright come as they are, also when they are missing: their row says so.
  """
  for name in names:
    path = pathlib.Path(name)
    if not path.is_dir():
      yield name
      continue
    for found in sorted(p for p in path.rglob('*') if p.is_file() and not p.name.startswith('.')):
      if found.suffix.lower() in SUFFIXES or _is_image(found):
        yield str(found)


def _is_image(path: pathlib.Path) -> bool:
  try:
    with Image.open(path):
      return True
  except Image.DecompressionBombError:
    return True
  except Exception:  # Pillow's format readers raise anything on what is not theirs
    return False


def _batches(
  files: Sequence[str],
  experiment: Experiment,
  step: Any,
  variables: Any,
  devices: Devices,
  batch_size: int,
  decision: Decision,
) -> Iterator[list[Row]]:
  size, _, channels = experiment.data.input_shape
  classes = experiment.data.classes

  def load(name: str) -> np.ndarray | str:
    try:
      return decode.decode(name, size, channels)
    except UserError as error:
      return str(error).removeprefix(f'{name}: ')

  with concurrent.futures.ThreadPoolExecutor(_DECODERS) as pool:
    for start in range(0, len(files), batch_size):
      chunk = files[start : start + batch_size]
      loaded = list(pool.map(load, chunk))
      good = [i for i, pixels in enumerate(loaded) if not isinstance(pixels, str)]
      # Always one shape, so that the step is compiled once.
      width = feed.batches(np.arange(batch_size), batch_size, len(devices.all)).shape[1]
      images = np.zeros((width, size, size, channels), np.uint8)
      for place, i in enumerate(good):
        images[place] = loaded[i]
      found: dict[int, Row] = {}
      if good:
        batch = {'image': images.reshape(len(devices.local), -1, size, size, channels)}
        predicted = jax.device_get(step(variables, batch)['prediction'])[: len(good)]
        rows = _rows([chunk[i] for i in good], predicted, classes, decision)
        found = dict(zip(good, rows, strict=True))
      yield [
        found.get(i) or Row(name, None, '', (), '', str(loaded[i])) for i, name in enumerate(chunk)
      ]


def _rows(
  names: Sequence[str], predicted: np.ndarray, classes: Sequence[str], decision: Decision
) -> list[Row]:
  probability = decision.calibration.apply(predicted)
  calls, sets = decision.calls(probability), decision.conformal.sets(predicted)
  of_classes = by_class(probability)
  rows = []
  for name, values, call, members in zip(names, of_classes, calls, sets, strict=True):
    if not np.isfinite(values).all():
      rows.append(Row(name, None, '', (), '', 'the network gives no number for this file'))
      continue
    held = tuple(c for c, inside in zip(classes, members, strict=True) if inside)
    decided = held[0] if len(held) == 1 else ABSTAIN
    rows.append(Row(name, tuple(map(float, values)), classes[int(call)], held, decided, ''))
  return rows


def _print(rows: Sequence[Row], classes: Sequence[str], decision: Decision) -> None:
  table = Table('file', 'probability', 'call', 'set', 'decision', 'error')
  for row in rows[:_SHOWN]:
    shown = '' if row.probability is None else f'{_decisive(row, classes):.3f}'
    name = os.path.basename(row.file).encode(errors='backslashreplace').decode()
    table.add_row(name, shown, row.call, ' | '.join(row.set), row.decision, row.error)
  # Not on a terminal, lines are as long as they need to be.
  console = Console()
  if not console.is_terminal:
    console = Console(width=160)
  console.print(table, highlight=False, markup=False)
  if len(rows) > _SHOWN:
    print(f'{len(rows) - _SHOWN} more in the file')
  failed = sum(bool(row.error) for row in rows)
  abstained = sum(row.decision == ABSTAIN for row in rows)
  print(f'{len(rows) - failed} predicted, {failed} could not be read')
  threshold = decision.threshold.value
  if threshold is not None:
    print(f'probability of {classes[1]}, called at {threshold:.3f} ({decision.threshold.reason})')
  print(f'undecided at a coverage of {decision.conformal.coverage:g}: {abstained}')


def _decisive(row: Row, classes: Sequence[str]) -> float:
  """The positive class's probability, or the called one's of many classes."""
  assert row.probability is not None
  return row.probability[1] if len(classes) == 2 else max(row.probability)
