"""Signals as examples, one heartbeat each: WFDB records, tables in UCR's form, or simulated.

A record is taken for a patient, whose beats are never on two sides of a split. In MIT-BIH, records
201 and 202 are of one man: give them in the same place. Leads are normalised over the whole record;
samples of a table are taken as they are.
"""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from medjax.config import setting
from medjax.data import dataset, labels, memory, split
from medjax.data.signals import beats as beat_files
from medjax.data.signals import records, series_table
from medjax.data.signals.modality import Signals
from medjax.errors import UserError

_SIMULATED_RATE = 125.0


@dataclasses.dataclass
class Config(dataset.Source):
  """Which signals, and how beats are cut out of them."""

  source: str = setting(
    'simulated',
    "'simulated', or joined by commas: WFDB headers, folders of them, tables of beats.",
  )
  test: str = setting('', 'Further ones, joined by commas, that are the test split.')
  classes: Literal['AAMI', 'symbols'] = setting(
    'AAMI', 'Whether annotated beats are put into five classes, N, S, V, F and Q.'
  )
  keep: tuple[str, ...] = setting((), 'Classes that are kept; empty keeps all.')
  leads: tuple[str, ...] = setting((), 'Leads of records that are taken; empty takes all.')
  rate: float = setting(0.0, 'Samples a second; 0 is that of the first record.', low=0.0, high=2e3)
  before: float = setting(0.8, 'Seconds before an R peak that are seen.', low=0.05, high=2.0)
  after: float = setting(0.45, 'Seconds after an R peak that are seen.', low=0.05, high=2.0)
  patients: Literal['separate', 'ignore'] = setting(
    'separate', 'Whether a split has all beats of a patient, or minutes are drawn one by one.'
  )
  positive: str = setting('', 'The positive one of two classes; empty tells it from the names.')
  allow_group_overlap: bool = setting(False, 'Accept identical beats in two given splits.')
  seed: int = setting(0, 'Seed of the simulator and of splits drawn here.', low=0, high=2**31 - 1)
  folds: int = setting(0, 'Parts of a cross-validation, one of which tests; 0 for none.', low=0)
  fold: int = setting(0, 'The part that tests, from 0.', low=0)
  simulated: int = setting(6000, 'Beats to simulate.', low=400)

  def validate(self) -> None:
    """Raises UserError for settings that contradict each other."""
    if self.folds and self.test:
      raise UserError('config.data.test and config.data.folds: expected one of them')


@dataclasses.dataclass(frozen=True)
class _Beat:
  """A beat before it is put into a split."""

  id: str
  signal: np.ndarray
  label: str
  patient: str
  split: str
  metadata: dict[str, str]
  minute: int = 0


def load(
  config: Config,
  *,
  simulator: Callable[..., Any] | None = None,
  classes: tuple[str, ...] = ('0', '1'),
) -> dataset.Dataset:
  """The beats that ``config.source`` names, as inputs [samples, leads].

  Args:
    config: the source and how to read it.
    simulator: (seed, index, rate, before, after) -> a dataclass with ``signal`` [samples, leads],
      ``label``, ``mask`` (bool [samples]), ``patient`` and scalars, which become metadata; stands
      behind 'simulated'.
    classes: names of the simulator's labels.

  Raises:
    UserError: one line that names the file and the row, and what was expected.

  Example:
    >>> data = load(Config(source='mitdb/', keep=('N', 'V')))  # doctest: +SKIP
  """
  if config.stored is not None:
    about = config.stored['details']
    modality = Signals(about, about['length'])
    return dataset.without_examples(config.stored, modality)
  masks: np.ndarray | None = None
  notes: list[str] = []
  if config.source == 'simulated':
    if simulator is None:
      raise UserError('config.data.source=simulated: this experiment simulates no signals')
    name = f'simulated ({simulator.__module__.rsplit(".", 1)[-1]})'
    rate = config.rate or _SIMULATED_RATE
    beats, masks = _simulated(config, simulator, classes, rate)
    details = _details(config, 'record', (), rate)
  else:
    name = ', '.join(pathlib.Path(part).name for part in config.source.split(','))
    beats, details, notes = _read(config)
  if config.keep:
    beats, more = _kept(config.keep, beats)
    notes += more
  texts = [beat.label for beat in beats]
  names = classes if masks is not None else labels.class_names(texts, config.positive, name)
  groups = [beat.patient for beat in beats]
  if config.patients == 'ignore':
    # Windows of neighbouring beats share samples, so that they stay together by the minute.
    groups = [f'{beat.patient} minute {beat.minute}' for beat in beats]
    patients = len({beat.patient for beat in beats})
    notes.append(
      f'PATIENTS IGNORED: minutes of {patients} patients are split, so that results hold for '
      'further beats of these patients and not for others; beats at the edges of a minute may '
      'share samples with the next'
    )
  splits, more = _splits(config, beats, texts, groups, details['form'])
  notes += more
  if len(names) == 2:
    notes.append(f'positive class: {names[1]}')
  signal = np.stack([beat.signal for beat in beats])
  number = {text: i for i, text in enumerate(names)}
  label = np.array([number[text] for text in texts], np.int32)
  parts = memory.splits(
    splits,
    {'signal': signal},
    id=[beat.id for beat in beats],
    label=label,
    group=groups,
    metadata=[beat.metadata for beat in beats],
  )
  content = hashlib.blake2b(signal.tobytes(), digest_size=8)
  content.update(json.dumps([[beat.id for beat in beats], texts, splits, names]).encode())
  details['length'] = signal.shape[1]
  data = dataset.Dataset(
    name,
    parts,
    tuple(names),
    content.hexdigest(),
    masks is not None,
    Signals(details, signal.shape[1]),
    tuple(notes),
    details=details,
  )
  if masks is None:
    return data

  def truth(part: str, row: int) -> np.ndarray:
    return masks[int(data.splits[part].metadata['index'][row])]

  return dataclasses.replace(data, truth=truth)


def _details(config: Config, form: str, leads: tuple[str, ...], rate: float) -> dict[str, Any]:
  return {
    'form': form,
    'leads': list(leads),
    'rate': rate,
    'before': config.before,
    'after': config.after,
  }


def _simulated(
  config: Config, simulator: Callable[..., Any], classes: tuple[str, ...], rate: float
) -> tuple[list[_Beat], np.ndarray]:
  """Beats, normalised by patient as records are, and masks of what makes them abnormal."""
  cases = [
    simulator(config.seed, index, rate, config.before, config.after)
    for index in range(config.simulated)
  ]
  signal = np.stack([case.signal for case in cases])
  patients = np.array([case.patient for case in cases])
  for patient in np.unique(patients):
    of = patients == patient
    signal[of] = (signal[of] - np.median(signal[of])) / signal[of].std()
  beats = []
  for index, case in enumerate(cases):
    scalars = {
      field.name: f'{value:.3f}' if isinstance(value, float) else str(value)
      for field in dataclasses.fields(case)
      for value in [getattr(case, field.name)]
      if field.name not in ('label', 'patient') and not isinstance(value, np.ndarray)
    }
    beats.append(
      _Beat(
        f'simulated-{index:06d}', signal[index], classes[case.label], case.patient, '',
        {'index': str(index), **scalars}, index,
      )
    )  # fmt: skip
  return beats, np.stack([case.mask for case in cases])


def _read(config: Config) -> tuple[list[_Beat], dict[str, Any], list[str]]:
  """Beats of all files, what new ones need, and notes."""
  train, test = (
    [path for name in sources.split(',') if name.strip() for path in beat_files.paths_of(name)]
    for sources in (config.source, config.test)
  )
  named = [(path, 'train' if config.test else '') for path in train]
  named += [(path, 'test') for path in test]
  tables = [path.name.lower().endswith(series_table.ENDINGS) for path, _ in named]
  if all(tables):
    return _of_tables(config, named)
  if any(tables):
    raise UserError(f'config.data.source={config.source}: expected records or tables, not both')
  return _of_records(config, named)


def _of_tables(
  config: Config, named: Sequence[tuple[pathlib.Path, str]]
) -> tuple[list[_Beat], dict[str, Any], list[str]]:
  beats: list[_Beat] = []
  first: dict[bytes, str] = {}
  length = 0
  for path, where in named:
    for row in series_table.read(path):
      values = series_table.samples(row, 1, length)
      length = len(values)
      name = f'{path.name}:{row.line}'
      same = first.setdefault(values.tobytes(), name)
      beats.append(_Beat(name, values[:, None], series_table.label(row), same, where, {}))
  _require_unique([beat.id for beat in beats])
  notes = ['a table does not say whose a beat is: each row counts as a patient of its own']
  if len(first) < len(beats):
    notes.append(f'{len(beats) - len(first)} rows are copies of others, with which they stay')
  return beats, _details(config, 'table', (), config.rate), notes


def _of_records(
  config: Config, named: Sequence[tuple[pathlib.Path, str]]
) -> tuple[list[_Beat], dict[str, Any], list[str]]:
  beats: list[_Beat] = []
  leads, rate, notes = tuple(config.leads), config.rate, []
  _require_unique([path.stem for path, _ in named])
  at_edge = missing = resampled = 0
  for path, where in named:
    record = records.read(path)
    leads, rate = leads or record.leads, rate or record.rate
    resampled += record.rate != rate
    seconds = record.peaks / record.rate
    record = beat_files.prepared(record, leads, rate)
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
      beats.append(_Beat(name, signal, text, record.name, where, metadata, minute))
  if not beats:
    raise UserError(f'config.data.source={config.source}: no beat whose whole window is recorded')
  notes.append(f'{len(beats)} beats of {len(named)} records, leads {", ".join(leads)}, {rate:g} Hz')
  if at_edge or missing:
    notes.append(
      f'{at_edge} beats left out at the ends of records, and {missing} with missing samples'
    )
  if resampled:
    notes.append(f'{resampled} records have another rate and were resampled')
  return beats, _details(config, 'record', leads, rate), notes


def _kept(keep: Sequence[str], beats: Sequence[_Beat]) -> tuple[list[_Beat], list[str]]:
  """Beats of these classes, and how many there are of others."""
  names = sorted({beat.label for beat in beats})
  for name in keep:
    if name not in names:
      raise UserError(f'config.data.keep={name}: expected some of {", ".join(names)}')
  kept = [beat for beat in beats if beat.label in keep]
  return kept, [f'{len(beats) - len(kept)} beats of other classes than {", ".join(keep)} left out']


def _splits(
  config: Config,
  beats: Sequence[_Beat],
  texts: Sequence[str],
  groups: Sequence[str],
  form: str,
) -> tuple[list[str], list[str]]:
  given = [beat.split for beat in beats]
  trained = {group for group, where in zip(groups, given, strict=True) if where != 'test'}
  if form == 'record' and len(trained) == 1:
    raise UserError(
      f'config.data.source={config.source}: one patient, {min(trained)}, and splits are by '
      'patient; expected several records, or config.data.patients=ignore, which splits by minutes'
    )
  allow = config.allow_group_overlap
  return split.choose(config, texts, groups, given, 'the files', allow_overlap=allow)


def _require_unique(names: Sequence[str]) -> None:
  seen: set[str] = set()
  for name in names:
    if name in seen:
      raise UserError(f'{name}: is given twice; expected every record and table once')
    seen.add(name)
