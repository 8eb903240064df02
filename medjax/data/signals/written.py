"""Signals in JSON: rows of samples, and recordings whose beats are looked for."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medjax.data import received
from medjax.data.modality import Case, of_json, unreadable
from medjax.data.signals import beats, records
from medjax.errors import UserError

_MOST = 2**22  # samples of a recording: three hours at 360 a second
_FASTEST = 1e6  # samples a second
_LARGEST = 1e6  # millivolts


def find(values: Sequence[Any], details: Mapping[str, Any], length: int) -> list[Case]:
  """A case for each row of samples, or for each beat of recordings.

  Args:
    values: lists of numbers, where the network was trained on a table; otherwise objects with
      'rate' (samples a second), 'signals' (numbers by lead, null where nothing was measured) and
      perhaps 'peaks' (sample of each beat, from 0).
    details: of the data that the network was trained on.
    length: samples of a beat.
  """
  if details['form'] == 'table':

    def row(name: str, value: list[Any]) -> Case:
      signal = _numbers(name, value)
      if len(signal) != length or not np.isfinite(signal).all():
        raise UserError(f'{name}: {len(signal)} samples; expected {length}, all of them numbers')
      return Case(name, lambda: {'signal': signal[:, None]})

    return of_json(values, list, f'a list of {length} samples', row)
  cases: list[Case] = []
  for number, value in enumerate(values, start=1):
    name = f'case {number}'
    try:
      cases += beats.of_record(_record(name, value, details['rate']), name, details)
    except UserError as error:
      cases.append(unreadable(name, error))
    received.require_cases(len(cases))
  return cases


def _record(name: str, value: Any, trained: float) -> records.Record:
  """A recording, which at the rate that the network was trained on is not too long either."""
  if not isinstance(value, dict) or not isinstance(value.get('signals'), dict):
    raise UserError(f'{name}: expected an object with rate and signals, which are lists by lead')
  rate, given = value.get('rate'), value['signals']
  if isinstance(rate, bool) or not isinstance(rate, int | float) or not 1 <= rate <= _FASTEST:
    raise UserError(f'{name}: rate is no number from 1 to {_FASTEST:g}; expected samples a second')
  columns = {lead: _numbers(f'{name} {lead}', given[lead]) for lead in given}
  if rate < trained and sum(map(len, columns.values())) * trained > _MOST * rate:
    raise UserError(
      f'{name}: rate {rate:g} becomes {trained:g} samples a second, which are more than {_MOST} in '
      'all; expected a shorter recording'
    )
  lengths = {len(column) for column in columns.values()}
  if len(lengths) != 1 or not lengths.isdisjoint({0}) or sum(map(len, columns.values())) > _MOST:
    raise UserError(f'{name}: expected leads of equal length, with at most {_MOST} samples in all')
  signal = np.stack(list(columns.values()), axis=1)
  (count,) = lengths
  if 'peaks' in value:
    peaks = _peaks(name, value['peaks'], count)
  else:
    peaks = records.detected(pathlib.Path(name), signal[:, 0], float(rate))
  symbols = ('',) * len(peaks)
  return records.Record(
    name, name, signal, tuple(columns), float(rate), peaks, symbols, 'peaks' not in value
  )


def _numbers(where: str, value: Any) -> np.ndarray:
  """Samples, float32 [L], NaN for null."""
  if not isinstance(value, list):
    raise UserError(f'{where}: is no list; expected samples')
  if len(value) > _MOST:
    raise UserError(f'{where}: {len(value)} samples; expected at most {_MOST}')
  for place, one in enumerate(value):
    if one is None:
      continue
    if isinstance(one, bool) or not isinstance(one, int | float) or not abs(one) <= _LARGEST:
      raise UserError(f'{where} sample {place + 1}: is no number within {_LARGEST:g} of 0')
  return np.array([np.nan if one is None else one for one in value], np.float32)


def _peaks(name: str, value: Any, count: int) -> np.ndarray:
  good = isinstance(value, list) and all(
    isinstance(one, int) and not isinstance(one, bool) and 0 <= one < count for one in value
  )
  if not good or sorted(set(value)) != value:
    raise UserError(f'{name}: peaks; expected numbers of samples from 0 to {count - 1}, rising')
  return np.array(value, np.int64)
