"""Splits as row numbers in a JSON file, of one data set or of several by name."""

import json
import pathlib
from typing import Any

from medjax.config import nearest
from medjax.data import split
from medjax.data.text_file import read_text
from medjax.errors import UserError


def read(path: pathlib.Path, name: str, source: pathlib.Path, count: int) -> list[str]:
  """The split of each row, '' for rows that stand in none.

  Args:
    path: of the JSON file: {"train": [row numbers], "val": ..., "test": ...} with rows counted
      from 0, or such objects by the names of data sets. Other keys are no splits.
    name: of the data set; '' for the name of the source, with its ending or without.
    source: the file whose rows these are.
    count: of its rows.

  Raises:
    UserError: the file is no such JSON, has no such data set, or a number is no row, or stands in
      two splits.

  Example:
    >>> path = pathlib.Path('scaffold_splits.json')
    >>> read(path, '', pathlib.Path('bace.csv'), 1513)  # doctest: +SKIP
    ['test', 'train', ...]
  """
  text = read_text(path, 'JSON with the rows of train, val and test')
  try:
    found = json.loads(text)
  except (ValueError, RecursionError) as error:
    raise UserError(f'{path}: is no JSON: {error}; expected rows of train, val and test') from None
  parts = _of_set(found, path, name, source)
  splits = [''] * count
  for key, rows in parts.items():
    where = split.known(key)
    if not where:
      continue
    if not isinstance(rows, list):
      raise UserError(f'{path}: {key} is no list; expected row numbers from 0')
    for row in rows:
      if type(row) is not int or not 0 <= row < count:
        raise UserError(
          f'{path}: {key} has {json.dumps(row)}; expected a row of {source}, 0 to {count - 1}'
        )
      if splits[row] not in ('', where):
        raise UserError(f'{path}: row {row} is in {splits[row]} and {where}; expected one')
      splits[row] = where
  return splits


def _of_set(found: Any, path: pathlib.Path, name: str, source: pathlib.Path) -> dict[str, Any]:
  """The object with the splits of a data set."""
  expected = 'expected an object with the rows of train, val and test'
  if not isinstance(found, dict):
    raise UserError(f'{path}: holds no object; {expected}')
  if not name and any(map(split.known, found)):
    return found
  names = [name] if name else [source.name, source.name.removesuffix('.gz')]
  names += [] if name else [source.name.split('.')[0]]
  stems = {key.split('.')[0]: key for key in found}
  key = next((one for one in names if one in found), stems.get(names[-1], ''))
  if not key:
    close = nearest(names[0], list(found))
    raise UserError(
      f'{path}: no splits of {names[0]}{close} (it has {", ".join(found)}); expected '
      'config.data.split_name to name them'
    )
  parts = found[key]
  if not isinstance(parts, dict) or not any(map(split.known, parts)):
    raise UserError(f'{path}: {key} has no splits; {expected}')
  return parts
