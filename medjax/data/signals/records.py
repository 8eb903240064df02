"""Heart signals in WFDB records, as PhysioNet gives them: header, samples and annotated beats.

References:
  Goldberger et al. (2000), PhysioBank, PhysioToolkit, and PhysioNet, Circulation 101:e215-e220.
  Moody and Mark (2001), The impact of the MIT-BIH Arrhythmia Database, IEEE Engineering in Medicine
    and Biology 20:45-50.
  ANSI/AAMI EC57 (1998), Testing and reporting performance results of cardiac rhythm and ST segment
    measurement algorithms (the five classes).
  de Chazal, O'Dwyer and Reilly (2004), Automatic classification of heartbeats using ECG morphology
    and heartbeat interval features, IEEE TBME 51:1196-1206 (which symbol is of which class).
"""

import dataclasses
import fractions
import pathlib

import numpy as np
import scipy

from medjax.data import source_files
from medjax.data.quote import short
from medjax.data.signals import annotations, samples
from medjax.data.signals import header as headers
from medjax.errors import UserError

# Symbols of beats by AAMI class: normal (and bundle branch block, and escape beats of the atria and
# the node), supraventricular ectopic, ventricular ectopic, fusion, and paced or unclassified.
AAMI = {'N': 'NLRBej', 'S': 'AaJSn', 'V': 'VEr', 'F': 'F', 'Q': '/fQ?'}
_MOST = 2**30  # samples in memory
_SLOWEST = 40  # Hz: the detector looks at 5 to 20 Hz
_CLASS = {symbol: name for name, symbols in AAMI.items() for symbol in symbols}


@dataclasses.dataclass(frozen=True)
class Record:
  """One recording of one patient.

  Attributes:
    name: of the record; taken for the patient.
    path: of its header.
    signal: float32 [samples, leads], millivolts or whatever unit the header says; NaN where nothing
      was measured.
    leads: their names.
    rate: samples a second.
    peaks: sample of each beat, int64 [beats], rising.
    symbols: annotation of each beat, such as 'N'; '' where a detector found it.
    detected: whether a detector found the beats, as no one annotated them.
    notes: what was assumed while it was read.
  """

  name: str
  path: str
  signal: np.ndarray
  leads: tuple[str, ...]
  rate: float
  peaks: np.ndarray
  symbols: tuple[str, ...]
  detected: bool = False
  notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Beats:
  """Windows around the beats of one record.

  Attributes:
    signal: float32 [beats, L, leads].
    number: place of each among the record's beats, int64 [beats].
    at_edge: beats left out because the record begins or ends inside their window.
    missing: beats left out because samples are missing in their window.
  """

  signal: np.ndarray
  number: np.ndarray
  at_edge: int
  missing: int


def aami(symbol: str) -> str:
  """The AAMI class of the symbol of a beat.

  Example:
    >>> [aami(symbol) for symbol in 'NLAVF/']
    ['N', 'N', 'S', 'V', 'F', 'Q']
  """
  return _CLASS[symbol]


def read(path: pathlib.Path, *, detect: bool = False) -> Record:
  """Reads a record with its beats: annotations of rhythm, noise and so on are left out.

  Annotations have the time resolution that their file says, or else that of the record.

  Args:
    path: of the header, with or without its ending.
    detect: where there is no .atr file, look for R peaks in the first lead with ``wfdb``'s XQRS.

  Raises:
    UserError: a file is missing or damaged, or there is no annotation and ``detect`` is False.

  Example:
    >>> read(pathlib.Path('mitdb/100.hea')).symbols.count('N')      # doctest: +SKIP
    2239
  """
  samples.package()  # before anything is read
  stem = path.with_suffix('') if path.suffix in ('.hea', '.dat', '.atr') else path
  header = headers.read(stem.with_name(f'{stem.name}.hea'))
  signal, leads, notes = samples.read(header)
  notes = [*header.notes, *notes]
  atr = stem.with_name(f'{stem.name}.atr')
  if source_files.is_file(atr):
    annotated = annotations.read(atr)
    peaks, symbols = annotated.samples(header.rate), annotated.symbols
    if annotated.resolution not in (0, header.rate):
      notes.append('annotations have a time resolution of their own, of which samples were made')
  elif detect:
    peaks = detected(header.path, signal[:, 0], header.rate)
    symbols = ('',) * len(peaks)
  else:
    raise UserError(f'{atr}: no such file; expected annotations that say what each beat is')
  return Record(
    stem.name, str(header.path), signal, leads, header.rate, peaks, symbols,
    not source_files.is_file(atr), tuple(notes),
  )  # fmt: skip


def select(record: Record, leads: tuple[str, ...]) -> Record:
  """The record with these leads in this order.

  Raises:
    UserError: it lacks one, or has several of that name.
  """
  if leads == record.leads:  # by place: names may come twice
    return record
  for lead in leads:
    if lead not in record.leads:
      there = short(', '.join(record.leads))
      raise UserError(
        f'{record.path}: no lead {short(lead)!r} (it has {there}); config.data.leads names those '
        'that every record has'
      )
    if record.leads.count(lead) > 1:
      raise UserError(
        f'{record.path}: several leads are called {short(lead)!r}; expected one, or all'
      )
  signal = record.signal[:, [record.leads.index(lead) for lead in leads]]
  return dataclasses.replace(record, signal=signal, leads=leads)


def resample(record: Record, rate: float) -> Record:
  """The record at another rate, by a polyphase filter; missing samples stay missing.

  Raises:
    UserError: the rates are too far apart.

  Example:
    >>> record = Record('a', 'a.hea', np.zeros((720, 1)), ('MLII',), 360.0, np.array([72]), ('N',))
    >>> new = resample(record, 250.0)
    >>> new.signal.shape, new.peaks.tolist()
    ((500, 1), [50])
  """
  if rate == record.rate:
    return record
  ratio = fractions.Fraction(rate / record.rate).limit_denominator(1000)
  up, down = ratio.numerator, ratio.denominator
  if not 1 <= 1000 * up <= 10**6 * down or record.signal.size * up > _MOST * down:
    raise UserError(
      f'{record.path}: {record.rate:g} samples a second cannot be made {rate:g}; expected another '
      'config.data.rate'
    )
  holes = np.isnan(record.signal)
  # The median is near the baseline: padding with zeros would ring at the ends.
  level = _median(record.signal)
  centred = np.where(holes, 0, record.signal - level)
  signal = scipy.signal.resample_poly(centred, up, down, axis=0) + level
  if holes.any():
    old = np.minimum(np.arange(len(signal)) * down // up, len(holes) - 1)
    signal[holes[old]] = np.nan
  peaks = np.rint(record.peaks * up / down).astype(np.int64)
  return dataclasses.replace(record, signal=signal.astype(np.float32), peaks=peaks, rate=rate)


def normalise(record: Record) -> Record:
  """The record with median 0 and standard deviation 1 in each lead; a flat lead becomes zeros."""
  spread = np.ones(record.signal.shape[1])
  measured = ~np.isnan(record.signal).all(axis=0)
  # A record has a million samples, of whose sum float32 knows three digits.
  spread[measured] = np.nanstd(record.signal[:, measured], axis=0, dtype=np.float64)
  signal = (record.signal - _median(record.signal)) / np.where(spread > 0, spread, 1)
  return dataclasses.replace(record, signal=signal.astype(np.float32))


def _median(signal: np.ndarray) -> np.ndarray:
  """Of each lead [leads]; 0 where nothing was measured."""
  median = np.zeros(signal.shape[1], signal.dtype)
  measured = ~np.isnan(signal).all(axis=0)
  median[measured] = np.nanmedian(signal[:, measured], axis=0)
  return median


def segment(record: Record, before: float, after: float) -> Beats:
  """Windows around the beats.

  Args:
    record: with its peaks.
    before: seconds before the R peak.
    after: seconds from the R peak on.

  Returns:
    The beats whose window is inside the record and complete, and the number of the others.

  Raises:
    UserError: a window has fewer than two samples, or all of them take too much memory.

  Example:
    >>> record = Record('a', 'a.hea', np.arange(10.0)[:, None], ('MLII',), 1.0, np.array([1, 5]),
    ...                 ('N', 'V'))
    >>> beats = segment(record, 2, 3)
    >>> beats.signal[:, :, 0].tolist(), beats.number.tolist(), beats.at_edge
    ([[3.0, 4.0, 5.0, 6.0, 7.0]], [1], 1)
  """
  left, right = window(record.rate, before, after)
  inside = (record.peaks >= left) & (record.peaks + right <= len(record.signal))
  number = np.flatnonzero(inside)
  if not 2 <= left + right <= _MOST // max(1, len(number) * record.signal.shape[1]):
    raise UserError(
      f'{record.path}: {left + right} samples around each of {len(number)} beats; expected two or '
      'more and no more than memory holds: see config.data.rate, before and after'
    )
  places = record.peaks[number][:, None] + np.arange(-left, right)
  signal = record.signal[places].astype(np.float32)
  whole = np.isfinite(signal).all(axis=(1, 2))
  return Beats(signal[whole], number[whole], int((~inside).sum()), int((~whole).sum()))


def window(rate: float, before: float, after: float) -> tuple[int, int]:
  """Samples before the R peak, and from it on.

  Example:
    >>> window(360, 0.25, 0.45)
    (90, 162)
  """
  return round(before * rate), round(after * rate)


def detected(path: pathlib.Path, signal: np.ndarray, rate: float) -> np.ndarray:
  """R peaks by XQRS, a detector that learns the patient's complexes as it goes, int64 [beats].

  Args:
    path: where the signal is from, for errors.
    signal: of one lead, float32 [samples].
    rate: samples a second.

  Raises:
    UserError: it is too short, too slow or empty, or ``wfdb`` is not installed.
  """
  wfdb = samples.package()
  if rate <= _SLOWEST:
    raise UserError(
      f'{path}: {rate:g} samples a second are too few to find beats; expected more than '
      f'{_SLOWEST}, or annotations (.atr)'
    )
  if len(signal) < rate or not np.isfinite(signal).any():
    raise UserError(
      f'{path}: {np.isfinite(signal).sum()} samples in the first lead are too few to find beats; '
      'expected a second or more, or annotations (.atr)'
    )
  filled = np.nan_to_num(signal, nan=float(_median(signal[:, None])[0]))
  found = samples.guarded(path, lambda: wfdb.processing.xqrs_detect(filled, rate, verbose=False))
  return np.asarray(found, np.int64)
