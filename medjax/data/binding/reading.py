"""From the rows of a table to pairs of a drug and a target, and what is said of the others."""

import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np

from medjax.data import simulation, source_files, split, tables
from medjax.data.binding import affinity, columns, entities
from medjax.data.binding.config import Config
from medjax.data.molecules import records, toolkit
from medjax.data.molecules.messages import listed
from medjax.data.molecules.records import File, Record
from medjax.data.molecules.standard import Molecule, Standard
from medjax.errors import SeveralErrors, UserError

_LISTED = 20  # rows that cannot be read, in a note

# (seed, drugs, targets) -> cells of each pair by column, with 'smiles', 'sequence' and 'affinity'.
Simulator = Callable[[int, int, int], list[dict[str, str]]]


@dataclasses.dataclass(frozen=True)
class Pairs:
  """N different pairs of a drug and a target with an affinity.

  Attributes:
    name: what they are called.
    path: where they are from, for errors.
    molecules: each drug, in standard form.
    tokens: of each target, uint8 [residues].
    drug: number of the drug of each pair, int64 [N].
    target: likewise.
    affinity: float32 [N].
    place: of the first row of each, such as 'row 2'.
    cells: what else stands in that row, by column.
    given: canonical split of each, '' where the table names none.
    origin: what names the splits.
    left_out: why other rows cannot be used, by place.
    copy_of: of each row that is a copy of a pair, the row that stands for it.
    notes: what was decided, one line each.
  """

  name: str
  path: str
  molecules: list[Molecule]
  tokens: list[np.ndarray]
  drug: np.ndarray
  target: np.ndarray
  affinity: np.ndarray
  place: list[str]
  cells: list[dict[str, str]]
  given: list[str]
  origin: str
  left_out: dict[str, str]
  copy_of: dict[str, str]
  notes: list[str]


def read(config: Config, simulator: Simulator | None) -> Pairs:
  """The pairs that ``config.source`` names.

  Raises:
    UserError: no such table or column, more rows cannot be read than ``config.max_broken`` allows,
      or there is none.
  """
  file, name = _source(config, simulator)
  protein, column, split_column = _columns(config, file)
  standard = Standard(config.tautomers, config.stereo, config.max_atoms)
  rows = file.records
  drugs = entities.drugs([row.structure for row in rows], standard)
  targets = entities.targets([row.cells[protein] for row in rows])
  values = affinity.read(config, file, column)
  left_out: dict[str, str] = {}
  kept = []
  for number, row in enumerate(rows):
    why = drugs.broken.get(row.structure) or targets.broken.get(row.cells[protein])
    why = values.broken.get(number) or why
    if why:
      left_out[row.place] = why
    elif not values.missing[number]:
      kept.append(number)
  notes = [*file.notes, f'affinity: column {column!r}; protein: column {protein!r}']
  notes += [*_broken(config, file, left_out), *drugs.notes, *targets.notes, *values.notes]
  if not kept:
    raise UserError(f'{file.path}: no row has a drug, a target and an affinity')
  given = [split.in_row(rows[i].cells, split_column, f'{file.path} {rows[i].place}') for i in kept]
  if any(given) and not all(given):
    lacks = rows[kept[given.index('')]].place
    raise UserError(f'{file.path} {lacks}: no split; expected train, val or test in every row')
  hidden = {protein, column}
  of = np.array(kept)
  first, means, copy_of, said = _merged(
    drugs.number[of], targets.number[of], values.values[of], given, [rows[i].place for i in kept]
  )
  return Pairs(
    name,
    str(file.path),
    drugs.molecules,
    targets.tokens,
    drugs.number[of][first],
    targets.number[of][first],
    means.astype(np.float32),
    [rows[kept[i]].place for i in first],
    [_others(rows[kept[i]], hidden) for i in first],
    [given[i] for i in first],
    f'column {split_column!r} of {file.path}' if split_column else '',
    left_out,
    copy_of,
    notes + said,
  )


def _source(config: Config, simulator: Simulator | None) -> tuple[File, str]:
  toolkit.chem()  # one error where it is missing, not one for each row
  if config.source != 'simulated':
    path = source_files.source(config.source)
    if not path.name.lower().endswith(tables.ENDINGS):
      raise UserError(f'{path}: expected a table of pairs: .csv, .tsv or .txt, each also as .gz')
    return records.read(path, config.smiles_column), path.name.split('.')[0]
  simulate = simulation.require(simulator, 'simulates no binding')
  rows = simulate(config.seed, config.simulated_drugs, config.simulated_targets)
  made = [Record(i, f'row {i + 2}', cells['smiles'], cells) for i, cells in enumerate(rows)]
  name = simulation.name(simulate)
  return File(pathlib.Path(name), [key for key in rows[0] if key != 'smiles'], made), name


def _columns(config: Config, file: File) -> tuple[str, str, str]:
  """The columns of proteins, affinities and splits; the last is '' where there is none."""
  named = tables.optional_column(file.path, file.header, config.split_column, 'split')
  header = [one for one in file.header if one != named]
  cells = [row.cells for row in file.records]
  protein = columns.sequence(file.path, header, cells, config.sequence_column)
  header = [one for one in header if one != protein]
  return protein, columns.affinity(file.path, header, config.affinity_column), named


def _broken(config: Config, file: File, left_out: dict[str, str]) -> list[str]:
  """A note on rows that cannot be used.

  Raises:
    UserError: there are more than the settings allow.
  """
  if not left_out:
    return []
  allowed = int(config.max_broken * len(file.records))
  if len(left_out) > allowed:
    of = (
      f'of {len(file.records)}; config.data.max_broken={config.max_broken:g} leaves out at most '
      f'{allowed}'
    )
    errors = [UserError(f'{file.path} {place}: {why}') for place, why in left_out.items()]
    if len(errors) == 1:
      raise UserError(f'{errors[0]} ({of})')
    raise SeveralErrors(f'{len(errors)} rows cannot be used ({of})', errors)
  shown = [f'{place}: {why}' for place, why in list(left_out.items())[:_LISTED]]
  more = f'; and {len(left_out) - _LISTED} more' if len(left_out) > _LISTED else ''
  return [f'{len(left_out)} rows cannot be read, left out: {"; ".join(shown)}{more}']


def _others(row: Record, hidden: set[str]) -> dict[str, str]:
  """What else stands in a row, without the structure."""
  return {
    name: cell
    for name, cell in row.cells.items()
    if name and name not in hidden and cell != row.structure
  }


def _merged(
  drug: np.ndarray, target: np.ndarray, value: np.ndarray, given: list[str], place: list[str]
) -> tuple[list[int], np.ndarray, dict[str, str], list[str]]:
  """The first row of each different pair in its split, mean affinities, copies, and notes."""
  splits = np.unique(given, return_inverse=True)[1]
  keys = np.stack([drug, target, splits], axis=1)
  _, first, number, count = np.unique(
    keys, axis=0, return_index=True, return_inverse=True, return_counts=True
  )
  number = number.reshape(-1)
  order = np.argsort(first)
  means = np.bincount(number, value) / count
  if len(first) == len(drug):
    return first[order].tolist(), means[order], {}, []
  rows_of: dict[int, list[int]] = {}
  for row in np.flatnonzero(count[number] > 1).tolist():
    rows_of.setdefault(int(number[row]), []).append(row)
  copy_of = {place[row]: place[rows[0]] for rows in rows_of.values() for row in rows[1:]}
  notes = [f'{len(copy_of)} rows are copies of a pair: {len(first)} pairs are left']
  differ = {pair: rows for pair, rows in rows_of.items() if np.ptp(value[rows]) > 0}
  if differ:
    most = max(float(np.ptp(value[rows])) for rows in differ.values())
    rows = listed([[place[row] for row in one] for one in differ.values()])
    notes.append(
      f'{len(differ)} pairs have different affinities, by {most:.3g} at most, which are averaged: '
      f'{rows}'
    )
  return first[order].tolist(), means[order], copy_of, notes
