"""DNA, RNA and proteins as examples: FASTA files, tables with a sequence column, or simulated."""

import collections
import dataclasses
import hashlib
import json
import pathlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from medjax.config import setting
from medjax.data import dataset, labels, memory, split, tables
from medjax.data.sequences import alphabet as alphabets
from medjax.data.sequences import fasta, similar
from medjax.data.sequences.alphabet import Alphabet
from medjax.data.sequences.encoder import Encoder, fit
from medjax.data.sequences.modality import TABLES, Sequences
from medjax.errors import UserError


@dataclasses.dataclass
class Config(dataset.Source):
  """Which sequences, and what says their class."""

  source: str = setting(
    'simulated',
    "'simulated', or files joined by commas: FASTA or tables, all with labels or one a class.",
  )
  test: str = setting('', 'Further files, joined by commas, that are the test split.')
  label_pattern: str = setting(
    '', 'Regular expression whose group in a FASTA header is the class; empty: one file a class.'
  )
  label_column: str = setting('label', 'Column of a table with the class or number.')
  labels: Literal['classes', 'numbers', 'several'] = setting(
    'classes', 'What labels are: one class each, numbers, or several classes at once.'
  )
  label_separator: str = setting('', 'What joins the classes of one label; empty: nothing does.')
  sequence_column: str = setting('sequence', 'Column of a table with the sequence.')
  alphabet: Literal['auto', 'DNA', 'RNA', 'protein'] = setting('auto', 'Letters; auto looks.')
  length: int = setting(0, 'Letters that the network sees; 0 is the longest sequence.', low=0)
  keep: Literal['middle', 'ends'] = setting(
    'middle', 'Which letters of a longer sequence it sees: the middle, or half from either end.'
  )
  varying: bool = setting(
    False, 'Keep only the places at which training sequences differ, for variants of one sequence.'
  )
  similar: Literal['near', 'identical'] = setting(
    'near',
    'Sequences that never straddle a split: near copies, or identical ones only, as for variants '
    'of one protein.',
  )
  both_strands: bool = setting(False, 'Whether a reverse complement is a copy of a sequence.')
  positive: str = setting('', 'The positive one of two classes; empty tells it from the names.')
  allow_group_overlap: bool = setting(False, 'Accept near copies in two given splits.')
  seed: int = setting(0, 'Seed of the simulator and of splits drawn here.', low=0, high=2**31 - 1)
  folds: int = setting(0, 'Parts of a cross-validation, one of which tests; 0 for none.', low=0)
  fold: int = setting(0, 'The part that tests, from 0.', low=0)
  simulated: int = setting(10_000, 'Sequences to simulate.', low=50)

  def validate(self) -> None:
    """Raises UserError for settings that contradict each other."""
    if self.labels == 'several' and not self.label_separator:
      raise UserError('config.data.labels=several: expected config.data.label_separator with it')
    if self.folds and self.test:
      raise UserError('config.data.test and config.data.folds: expected one of them')


@dataclasses.dataclass(frozen=True)
class _Read:
  """A sequence before it is encoded."""

  id: str
  sequence: str
  label: str
  split: str
  where: str
  metadata: dict[str, str]


def load(
  config: Config,
  *,
  simulator: Callable[[int, int], Any] | None = None,
  classes: tuple[str, ...] = ('0', '1'),
  letters: Alphabet = alphabets.DNA,
  motifs: Mapping[str, np.ndarray] | None = None,
) -> dataset.Dataset:
  """The sequences that ``config.source`` names, as one-hot inputs [L, letters].

  Args:
    config: the source and how to read it.
    simulator: (seed, index) -> a dataclass with ``sequence``, ``label`` (from 0), ``mask`` (bool
      [length]) and scalars, which become metadata; stands behind 'simulated'.
    classes: names of the simulator's labels.
    letters: the simulator's.
    motifs: what the simulator plants, position weight matrices by name.

  Returns:
    The data set. Sequences shorter than the longest are padded at the end, with inputs of zeros.

  Raises:
    UserError: one line that names the file and the line, and what was expected.

  Example:
    >>> data = load(Config(source='sites.fa', label_pattern='class:([01])'))  # doctest: +SKIP
  """
  if config.stored is not None:
    encode = Encoder.from_details(config.stored['details'])
    modality = Sequences(encode, config.sequence_column)
    return dataset.without_examples(config.stored, modality)
  notes: list[str] = []
  if config.source == 'simulated':
    if simulator is None:
      raise UserError('config.data.source=simulated: this experiment simulates no sequences')
    cases = [simulator(config.seed, index) for index in range(config.simulated)]
    read = [_simulated(case, index, classes) for index, case in enumerate(cases)]
    name = f'simulated ({simulator.__module__.rsplit(".", 1)[-1]})'
  else:
    read, notes = _read(config, config.source, '')
    test, more = _read(config, config.test, 'test')
    ids = {one.id for one in read}
    read += [
      dataclasses.replace(one, id=f'{one.id} (test)') if one.id in ids else one for one in test
    ]
    notes += more
    name = ', '.join(pathlib.Path(part).name for part in config.source.split(','))
    letters = _alphabet(config, [one.sequence for one in read])
  _require_unique(read)
  if config.alphabet == 'auto':
    notes.append(f'letters: {letters.name}')
  if config.label_separator and config.labels == 'classes':
    read, more = _of_one_class(read, config)
    notes += more
  texts = [one.label for one in read]
  label, names = _labels(config, texts, classes if config.source == 'simulated' else None)
  tokens = [letters.encode(one.sequence, one.where) for one in read]
  groups, note = _groups(config, letters, [one.sequence for one in read])
  notes.append(note)
  strata = texts if config.labels != 'numbers' else split.quarters(label)
  splits, more = _splits(config, strata, groups.tolist(), [one.split for one in read])
  notes += more
  if len(names) == 2 and config.labels == 'classes':
    notes.append(f'positive class: {names[1]}')
  length = config.length or max(map(len, tokens))
  cut = sum(len(part) > length for part in tokens)
  if cut:
    taken = 'their middle is' if config.keep == 'middle' else 'their ends are'
    notes.append(f'{cut} sequences are longer than {length} letters: {taken} taken')
  encode = Encoder(letters, length, config.keep)
  padded = np.stack([fit(part, length, config.keep) for part in tokens])
  if config.varying:
    encode, more = _where_different(encode, padded[[where == 'train' for where in splits]])
    padded = padded[:, list(encode.places)]
    notes += more
  parts = memory.splits(
    splits,
    {'tokens': padded},
    id=[one.id for one in read],
    label=label,
    group=groups,
    metadata=[one.metadata for one in read],
  )
  content = hashlib.blake2b(padded.tobytes(), digest_size=8)
  content.update(json.dumps([[one.id for one in read], texts, splits, names]).encode())
  data = dataset.Dataset(
    name,
    parts,
    tuple(names),
    content.hexdigest(),
    config.source == 'simulated',
    Sequences(encode, config.sequence_column),
    tuple(notes),
    details={**encode.details(), **_scale(label, splits, config)},
  )
  if config.source != 'simulated':
    return data

  def truth(part: str, row: int) -> np.ndarray:
    mask = cases[int(data.splits[part].metadata['index'][row])].mask
    mask = fit(mask, length, config.keep).astype(bool)
    return mask[list(encode.places)] if encode.places else mask

  return dataclasses.replace(data, truth=truth, motifs=dict(motifs or {}))


def _where_different(encode: Encoder, train: np.ndarray) -> tuple[Encoder, list[str]]:
  places = np.flatnonzero((train != train[0]).any(axis=0))
  if not len(places):
    raise UserError('config.data.varying=true: all training sequences are the same')
  note = f'{len(places)} of {encode.length} places differ in training; the others are left out'
  return dataclasses.replace(encode, places=tuple(places.tolist())), [note]


def _simulated(case: Any, index: int, classes: Sequence[str]) -> _Read:
  scalars = {
    field.name: str(value)
    for field in dataclasses.fields(case)
    for value in [getattr(case, field.name)]
    if field.name not in ('label', 'sequence') and not isinstance(value, np.ndarray | tuple)
  }
  name = f'simulated-{index:06d}'
  return _Read(name, case.sequence, classes[case.label], '', name, {'index': str(index), **scalars})


def _of_one_class(read: Sequence[_Read], config: Config) -> tuple[list[_Read], list[str]]:
  kept = [one for one in read if config.label_separator not in one.label]
  left = len(read) - len(kept)
  notes = [f'{left} sequences of several classes left out'] if left else []
  if not kept:
    raise UserError(
      f'config.data.label_separator={config.label_separator}: stands in every label; expected '
      'config.data.labels=several, or another separator'
    )
  return kept, notes


def _labels(
  config: Config, texts: Sequence[str], known: tuple[str, ...] | None
) -> tuple[np.ndarray, tuple[str, ...]]:
  """Class numbers [N], numbers [N] or one column a class [N, C], and the names of classes."""
  if config.labels == 'numbers':
    values = [labels.number(text, config.source) for text in texts]
    return np.array(values, np.float32), ()
  parts = [[text] for text in texts]
  if config.labels == 'several':
    parts = [[p.strip() for p in t.split(config.label_separator) if p.strip()] for t in texts]
  every = [name for part in parts for name in part]
  names = known or labels.class_names(every, config.positive, config.source)
  number = {name: i for i, name in enumerate(names)}
  if config.labels == 'classes':
    return np.array([number[text] for text in texts], np.int32), names
  label = np.zeros((len(texts), len(names)), np.float32)
  for row, part in zip(label, parts, strict=True):
    row[[number[name] for name in part]] = 1
  return label, names


def _scale(label: np.ndarray, splits: Sequence[str], config: Config) -> dict[str, float]:
  """Mean and standard deviation of training labels that are numbers."""
  if config.labels != 'numbers':
    return {}
  known = label[[where == 'train' for where in splits]].astype(np.float64)
  return {'label_mean': float(known.mean()), 'label_scale': float(known.std()) or 1.0}


def _read(config: Config, sources: str, where: str) -> tuple[list[_Read], list[str]]:
  """The sequences of files joined by commas, and notes."""
  found: list[_Read] = []
  notes: list[str] = []
  paths = [pathlib.Path(name.strip()).expanduser() for name in sources.split(',') if name.strip()]
  for path in paths:
    if path.name.lower().endswith(TABLES):
      rows, more = _of_table(config, path, where)
      found, notes = found + rows, notes + more
      continue
    entries = fasta.read(path)
    if config.label_pattern:
      texts = fasta.labels(entries, config.label_pattern)
    elif len(paths) > 1 or where:
      texts = [path.name.split('.')[0]] * len(entries)
    else:
      raise UserError(
        f'config.data.source={sources}: one FASTA file and nothing that says its classes; expected '
        'config.data.label_pattern, or one file a class joined by commas'
      )
    found += [
      _Read(
        f'{path.name}:{entry.id}',
        entry.sequence,
        text,
        where or _of_header(entry, config),
        entry.where,
        {'header': entry.header},
      )
      for entry, text in zip(entries, texts, strict=True)
    ]
  return found, notes


def _of_header(entry: fasta.Entry, config: Config) -> str:
  """The split that a header names as FLIP's do: SET=train VALIDATION=False."""
  found, validation = (re.search(rf'\b{key}=(\w+)', entry.header) for key in ('SET', 'VALIDATION'))
  if found:
    return split.of_set(found[1], validation[1] if validation else '', entry.where)
  return 'train' if config.test else ''


def _of_table(config: Config, path: pathlib.Path, where: str) -> tuple[list[_Read], list[str]]:
  rows = fasta.read_table(path, config.sequence_column)
  header = list(rows[0][1])
  label = tables.column(path, header, config.label_column)
  id, given, of_set, validation = (
    tables.column(path, header, name, optional=True)
    for name in ('id', 'split', 'set', 'validation')
  )
  own = (config.sequence_column, label, id, given, of_set, validation)
  without = labels.missing([row[label] for _, row in rows])
  found = []
  for line, row in rows:
    if row[label].lower() in without:
      continue
    at = f'{path} row {line}'
    part = where or ('train' if config.test else '')
    if not where and given and row[given]:
      part = split.canonical(row[given], at)
    elif not where and of_set and row[of_set]:
      part = split.of_set(row[of_set], row[validation] if validation else '', at)
    name = (row[id] if id else '') or f'{path.name}:{line}'
    metadata = {k: v for k, v in row.items() if k and k not in own}
    found.append(_Read(name, row[config.sequence_column], row[label], part, at, metadata))
  if not found:
    raise UserError(f'{path}: no row has a value in column {label!r}')
  left = len(rows) - len(found)
  return found, [f'{path.name}: {left} rows without {label} left out'] if left else []


def _require_unique(read: Sequence[_Read]) -> None:
  counts = collections.Counter(one.id for one in read)
  name, times = counts.most_common(1)[0]
  if times > 1:
    raise UserError(f'{name} names {times} sequences; expected each name once')


def _alphabet(config: Config, sequences: Sequence[str]) -> Alphabet:
  if config.alphabet == 'auto':
    return alphabets.guess(sequences)
  return alphabets.ALPHABETS[config.alphabet]


def _groups(config: Config, letters: Alphabet, sequences: Sequence[str]) -> tuple[np.ndarray, str]:
  if config.both_strands and not letters.complement:
    raise UserError(
      f'{config.source}: {letters.name} has one strand; expected config.data.both_strands=false, '
      'and config.strands=one where an experiment has that setting'
    )
  threshold = 0.3 if config.similar == 'near' else 1.0
  found = similar.groups(sequences, letters, threshold=threshold, both_strands=config.both_strands)
  alike = 'near copies' if config.similar == 'near' else 'copies'
  return similar.named(found, 'sequences', alike)


def _splits(
  config: Config, texts: Sequence[str], groups: Sequence[str], given: Sequence[str]
) -> tuple[list[str], list[str]]:
  drawn = config.folds or not any(given)
  if config.similar == 'near' and drawn and len(set(groups)) < 10:
    raise UserError(
      f'{config.source}: near copies leave {len(set(groups))} groups, too few to split; expected a '
      'split column, or for variants of one sequence config.data.similar=identical'
    )
  allow, train_all = config.allow_group_overlap, config.labels == 'classes'
  return split.choose(
    config, texts, groups, given, 'the files', train_all=train_all, allow_overlap=allow
  )
