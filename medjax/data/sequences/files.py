"""Sequences with their labels and given splits from FASTA files and tables."""

import dataclasses
import pathlib
import re
from collections import Counter
from collections.abc import Sequence

from medjax.data import labels, settings, split, tables
from medjax.data.missing import Missing
from medjax.data.sequences import fasta
from medjax.data.sequences.config import Config
from medjax.errors import UserError


@dataclasses.dataclass(frozen=True)
class Labelled:
  """A sequence before it is encoded.

  Attributes:
    id: its name.
    sequence: its letters.
    label: as it is written.
    split: canonical name of the split that it was given, or ''.
    where: file and line, for errors.
    metadata: further columns.
  """

  id: str
  sequence: str
  label: str
  split: str
  where: str
  metadata: dict[str, str]


def read(config: Config) -> tuple[list[Labelled], list[str]]:
  """The sequences of all files that the settings name, and notes.

  Raises:
    UserError: one line that names the file and the line, and what was expected.
  """
  sequences, notes = _read(config, config.source, '')
  test, test_notes = _read(config, config.test, 'test')
  ids = {one.id for one in sequences}
  sequences += [
    dataclasses.replace(one, id=f'{one.id} (test)') if one.id in ids else one for one in test
  ]
  return sequences, notes + test_notes


def _read(config: Config, sources: str, where: str) -> tuple[list[Labelled], list[str]]:
  """The sequences of files joined by commas, and notes."""
  sequences: list[Labelled] = []
  notes: list[str] = []
  paths = settings.paths(sources)
  for path in paths:
    if path.name.lower().endswith(tables.ENDINGS):
      rows, table_notes = _of_table(config, path, where)
      notes += [*table_notes, *_repeats([row.id for row in rows], path)]
      sequences += _told_apart(rows)
      continue
    entries = fasta.read(path)
    notes += _repeats([entry.own_id for entry in entries], path)
    if config.label_pattern:
      entries, texts, label_notes = _labelled(entries, config, path)
      notes += label_notes
    elif len(paths) > 1 or where:
      texts = [path.name.split('.')[0]] * len(entries)
    else:
      raise UserError(
        f'config.data.source={sources}: one FASTA file and nothing that says its classes; expected '
        'config.data.label_pattern, or one file a class joined by commas'
      )
    sequences += [
      Labelled(
        f'{path.name}:{entry.id}',
        entry.sequence,
        text,
        where or _of_header(entry, config),
        entry.where,
        {'header': entry.header},
      )
      for entry, text in zip(entries, texts, strict=True)
    ]
  return sequences, notes


def _labelled(
  entries: Sequence[fasta.Entry], config: Config, path: pathlib.Path
) -> tuple[list[fasta.Entry], list[str], list[str]]:
  """The entries whose header has a label, these labels, and notes on those that have none."""
  texts = fasta.labels(entries, config.label_pattern)
  rows = [(number, {'class': text}) for number, text in enumerate(texts)]
  kept, notes = labels.labelled_rows(rows, 'class', path, Missing.of(config.missing))
  return (
    [entries[number] for number, _ in kept],
    [cells['class'] for _, cells in kept],
    [f'{path.name}: {note}' for note in notes],
  )


def _repeats(names: Sequence[str], path: pathlib.Path) -> list[str]:
  """A note on names that several sequences of a file have; or none."""
  several = [count for count in Counter(names).values() if count > 1]
  if not several:
    return []
  return [
    f'{path.name}: {len(several)} names are of {sum(several)} sequences, told apart by numbers: #2'
  ]


def _told_apart(rows: Sequence[Labelled]) -> list[Labelled]:
  """The rows of a table with numbers after names that repeat, as ``fasta.read`` gives them."""
  seen: Counter[str] = Counter()
  found = []
  for row in rows:
    seen[row.id] += 1
    several = seen[row.id] > 1
    found.append(dataclasses.replace(row, id=f'{row.id} #{seen[row.id]}') if several else row)
  return found


def _of_header(entry: fasta.Entry, config: Config) -> str:
  """The split that a header names as FLIP's do: SET=train VALIDATION=False."""
  given, validation = (re.search(rf'\b{key}=(\w+)', entry.header) for key in ('SET', 'VALIDATION'))
  if given:
    return split.of_set(given[1], validation[1] if validation else '', entry.where)
  return 'train' if config.test else ''


def _of_table(config: Config, path: pathlib.Path, where: str) -> tuple[list[Labelled], list[str]]:
  rows = fasta.read_table(path, config.sequence_column)
  header = list(rows[0][1])
  label = tables.column(path, header, config.label_column, setting='config.data.label_column')
  id, given, of_set, validation = (
    tables.column(path, header, name, optional=True)
    for name in ('id', 'split', 'set', 'validation')
  )
  own = (config.sequence_column, label, id, given, of_set, validation)
  sequences = []
  kept, notes = labels.labelled_rows(rows, label, path, Missing.of(config.missing))
  for line, row in kept:
    at = f'{path} row {line}'
    part = where or split.in_row(row, given, at)
    if not part and of_set and row[of_set]:
      part = split.of_set(row[of_set], row[validation] if validation else '', at)
    part = part or ('train' if config.test else '')
    name = (row[id] if id else '') or f'{path.name}:{line}'
    metadata = {k: v for k, v in row.items() if k and k not in own}
    sequences.append(Labelled(name, row[config.sequence_column], row[label], part, at, metadata))
  return sequences, [f'{path.name}: {note}' for note in notes]
