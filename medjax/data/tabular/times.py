"""Labels of survival: the time of an event, or the end of observation where it was not seen."""

import math
from typing import Any

import numpy as np

from medjax.data import split, tables
from medjax.data.missing import Missing
from medjax.data.tabular.rows import Table
from medjax.data.tabular.target import Target
from medjax.errors import UserError
from medjax.evaluation import kaplan_meier

EVENTS = {
  '1': True, '1.0': True, 'true': True, 'yes': True, 'dead': True, 'event': True,
  '0': False, '0.0': False, 'false': False, 'no': False, 'alive': False, 'censored': False,
}  # fmt: skip
"""Words for the event and for censoring, in lower case."""

_EXPECTED = '1 or 0, true or false, yes or no, dead or alive, event or censored'


def times_and_events(table: Table, time_column: str, event_column: str, missing: Missing) -> Target:
  """Labels of two columns.

  Rows without a time or without a word on the event are left out. Splits are alike in the share of
  events and in their times.

  Args:
    table: with these columns.
    time_column: name of that of times, numbers of at least 0.
    event_column: name of that of words on the event; see ``EVENTS``.
    missing: which words mean that there is none.

  Returns:
    Labels ``{'time': float32 [N], 'event': bool [N]}``; details have ``horizons`` (see
    ``usual_horizons``), ``event_times``, the percentiles 0 to 100 of the times of training rows
    with the event, and ``event_survival``, the Kaplan-Meier curve of the training rows at these
    times.

  Raises:
    UserError: a column is missing, a time is no number of at least 0, an event is none of the
      words, no row is complete, or later, no training row has the event.
  """
  time_name, event_name = table.column(time_column), table.column(event_column)
  if time_name == event_name:
    raise UserError(
      f'config.data.time_column and config.data.event_column are both {time_name!r}; expected '
      'two columns'
    )
  rows, times, events = [], [], []
  for line, row in table.rows:
    if any(missing.number(row[name]) for name in (time_name, event_name)):
      continue
    where = f'{table.where} row {line}'
    times.append(_time(row[time_name], f'{where}: {time_name}'))
    events.append(_event(row[event_name], f'{where}: {event_name}'))
    rows.append((line, row))
  if not rows:
    raise UserError(f'{table.where}: no row has both {time_name} and {event_name}')
  label = {'time': np.array(times, np.float32), 'event': np.array(events, bool)}
  left, at_start = len(table.rows) - len(rows), times.count(0.0)
  shared = sum(events) - len({time for time, event in zip(times, events, strict=True) if event})
  notes = [f'{left} rows without {time_name} or {event_name} left out'] if left else []
  notes += [f'{at_start} rows have {time_name} 0'] if at_start else []
  tied = f', {shared} of them at the time of another one' if shared else ''
  notes.append(f'{sum(events)} of {len(rows)} rows have the event{tied}')

  def details(in_train: np.ndarray) -> dict[str, Any]:
    time, event = label['time'][in_train].astype(str).astype(np.float64), label['event'][in_train]
    if not event.any():
      raise UserError(
        f'{table.where}: no row of split train has the event by column {event_name!r}; expected '
        'at least one'
      )
    percentiles = np.percentile(time[event], np.arange(101))
    survival = kaplan_meier(time, event).at(percentiles)
    return {
      'time': time_name,
      'event': event_name,
      'horizons': usual_horizons(label['time'][label['event']]),
      'event_times': percentiles.tolist(),
      'event_survival': survival.tolist(),
    }

  quarters = split.quarters(label['time'])
  return Target(
    [time_name, event_name],
    rows,
    label,
    [f'{row[time_name]} {row[event_name]}' for _, row in rows],
    details,
    strata=[f'{event}{quarter}' for event, quarter in zip(events, quarters, strict=True)],
    notes=tuple(notes),
  )


def usual_horizons(times: np.ndarray) -> list[float]:
  """Times at which survival is told where nobody names any: quartiles of times of events, to two
  digits.

  They are of all rows, whatever the split, so that folds are told of at the same times; nothing is
  trained by them.

  Example:
    >>> usual_horizons(np.linspace(0, 1234, 101))
    [310.0, 620.0, 930.0]
  """
  quartiles = np.quantile(times, [0.25, 0.5, 0.75]).tolist()
  return sorted({float(f'{time:.2g}') for time in quartiles if time > 0})


def _time(cell: str, where: str) -> float:
  time = tables.parse_number(cell)
  if time is None or math.isnan(time) or not 0 <= time <= tables.LARGEST:
    raise UserError(f'{where} is {cell!r}; expected a number of at least 0')
  return time


def _event(cell: str, where: str) -> bool:
  if cell.lower() not in EVENTS:
    raise UserError(f'{where} is {cell!r}; expected {_EXPECTED}')
  return EVENTS[cell.lower()]
