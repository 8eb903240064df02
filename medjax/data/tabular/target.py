"""The labels of the rows of a table."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from medjax.data import examples, labels, split, tables
from medjax.data.missing import Missing
from medjax.data.tabular import columns
from medjax.data.tabular.rows import Table


@dataclasses.dataclass(frozen=True)
class Target:
  """What is to be predicted of each row of a table that has a label.

  Attributes:
    columns: those that say it, and are no input.
    rows: number and cells of the N rows that have a label.
    label: as in ``dataset.Split``, leaves [N, ...].
    text: each label as the table writes it.
    details: JSON values of which the task is made again, from which rows are trained on, bool [N].
    classes: names in label order; empty where labels are no classes.
    strata: what splits should be alike in, where it is not ``text``.
    notes: what was decided, one line each.
  """

  columns: Sequence[str]
  rows: list[tables.Row]
  label: Any
  text: list[str]
  details: Callable[[np.ndarray], dict[str, Any]]
  classes: tuple[str, ...] = ()
  strata: list[str] | None = None
  notes: tuple[str, ...] = ()


def classes_or_numbers(
  table: Table,
  column: str,
  kind: str,
  missing: Missing,
  *,
  positive: str,
  joined: bool,
  external: bool = False,
) -> Target:
  """Labels of one column.

  Args:
    table: with that column.
    column: its name.
    kind: see ``columns.numbers``.
    missing: which words mean that there is no label.
    positive: see ``labels.class_names``.
    joined: see there.
    external: see there.

  Raises:
    UserError: there is no such column, no row has a label, or labels are not as expected.
  """
  name = table.column(column, 'config.data.label_column')
  rows, notes = labels.labelled_rows(table.rows, name, table.where, missing)
  texts = [row[name] for _, row in rows]
  numbers = columns.numbers(texts, kind, f'{table.where}: column {name!r}')
  if numbers is None:
    classes = labels.class_names(texts, positive, table.where, joined=joined, external=external)
    return Target(
      [name], rows, labels.encode(texts, classes), texts, lambda _: {'label': name}, classes,
      notes=tuple(notes),
    )  # fmt: skip

  def details(in_train: np.ndarray) -> dict[str, Any]:
    return {'label': name} | examples.label_scale(numbers, in_train)

  # Numbers are split so that every part has small and large ones.
  return Target(
    [name], rows, numbers, texts, details, strata=split.quarters(numbers), notes=tuple(notes)
  )
