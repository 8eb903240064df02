"""The rows of a library beside its structures: names, and which molecules are known actives."""

import dataclasses
import pathlib
from collections.abc import Sequence

from medjax.data import numerals
from medjax.data.molecules.records import NAME, Record
from medjax.data.molecules.standard import Standard
from medjax.data.molecules.stream import Stream
from medjax.errors import UserError

_NAMES = ('id', NAME)


@dataclasses.dataclass(frozen=True)
class Known:
  """Which molecules are known to be active.

  Attributes:
    column: of the library that says it; '' for none.
    active: what it says of an active.
    inactive: what it says of others; anything where it is empty.
    smiles: the actives where a file names them, in standard form; None where none does.
  """

  column: str = ''
  active: str = ''
  inactive: tuple[str, ...] = ()
  smiles: frozenset[str] | None = None

  def cell(self, record: Record, smiles: str) -> str:
    """'1' for an active, '0' for another molecule, '' where it is not known."""
    if self.smiles is not None:
      return str(int(smiles in self.smiles))
    said = next((v for k, v in record.cells.items() if k.casefold() == self.column.casefold()), '')
    if not self.column or not said:
      return ''
    if _same(said, self.active):
      return '1'
    return '0' if any(_same(said, other) for other in self.inactive) else ''


def of_run(labels: Sequence[str], classes: Sequence[str], named: str) -> Known:
  """What a column of the library says that is called as the run's label.

  Args:
    labels: columns that the run learned from.
    classes: of the run; none of numbers.
    named: the class that is ranked; '' for the positive one of two.
  """
  if not classes:
    return Known()
  if len(labels) > 1:  # several at once: a column of 1 and 0 each
    return Known(named, '1', ('0',))
  active = named or classes[-1]
  return Known(labels[0], active, tuple(name for name in classes if name != active))


def of_file(path: pathlib.Path, standard: Standard) -> Known:
  """The molecules of a file are active, and all others of the library are not.

  Raises:
    UserError: one of them cannot be read.
  """
  found = set()
  for one in Stream(path):
    try:
      if one.problem:
        raise UserError(one.problem)
      found.add(standard.molecule(one.record.structure).smiles)
    except UserError as error:
      raise UserError(f'--actives={path} {one.record.place}: {error}') from None
  return Known(smiles=frozenset(found))


def name(record: Record) -> str:
  """What the library calls a molecule; '' for nothing."""
  return next((cell for key, cell in record.cells.items() if key.casefold() in _NAMES), '')


def _same(one: str, other: str) -> bool:
  """Whether two cells say the same class; 1 and 1.0 do."""
  if one == other:
    return True
  numbers = numerals.real(one), numerals.real(other)
  return None not in numbers and numbers[0] == numbers[1]
