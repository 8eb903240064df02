"""Annotated beats of WFDB records, and of tables in the form of the UCR archive."""

import dataclasses
import pathlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from medjax.data import examples, labels, tables
from medjax.data.missing import Missing
from medjax.data.signals import records, series_table
from medjax.data.signals.beats import paths_of, prepared
from medjax.data.signals.config import Config
from medjax.errors import UserError


@dataclasses.dataclass(frozen=True)
class Beat:
  """A beat before it is put into a split.

  Attributes:
    id: its name.
    signal: float32 [samples, leads].
    label: its class.
    patient: whose it is.
    split: canonical name of the split that it was given, or ''.
    metadata: further columns.
    minute: of the record in which it is.
  """

  id: str
  signal: np.ndarray
  label: str
  patient: str
  split: str
  metadata: dict[str, str]
  minute: int = 0


def read(config: Config) -> tuple[list[Beat], dict[str, Any], list[str]]:
  """Beats of all files, details that new ones need, and notes.

  Raises:
    UserError: one line that names the file and the row, and what was expected.
  """
  train, test = (
    [path for name in sources.split(',') if name.strip() for path in paths_of(name)]
    for sources in (config.source, config.test)
  )
  named = [(path, 'train' if config.test else '') for path in train]
  named += [(path, 'test') for path in test]
  is_table = [path.name.lower().endswith(tables.ENDINGS) for path, _ in named]
  if all(is_table):
    return _of_tables(config, named)
  if any(is_table):
    raise UserError(f'config.data.source={config.source}: expected records or tables, not both')
  return _of_records(config, named)


def _labelled(path: pathlib.Path, missing: Missing) -> tuple[list[series_table.Row], list[str]]:
  """The rows of a table that have a class, and notes on those that have none."""
  rows = series_table.read(path)
  cells = [(number, {'class': series_table.label(row)}) for number, row in enumerate(rows)]
  kept, notes = labels.labelled_rows(cells, 'class', path, missing)
  return [rows[number] for number, _ in kept], [f'{path.name}: {note}' for note in notes]


def _of_tables(
  config: Config, named: Sequence[tuple[pathlib.Path, str]]
) -> tuple[list[Beat], dict[str, Any], list[str]]:
  beats: list[Beat] = []
  first: dict[bytes, str] = {}
  length = 0
  without: list[str] = []
  for path, where in named:
    rows, told = _labelled(path, Missing.of(config.missing))
    without += told
    for row in rows:
      values = series_table.samples(row, 1, length)
      length = len(values)
      name = f'{path.name}:{row.line}'
      same = first.setdefault(values.tobytes(), name)
      beats.append(Beat(name, values[:, None], series_table.label(row), same, where, {}))
  _require_unique([beat.id for beat in beats])
  notes = ['a table does not say whose a beat is: each row counts as a patient of its own']
  notes += without
  if len(first) < len(beats):
    labels_of: dict[str, set[str]] = {}
    for beat in beats:
      labels_of.setdefault(beat.patient, set()).add(beat.label)
    conflicts = sum(len(labels) > 1 for labels in labels_of.values())
    notes.append(
      f'{len(beats) - len(first)} rows are copies of others, with which they stay; {conflicts} '
      'beats stand with different labels'
    )
  return beats, details(config, 'table', (), config.rate), notes


def _of_records(
  config: Config, named: Sequence[tuple[pathlib.Path, str]]
) -> tuple[list[Beat], dict[str, Any], list[str]]:
  beats: list[Beat] = []
  leads, rate, notes = tuple(config.leads), config.rate, []
  _require_unique([path.stem for path, _ in named])
  at_edge = missing = resampled = 0
  assumed: Counter[str] = Counter()
  for path, where in named:
    record = records.read(path)
    assumed.update(record.notes)
    leads, rate = leads or record.leads, rate or record.rate
    resampled += record.rate != rate
    seconds = record.peaks / record.rate
    record = prepared(record, leads, rate)
    cut = records.segment(record, config.before, config.after)
    at_edge, missing = at_edge + cut.at_edge, missing + cut.missing
    for number, signal in zip(cut.number.tolist(), cut.signal, strict=True):
      symbol = record.symbols[number]
      metadata = {'record': record.name, 'symbol': symbol, 'seconds': f'{seconds[number]:.3f}'}
      if number:
        metadata['rr'] = f'{seconds[number] - seconds[number - 1]:.3f}'
      text = records.aami(symbol) if config.classes == 'AAMI' else symbol
      name = f'{record.name}:{number + 1}'
      minute = int(seconds[number] // 60)
      beats.append(Beat(name, signal, text, record.name, where, metadata, minute))
  if not beats:
    raise UserError(f'config.data.source={config.source}: no beat whose whole window is recorded')
  notes.append(f'{len(beats)} beats of {len(named)} records, leads {", ".join(leads)}, {rate:g} Hz')
  if at_edge or missing:
    notes.append(
      f'{at_edge} beats left out at the ends of records, and {missing} with missing samples'
    )
  if resampled:
    notes.append(f'{resampled} records have another rate and were resampled')
  notes += [f'{count} of {len(named)} records: {note}' for note, count in assumed.items()]
  return beats, details(config, 'record', leads, rate), notes


def details(config: Config, form: str, leads: tuple[str, ...], rate: float) -> dict[str, Any]:
  """What new beats need: the form of the data, 'record' or 'table', and how beats are cut out."""
  return {
    'form': form,
    'leads': list(leads),
    'rate': rate,
    'before': config.before,
    'after': config.after,
  }


def _require_unique(names: Sequence[str]) -> None:
  if several := examples.repeated(names):
    raise UserError(f'{several[0]}: is given twice; expected every record and table once')
