"""Classes from the labels that people write."""

import itertools
import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from medjax.config import nearest
from medjax.data import joint, numerals, tables, text
from medjax.data import missing as missing_lib
from medjax.data import positive as positive_lib
from medjax.data.missing import Missing
from medjax.errors import UserError

_FEW = 10  # different numbers with fractions that may be classes
_MOST_NUMBERS = 50  # different whole numbers that may be classes
# A number and its unit: 0.143 mg, <5 ng/mL, 12%; but no range of ages, and no code such as 8500/3.
_MEASURED = re.compile(
  r'(?:[<>~\u2264\u2265]=?\s*)?([+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?)'
  r'\s*([^\W\d_].{0,19}|[%\u2030\u00b0].{0,9})'
)
_MOST_UNITS = 3  # in which one quantity is given, such as ng, mg and g


def class_names(
  labels: Sequence[str],
  positive: str,
  where: Any,
  *,
  joined: bool = False,
  external: bool = False,
) -> tuple[str, ...]:
  """Names of the classes in label order; of two, the second is the positive one.

  Args:
    labels: of all examples.
    positive: the positive one of two classes; '' to tell it from the names, see ``positive``.
    where: what the labels are of, for errors.
    joined: whether labels that look like several findings in one (see ``joint``) are classes.
    external: whether they are of another site, which may have cases of one class alone.

  Raises:
    UserError: there is one class only, or more than a thousand, or two differ only by case or are
      the same number, or ``positive`` is none of two, or labels look like measurements, like names
      of the examples, or like several findings in one. Numbers may have a decimal comma.

  Example:
    >>> class_names(['cancer', 'normal'], '', 'labels.csv')
    ('normal', 'cancer')
  """
  names = sorted(set(labels))
  numbers = _numbers(names)
  if numbers:  # in their own order, so that 10 comes after 9
    names.sort(key=numbers.__getitem__)
    for name, next_name in itertools.pairwise(names):
      if numbers[name] == numbers[next_name]:
        raise UserError(
          f'{where}: classes {name!r} and {next_name!r} are the same number; expected one'
        )
  if len(names) < 2 and not external:
    raise UserError(f'{where}: every example is {names[0]!r}; expected at least two classes')
  spelled: dict[str, str] = {}
  for name in names:
    if any(character < ' ' or character == '\x7f' for character in name):
      raise UserError(f'{where}: class {name!r} holds a control character; expected text')
    other = spelled.setdefault(text.key(name), name)
    if other != name:
      raise UserError(
        f'{where}: classes {other!r} and {name!r} differ only by case or space; expected one'
      )
  _require_classes(labels, names, numbers, where)
  several = None if numbers or joined else joint.several_in_one(names)
  if several:
    raise UserError(
      f'{where}: label {several[0]!r} looks like several findings joined by {several[1]}; expected '
      'one class an example, or config.data.joined_names=true where each such label is one class'
    )
  if positive and not (external and len(names) == 1):
    if len(names) != 2 or positive not in names:
      close = nearest(positive, names)
      raise UserError(f'config.data.positive={positive}: expected one of two classes{close}')
    names.sort(key=lambda name: name == positive)
  elif len(names) == 2:
    found, _ = positive_lib.of_two(names)
    names.sort(key=lambda name: name == found)
  return tuple(names)


def _numbers(names: Sequence[str]) -> dict[str, float]:
  """The numbers that names are, with a decimal point or comma; none if one is no number."""
  numbers = {name: value for name in names if (value := numerals.either(name)) is not None}
  return numbers if len(numbers) == len(names) else {}


def _require_classes(
  labels: Sequence[str], names: Sequence[str], numbers: dict[str, float], where: Any
) -> None:
  """Raises UserError for labels that are no classes.

  Args:
    labels: of all examples.
    names: those that are different, in order.
    numbers: what they are where all are numbers, or nothing.
    where: what the labels are of, for errors.
  """
  count = len(names)
  if numbers:
    fractions = sum(not value.is_integer() for value in numbers.values())
    if (fractions and count > _FEW) or count > _MOST_NUMBERS:
      raise UserError(
        f'{where}: labels look like measurements, {count} different numbers from {names[0]} to '
        f'{names[-1]}; expected classes (numbers are predicted by experiments that read '
        'config.data.labels=numbers)'
      )
  _require_no_units(names, where)
  if count > 1000:
    raise UserError(f'{where}: {count} different labels; expected classes, at most 1000')
  if len(labels) >= 20 and count > len(labels) / 2:
    raise UserError(
      f'{where}: {count} different labels of {len(labels)} examples, such as {names[0]!r}; '
      'expected classes, of which most have several examples'
    )


def _require_no_units(names: Sequence[str], where: Any) -> None:
  """Raises UserError for labels that are measurements with a unit."""
  found = [match for name in names if (match := _MEASURED.fullmatch(name))]
  different = {match[1] for match in found}
  units = {text.key(match[2]) for match in found}
  if len(different) > _FEW and len(units) <= _MOST_UNITS:
    raise UserError(
      f'{where}: labels look like measurements with a unit, {len(different)} different numbers '
      f'such as {found[0][0]!r}; expected classes, or numbers without a unit'
    )


def labelled_rows(
  rows: Sequence[tables.Row], column: str, where: Any, missing: Missing | None = None
) -> tuple[list[tables.Row], list[str]]:
  """The rows that have a label, and notes on those that have none.

  Args:
    rows: of a table.
    column: with the label.
    where: the table, for errors.
    missing: which words mean that there is none; None for the usual ones. Where all other labels
      are numbers every such word does, and otherwise only those that are no names.

  Raises:
    UserError: none has, or a label of classes is a word that may mean either.
  """
  missing = missing or Missing()
  cells = [row[column] for _, row in rows]
  if all(missing.number(cell) or _is_number(cell) for cell in cells):
    lacks = [missing.number(cell) for cell in cells]
  else:
    counts = Counter(cells)
    lack_of = {cell: missing.label(cell, counts) for cell in counts}
    for cell, count in counts.items():
      if lack_of[cell] is None:
        raise UserError(
          f'{where}: {column} is {cell!r} in {count} of {len(cells)} rows, a class or a missing '
          f'value; expected config.data.missing=usual,{cell} to leave these rows out, or '
          'config.data.missing= (empty) where it is a class'
        )
    lacks = [bool(lack_of[cell]) for cell in cells]
  kept = [row for row, lack in zip(rows, lacks, strict=True) if not lack]
  if not kept:
    raise UserError(f'{where}: no row has a value in column {column!r}')
  left = [cell for cell, lack in zip(cells, lacks, strict=True) if lack]
  return kept, notes_on_labels([row[column] for _, row in kept], left, column)


def _is_number(cell: str) -> bool:
  return tables.parse_number(cell) is not None or numerals.either(cell.strip()) is not None


def notes_on_labels(kept: Sequence[str], left: Sequence[str], column: str) -> list[str]:
  """What was taken as a missing label, and which labels might have been.

  Args:
    kept: labels of the examples.
    left: cells that were taken as missing.
    column: what the labels are called.
  """
  notes = []
  if left:
    notes.append(f'{len(left)} rows without {column} left out ({missing_lib.counted(left)})')
  usual = Missing()
  for name, count in Counter(kept).items():
    if usual.number(name):
      notes.append(
        f'{column} {name!r} ({count} rows) is taken as a class; config.data.missing=usual,{name} '
        'leaves such rows out'
      )
  return notes


def encode(texts: Sequence[str], classes: Sequence[str]) -> np.ndarray:
  """Class numbers, int32 [N].

  Example:
    >>> encode(['ill', 'well'], ('well', 'ill')).tolist()
    [1, 0]
  """
  number_of = {name: i for i, name in enumerate(classes)}
  return np.array([number_of[text] for text in texts], np.int32)


def number(text: str, where: Any) -> float:
  """The number in a label.

  Raises:
    UserError: it is none, or one beyond ``tables.LARGEST``; ``where`` says of what.

  Example:
    >>> number('1.5e3', 'labels.csv')
    1500.0
  """
  value = tables.parse_number(text)
  if value is None or math.isnan(value):
    raise UserError(f'{where}: label {text!r} is no number; expected one, or labels of classes')
  return value
