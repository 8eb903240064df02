"""From the records of a file to molecules in standard form, and what is said of the others."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Sequence
from typing import Protocol

from medjax.data import examples, simulation, source_files
from medjax.data.molecules import many, records, toolkit
from medjax.data.molecules.config import Config
from medjax.data.molecules.messages import joined
from medjax.data.molecules.records import NAME, File, Record
from medjax.data.molecules.standard import REMARKS, Molecule, Standard
from medjax.errors import SeveralErrors, UserError

_MANY = 20_000  # molecules from which several processes are worth their start
_LISTED = 20  # rows that cannot be read, in a note
_WRITTEN, _PLAIN = 'as_written', 'plain'  # column of what is unusual in that, and nothing
_UNUSUAL = {'salt', 'mixture', 'charge', 'ion'}

Simulator = Callable[[int, int], list[dict[str, str]]]


class Source(Protocol):
  """Settings that say where molecules come from."""

  source: str
  smiles_column: str
  seed: int
  simulated_molecules: int


@dataclasses.dataclass(frozen=True)
class Entry(Record):
  """A record that could be read.

  Attributes:
    molecule: its structure in standard form.
  """

  molecule: Molecule


def source(config: Source, simulator: Simulator | None) -> tuple[File, str]:
  """The records that ``config.source`` names, and what the data set is called.

  Raises:
    UserError: see ``records.read``, or RDKit is not installed.
  """
  toolkit.chem()  # one error where it is missing, not one for each molecule
  if config.source != 'simulated':
    path = source_files.source(config.source)
    return records.read(path, config.smiles_column), path.name.split('.')[0]
  simulate = simulation.require(simulator, 'simulates no molecules')
  rows = simulate(config.seed, config.simulated_molecules)
  made = [
    Record(number, f'row {number + 2}', cells['smiles'], cells) for number, cells in enumerate(rows)
  ]
  name = simulation.name(simulate)
  return File(pathlib.Path(name), [key for key in rows[0] if key != 'smiles'], made), name


def standardised(
  config: Config, file: File, standard: Standard
) -> tuple[list[Entry], dict[str, str], list[str]]:
  """The records that can be read, why others cannot, by place, and notes.

  Raises:
    UserError: more cannot be read than ``config.max_broken`` allows, or none can.
  """
  entries = []
  left_out: dict[str, str] = {}
  work = functools.partial(_molecules, standard)
  read = many.spread(work, [record.structure for record in file.records], _MANY)
  for record, (molecule, why) in zip(file.records, read, strict=True):
    if molecule is None:
      left_out[record.place] = why
    else:
      entries.append(Entry(**vars(record), molecule=molecule))
  allowed = int(config.max_broken * len(file.records))
  if len(left_out) > allowed or not entries:
    errors = [UserError(f'{file.path} {place}: {why}') for place, why in left_out.items()]
    of = (
      f'of {len(file.records)}; config.data.max_broken={config.max_broken:g} leaves out at most '
      f'{allowed}'
    )
    if len(errors) == 1:
      raise UserError(f'{errors[0]} ({of})')
    raise SeveralErrors(f'{len(errors)} molecules cannot be used ({of})', errors)
  return entries, left_out, [*_notes_on(left_out), *_remarks(entries)]


def _molecules(standard: Standard, given: Sequence[str]) -> list[tuple[Molecule | None, str]]:
  """Each structure's molecule and '', or None and why there is none."""
  found: list[tuple[Molecule | None, str]] = []
  for structure in given:
    try:
      found.append((standard.molecule(structure), ''))
    except UserError as error:
      found.append((None, str(error)))
  return found


def _notes_on(left_out: dict[str, str]) -> list[str]:
  if not left_out:
    return []
  listed = [f'{place}: {why}' for place, why in list(left_out.items())[:_LISTED]]
  more = f'; and {len(left_out) - _LISTED} more' if len(left_out) > _LISTED else ''
  return [f'{len(left_out)} molecules cannot be read, left out: {"; ".join(listed)}{more}']


def _remarks(entries: Sequence[Entry]) -> list[str]:
  places = {key: [one.place for one in entries if key in one.molecule.remarks] for key in REMARKS}
  return [
    f'{len(places[key])} molecules {text} ({joined(places[key])})'
    for key, text in REMARKS.items()
    if places[key]
  ]


def ids(config: Config, entries: Sequence[Entry]) -> list[str]:
  """Names of molecules: those that the file gives where each has its own, or their places."""
  usual = (config.id_column.casefold(), NAME)
  column = next((key for key in entries[0].cells if key.casefold() in usual), '')
  given = [one.cells[column] for one in entries] if column else []
  if given and all(given) and not examples.repeated(given):
    return given
  return [one.place.replace(' ', '-') for one in entries]


def metadata(entries: Sequence[Entry], columns: Sequence[str]) -> list[dict[str, str]]:
  """Cells but those of some columns, the standard form and, where that differs, how it was written.

  Molecules of one class that come from another source may be written with salts or charges, as the
  harmless ones of ClinTox are. No network here sees salts, and none sees charges where these are
  neutralised; one that reads molecules as they are written does.

  Args:
    entries: of which a row is given each.
    columns: of labels.
  """
  written = [', '.join(sorted(one.molecule.remarks & _UNUSUAL)) or _PLAIN for one in entries]
  differ, rows = len(set(written)) > 1, []
  for entry, how in zip(entries, written, strict=True):
    row = {key: cell for key, cell in entry.cells.items() if key and key not in columns}
    row['smiles'] = entry.molecule.smiles
    if differ:
      row.setdefault(_WRITTEN, how)
    rows.append(row)
  return rows
