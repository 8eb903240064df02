"""Classes from the labels that people write."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from medjax.config import nearest
from medjax.data import tables
from medjax.errors import UserError

# Names of the class that means "nothing found"; of two classes the other is the positive one.
_NEGATIVE = {
  '0', '0.0', 'false', 'no', 'none', 'negative', 'neg', 'normal', 'normals', 'healthy', 'control',
  'controls', 'benign', 'clean', 'absent', 'no finding', 'no findings', 'no_finding', 'no_findings',
  'no cancer', 'non-cancer', 'noncancer', 'no_cancer', 'no tumor', 'no tumour', 'no_tumor',
}  # fmt: skip


def class_names(labels: Sequence[str], positive: str, where: Any) -> tuple[str, ...]:
  """Names of the classes in label order; of two, the second is the positive one.

  Args:
    labels: of all examples.
    positive: the positive one of two classes; '' to tell it from the names.
    where: what the labels are of, for errors.

  Raises:
    UserError: there is one class only, or more than a thousand, or two differ only by case or are
      the same number, or ``positive`` is none of two.

  Example:
    >>> class_names(['cancer', 'normal'], '', 'labels.csv')
    ('normal', 'cancer')
  """
  names = sorted(set(labels))
  if all(map(_is_number, names)):  # in their own order, so that 10 comes after 9
    names.sort(key=float)
    for name, next_name in itertools.pairwise(names):
      if float(name) == float(next_name):
        raise UserError(
          f'{where}: classes {name!r} and {next_name!r} are the same number; expected one'
        )
  if len(names) < 2:
    raise UserError(f'{where}: every example is {names[0]!r}; expected at least two classes')
  spelled: dict[str, str] = {}
  for name in names:
    other = spelled.setdefault(name.strip().casefold(), name)
    if other != name:
      raise UserError(
        f'{where}: classes {other!r} and {name!r} differ only by case or space; expected one'
      )
  if len(names) > 1000:
    raise UserError(f'{where}: {len(names)} different labels; expected classes, at most 1000')
  if positive:
    if len(names) != 2 or positive not in names:
      close = nearest(positive, names)
      raise UserError(f'config.data.positive={positive}: expected one of two classes{close}')
    names.sort(key=lambda name: name == positive)
  elif len(names) == 2 and names[1].lower() in _NEGATIVE:
    names.reverse()
  return tuple(names)


def missing(labels: Sequence[str]) -> set[str]:
  """What stands, in lower case, where a label is missing; of classes, 'none' is a name like others.

  Example:
    >>> 'none' in missing(['1', 'None', '']), 'none' in missing(['polyp', 'None', ''])
    (True, False)
  """
  classes = any(tables.parse_number(text) is None for text in labels)
  return set(tables.MISSING - {'none'} if classes else tables.MISSING)


def labelled_rows(rows: Sequence[tables.Row], column: str, where: Any) -> list[tables.Row]:
  """The rows that have a label.

  Args:
    rows: of a table.
    column: with the label.
    where: the table, for errors.

  Raises:
    UserError: none has.
  """
  without = missing([row[column] for _, row in rows])
  kept = [(line, row) for line, row in rows if row[column].lower() not in without]
  if not kept:
    raise UserError(f'{where}: no row has a value in column {column!r}')
  return kept


def encode(texts: Sequence[str], classes: Sequence[str]) -> np.ndarray:
  """Class numbers, int32 [N].

  Example:
    >>> encode(['ill', 'well'], ('well', 'ill')).tolist()
    [1, 0]
  """
  number_of = {name: i for i, name in enumerate(classes)}
  return np.array([number_of[text] for text in texts], np.int32)


def positive_note(classes: Sequence[str]) -> list[str]:
  """A note of which of two classes is the positive one; none for more."""
  return [f'positive class: {classes[1]}'] if len(classes) == 2 else []


def _is_number(text: str) -> bool:
  try:
    return math.isfinite(float(text))
  except ValueError:
    return False


def number(text: str, where: Any) -> float:
  """The finite number in a label.

  Raises:
    UserError: it is none; ``where`` says of what.

  Example:
    >>> number('1.5e3', 'labels.csv')
    1500.0
  """
  try:
    value = float(text)
  except ValueError:
    value = math.nan
  if not math.isfinite(value):
    raise UserError(f'{where}: label {text!r} is no number; expected one, or labels of classes')
  return value
