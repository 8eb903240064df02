"""Samples of WFDB records, decoded by the package wfdb and checked against the header."""

import math
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from medjax.data import source_files
from medjax.data.quote import short
from medjax.data.signals import header as headers
from medjax.data.signals.header import BYTES, Header, Signal
from medjax.errors import UserError

# A day of 12 leads at 1000 samples a second; where no file is as large (gaps, compression), a
# quarter of that.
_MOST, _MOST_UNSEEN = 2**30, 2**28
_LARGEST = 1e18  # what float32 can square


def read(header: Header) -> tuple[np.ndarray, tuple[str, ...], list[str]]:
  """The samples of a record, in one piece or of segments.

  Args:
    header: of the record.

  Returns:
    float32 [samples, leads] in the unit of the header, NaN where nothing was measured; the names of
    the leads; and notes.

  Raises:
    UserError: a file is missing, shorter than the header says or damaged, the header's checksum is
      not that of the samples, or segments do not fit together.
  """
  if not header.segments:
    signal, notes = _checked(header)
    return signal, tuple(one.lead for one in header.signals), notes
  return _joined(header)


def _joined(header: Header) -> tuple[np.ndarray, tuple[str, ...], list[str]]:
  """Segments one after the other; gaps, and leads that a segment lacks, are NaN.

  Where the first has no samples, it names the leads of all, else all have the same.
  """
  parts = [
    (headers.read(header.path.with_name(f'{name}.hea')) if name != '~' else None, length)
    for name, length in header.segments
  ]
  for part, length in parts:
    if part is not None and (part.segments or part.rate != header.rate or part.length != length):
      raise UserError(
        f'{part.path}: is no segment of {length} samples at {header.rate:g} a second, as '
        f'{header.path.name} says'
      )
  named = next((part for part, _ in parts if part is not None), None)
  if named is None:
    raise UserError(f'{header.path}: has no signal')
  leads = tuple(one.lead for one in named.signals)
  total = sum(length for _, length in parts)
  if header.length not in (0, total):
    raise UserError(
      f'{header.path}: names {header.length} samples, and its segments have {total}; '
      'expected as many'
    )
  if total * len(leads) > _MOST_UNSEEN:
    raise UserError(f'{header.path}: {total} samples; expected at most {_MOST_UNSEEN} in all leads')
  whole = np.full((total, len(leads)), np.nan, np.float32)
  notes: list[str] = []
  start = 0
  for part, length in parts:
    if part is not None and length:
      signal, new_notes = _checked(part)
      notes += [*part.notes, *new_notes]
      own = [one.lead for one in part.signals]
      unknown = next((lead for lead in own if lead not in leads), None)
      if unknown is not None:
        raise UserError(
          f'{part.path}: lead {short(unknown)!r}; expected some of those of the first'
        )
      columns = list(range(len(own))) if tuple(own) == leads else list(map(leads.index, own))
      whole[start : start + length, columns] = signal
    start += length
  return whole, leads, list(dict.fromkeys(notes))


def _checked(header: Header) -> tuple[np.ndarray, list[str]]:
  """The samples of a record in one piece, float32 [samples, leads], and notes."""
  _require_size(header)
  record = _decoded(header, ignore_skew=True)
  unsure = False
  for lead, values, one in zip(
    [one.lead for one in header.signals], record.e_d_signal, header.signals, strict=True
  ):
    found = int(np.sum(values, dtype=np.int64)) & 0xFFFF
    # Some programs write 0 and count nothing.
    unsure |= one.checksum is None or (one.checksum == 0 and found != 0)
    if one.checksum and found != one.checksum & 0xFFFF:
      raise UserError(
        f'{header.path.parent / one.file}: lead {short(lead)!r} adds up to {found}, and '
        f'{header.path.name} says {one.checksum & 0xFFFF}; one of them is damaged'
      )
  if any(one.skew for one in header.signals):
    record = _decoded(header, ignore_skew=False)
  # As read here: wfdb takes what it can of a field, and drops letters that are not ASCII.
  record.adc_gain = [one.gain for one in header.signals]
  record.baseline = [one.baseline for one in header.signals]
  signal = guarded(header.path, lambda: _physical(record))
  if not len(signal):
    raise UserError(f'{header.path}: has no signal')
  if np.nanmax(np.abs(signal), initial=0) > _LARGEST:
    raise UserError(f'{header.path}: values beyond {_LARGEST:g}; expected another gain')
  notes = ['no checksum in the header, so that damage to the samples would not be seen']
  return signal.astype(np.float32), notes if unsure else []


def _physical(record: Any) -> np.ndarray:
  record.dac(expanded=True, inplace=True)
  return record.smooth_frames('physical')


def _require_size(header: Header) -> None:
  """Sees that files are as large as the header says, before there is room made for samples."""
  files: dict[str, list[Signal]] = {}
  for one in header.signals:
    files.setdefault(one.file, []).append(one)
  for name, signals in files.items():
    path = header.path.parent / name
    if path.parent != header.path.parent or not source_files.is_file(path):
      raise UserError(f'{path}: no such file; {header.path.name} names it for samples')
    if len({(one.format, one.offset) for one in signals}) > 1:
      raise UserError(f'{header.path}: {name} has several formats; expected one a file')
    frame = sum(one.each for one in signals)
    needed = math.ceil(header.length * frame * BYTES[signals[0].format]) + signals[0].offset
    if source_files.size(path) < needed:
      raise UserError(
        f'{path}: has {source_files.size(path)} bytes; expected {needed} for the {header.length} '
        f'samples that {header.path.name} names'
      )
  samples = header.length * sum(one.each for one in header.signals)
  seen = all(BYTES[one.format] for one in header.signals)
  most = _MOST if seen else _MOST_UNSEEN
  if samples > most:
    raise UserError(f'{header.path}: {samples} samples; expected at most {most} in all leads')
  if header.length and max(one.skew for one in header.signals) >= header.length:
    raise UserError(f'{header.path}: a skew beyond the {header.length} samples of the record')


def _decoded(header: Header, *, ignore_skew: bool) -> Any:
  wfdb = package()
  names = dict.fromkeys([header.path.name, *(one.file for one in header.signals)])
  with source_files.on_a_path(header.path, list(names)) as path:
    stem = str(path.with_suffix(''))
    record = guarded(
      header.path,
      lambda: wfdb.rdrecord(stem, physical=False, smooth_frames=False, ignore_skew=ignore_skew),
    )
  if record.e_d_signal is None or len(record.e_d_signal) != len(header.signals):
    raise UserError(f'{header.path}: has no signal')
  return record


def package() -> Any:
  """The package wfdb.

  Raises:
    UserError: it is not installed.
  """
  try:
    import wfdb
    import wfdb.processing
  except ImportError as error:
    raise UserError(
      f"WFDB records need the package wfdb ({error}): pip install 'medjax[bio]'"
    ) from None
  return wfdb


def guarded(path: pathlib.Path, read: Callable[[], Any]) -> Any:
  """What ``read`` gives; a damaged file stops the package in many ways.

  Raises:
    UserError: it failed; ``path`` says of what.
  """
  try:
    return read()
  except MemoryError:
    raise UserError(f'{path}: has more samples than there is memory') from None
  except Exception as error:
    reason = (str(error).splitlines() or [''])[0] or type(error).__name__
    raise UserError(f'{path}: cannot be read as part of a WFDB record: {short(reason)}') from None
