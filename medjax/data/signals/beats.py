"""Beats that a user names: of records and of tables, read when they are asked for."""

import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medjax.data import received, source_files, tables
from medjax.data.modality import Case, opened
from medjax.data.signals import records, series_table
from medjax.errors import UserError


def find(names: Sequence[str], details: Mapping[str, Any], length: int) -> list[Case]:
  """New beats: of a record each annotated one, or each that a detector finds; of a table each row.

  Args:
    names: WFDB headers, folders of them, and tables with or without a class in front.
    details: of the data that the network was trained on.
    length: samples of a beat.
  """

  def of_file(name: str) -> list[Case]:
    path = pathlib.Path(name)
    if path.name.lower().endswith(tables.ENDINGS):
      if len(details['leads']) > 1:
        raise UserError(
          f'{path}: has one lead, and the network was trained on {", ".join(details["leads"])}'
        )
      return _rows_as_cases(path, length)
    if received.inside():
      raise UserError(
        f'{path}: is no table; expected the record as JSON, since its files refer to each other'
      )
    if details['form'] == 'table':
      raise UserError(f'{path}: is a record, and the network was trained on tables of beats')
    return _record_as_cases(path, details)

  def of_name(name: str) -> list[Case]:
    return opened([str(path) for path in paths_of(name)], of_file)

  return opened(names, of_name)


def _rows_as_cases(path: pathlib.Path, length: int) -> list[Case]:
  def load(row: series_table.Row) -> dict[str, np.ndarray]:
    first = int(len(row.cells) == length + 1)
    return {'signal': series_table.samples(row, first, length)[:, None]}

  return [Case(row.where, functools.partial(load, row)) for row in series_table.read(path)]


def _record_as_cases(path: pathlib.Path, details: Mapping[str, Any]) -> list[Case]:
  return of_record(records.read(path, detect=True), str(path), details)


def of_record(record: records.Record, where: str, details: Mapping[str, Any]) -> list[Case]:
  """A case for each beat of a recording; one whose window is not whole says so.

  Args:
    record: as it was read.
    where: it is from, for names and errors.
    details: of the data that the network was trained on.

  Raises:
    UserError: it lacks a lead, or no beat was found.
  """
  received.require_cases(len(record.peaks))  # before it is made longer and cut into windows
  record = prepared(record, tuple(details['leads']) or record.leads[:1], details['rate'])
  beats = records.segment(record, details['before'], details['after'])
  signal_of = dict(zip(beats.number.tolist(), beats.signal, strict=True))

  def load(number: int, name: str) -> dict[str, np.ndarray]:
    if number not in signal_of:
      raise UserError(
        f'{name}: the record begins, ends or has a gap inside the window of this beat'
      )
    return {'signal': signal_of[number]}

  cases = []
  for number, peak in enumerate(record.peaks.tolist()):
    what = 'detected beat' if record.detected else 'beat'
    name = f'{where} {what} {number + 1} ({peak / record.rate:.3f} s)'
    cases.append(Case(name, functools.partial(load, number, name)))
  if not cases:
    raise UserError(f'{where}: no beat was found in it')
  return cases


def paths_of(name: str) -> list[pathlib.Path]:
  """The headers in a folder, or the file itself."""
  path = pathlib.Path(name) if received.inside() else source_files.source(name.strip())
  if not received.is_folder(path):
    return [path]
  headers = sorted(one for one in source_files.below(path) if one.name.endswith('.hea'))
  if not headers:
    raise UserError(f'{path}: no WFDB header (.hea) in this folder')
  return headers


def prepared(record: records.Record, leads: tuple[str, ...], rate: float) -> records.Record:
  """A record of these leads and at this rate, in standard deviations from its median."""
  return records.normalise(records.resample(records.select(record, leads), rate))
