"""What the columns of a table say: whose a row is, and what its label is."""

from collections.abc import Sequence

import numpy as np

from medjax.data import tables
from medjax.data.tabular.rows import Table
from medjax.errors import UserError

_FEW = 10  # different whole numbers that are taken as classes


def groups(
  table: Table,
  rows: Sequence[tables.Row],
  ids: Sequence[str],
  columns: Sequence[str],
  group: str,
) -> list[str]:
  """The patient of each row; without any, the first row with the same measurements.

  Args:
    table: where the rows are from.
    rows: number and cells of each.
    ids: name of each.
    columns: with measurements.
    group: column with the patient; '' for none.

  Raises:
    UserError: some rows have a patient and others none.
  """
  if group:
    of = ['' if row[group].lower() in tables.MISSING else row[group] for _, row in rows]
    if all(of):
      return of
    if any(of):
      raise UserError(
        f'{table.where} row {rows[of.index("")][0]}: no {group}; expected one in every row or in '
        'none'
      )
  first: dict[tuple[str, ...], str] = {}
  return [
    first.setdefault(tuple(row[c] for c in columns), name)
    for (_, row), name in zip(rows, ids, strict=True)
  ]


def numbers(texts: Sequence[str], kind: str, where: str) -> np.ndarray | None:
  """Labels as numbers, float32 [N], or None where they are classes.

  Args:
    texts: label of each row.
    kind: 'classes', 'numbers', or 'auto' for numbers where more than ten are different.
    where: file and column, for errors.

  Raises:
    UserError: numbers were expected, and a label is none.
  """
  parsed = [tables.parse_number(text) for text in texts]
  if None in parsed:
    if kind == 'numbers':
      raise UserError(f'{where} holds {texts[parsed.index(None)]!r}; expected numbers')
    return None
  values = np.array(parsed, np.float64)
  if kind == 'auto':
    kind = 'numbers' if len(np.unique(values)) > _FEW else 'classes'
  return values.astype(np.float32) if kind == 'numbers' else None
