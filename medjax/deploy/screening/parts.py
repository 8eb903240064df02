"""Predictions of a library in files of some thousand rows, so that a killed screen goes on."""

import csv
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from medjax import files, sealed
from medjax.errors import UserError
from medjax.evaluation import csv_cells
from medjax.outcomes import Row

_LARGEST_CELL = 2**24  # a cell of a library may be longer than Python's limit, 131,072


class Parts:
  """The folder of a screen, which belongs to one library, run and set of settings.

  Attributes:
    folder: of the output.
    claim: the file that says whose it is.
    columns: of the CSV files.

  Args:
    folder: of the output.
    about: JSON values that say what is screened, and how.
    columns: of the CSV files.

  Raises:
    UserError: the folder holds another screen, or something else.
  """

  def __init__(self, folder: pathlib.Path, about: Mapping[str, Any], columns: Sequence[str]):
    self.folder, self.columns = folder, list(columns)
    self.claim = folder / 'screen.json'
    self._parts = folder / 'predictions'
    if self.claim.exists():
      before, _ = sealed.read(self.claim, 'choose another --output')
      for name, value in about.items():
        if before.get(name) != value:
          raise UserError(
            f'--output={folder}: holds a screen of another {name} ({before.get(name)}, now '
            f'{value}); choose another folder or repeat the command that made it'
          )
    else:
      if folder.exists() and any(not path.name.startswith('.') for path in folder.iterdir()):
        raise UserError(f'--output={folder}: holds files that are not of a screen; choose another')
      sealed.write(self.claim, dict(about))

  def files(self) -> list[pathlib.Path]:
    """Those that are there, in order; every one is whole.

    Raises:
      UserError: one between others is missing.
    """
    found = sorted(self._parts.glob('part-*.csv'))
    for number, path in enumerate(found):
      if path != self._path(number):
        raise UserError(
          f'{self._path(number)}: is missing and later parts are there; expected all, or choose '
          'another --output'
        )
    return found

  def rows_done(self) -> int:
    """Rows of the library that have a row in a part."""
    return sum(1 for _ in self.rows())

  def write(self, rows: Sequence[Row]) -> None:
    """Writes the next part, which is there whole or not at all.

    Raises:
      UserError: it cannot be written.
    """
    with (
      files.replacing(self._path(len(self.files()))) as new,
      open(new, 'w', newline='', encoding='utf-8', errors='backslashreplace') as file,
    ):
      csv_cells.Writer(file, self.columns).rows(rows)

  def rows(self) -> Iterator[Row]:
    """All rows, in the order of the library.

    Raises:
      UserError: a part is damaged.
    """
    before = csv.field_size_limit(_LARGEST_CELL)
    try:
      for path in self.files():
        yield from self._rows_of(path)
    finally:
      csv.field_size_limit(before)

  def _rows_of(self, path: pathlib.Path) -> Iterator[Row]:
    try:
      with open(path, newline='', encoding='utf-8') as file:
        reader = csv.reader(file, strict=True)
        if [csv_cells.read(cell) for cell in next(reader, ())] != self.columns:
          raise ValueError('other columns')
        for cells in reader:
          yield {name: csv_cells.read(cell) for name, cell in zip(self.columns, cells, strict=True)}
    except (OSError, ValueError, csv.Error) as error:
      raise UserError(
        f'{path}: is damaged ({error}); remove it and the later ones, and repeat the command'
      ) from None

  def _path(self, number: int) -> pathlib.Path:
    return self._parts / f'part-{number:05d}.csv'
