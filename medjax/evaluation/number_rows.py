"""Tables whose columns are numbers, where there is no label beside them."""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from medjax.errors import UserError
from medjax.evaluation.rows import Rows, constant, floats, read_columns, write_rows


class NumberRows(Rows):
  """What dataclasses share that have id, numbers, group, split and metadata.

  Attributes:
    numbers: names of the fields that are numbers, [N] each.
    dtype: of these.
  """

  numbers: ClassVar[Sequence[str]]
  dtype: ClassVar[Any] = np.float64
  group: np.ndarray
  split: str

  @classmethod
  def own(cls) -> tuple[str, ...]:
    """The columns that are no metadata."""
    return ('id', *cls.numbers, 'group', 'split')

  @classmethod
  def renamed(cls, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata, of which those that are called as one of the table's own get another name."""
    own = cls.own()
    return {f'column_{name}' if name in own else name: cells for name, cells in metadata.items()}

  def write_csv(self, path: str | os.PathLike[str]) -> None:
    """Writes all columns in one step, as ``read_csv`` returns them, to the same bits."""
    numbers = [list(map(repr, getattr(self, name).tolist())) for name in self.numbers]
    columns = (self.id, *numbers, self.group, [self.split] * len(self))
    rows = zip(*columns, *self.metadata.values(), strict=True)
    write_rows(path, [*self.own(), *self.metadata], rows)

  @classmethod
  def read_csv(cls, path: str | os.PathLike[str]) -> Self:
    """A table that was written.

    Raises:
      UserError: the file is missing, or a column or a value is missing or wrong.
    """
    path = pathlib.Path(path)
    columns = read_columns(path, ('id', *cls.numbers))
    numbers = {
      name: floats(path, name, columns[name], missing=False).astype(cls.dtype)
      for name in cls.numbers
    }
    fields: dict[str, Any] = {
      'id': np.array(columns['id']),
      'group': np.array(columns.get('group', columns['id'])),
      'split': constant(path, columns, 'split', path.stem),
      'metadata': {name: cells for name, cells in columns.items() if name not in cls.own()},
    }
    try:
      return cls(**numbers, **fields)
    except ValueError as error:
      raise UserError(f'{path}: {error}') from None
