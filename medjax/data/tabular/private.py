"""Preprocessing of a table whose training rows may tell little: from a description or with noise.

``preprocess.fit`` keeps the quantiles, levels and medians of training rows as they are. Here they
are either described by a file that owes nothing to the patients, such as a data dictionary, or
centred and scaled by what ``privacy.columns`` tells of them, for which the run pays. Which columns
there are, what they are called and whether they hold numbers counts as known.
"""

import pathlib
from collections.abc import Sequence

import numpy as np
from scipy import stats

from medjax.data import tables, text, text_file
from medjax.data.missing import Missing
from medjax.data.tabular.preprocess import Category, Number, Preprocessing, Row
from medjax.errors import UserError
from medjax.privacy import columns as located
from medjax.privacy import sampling
from medjax.privacy.release import Release

_QUANTILES = 21
_TYPICAL = 20
_HEADER = ('column', 'low', 'high', 'levels')


def fit(
  release: Release,
  rows: Sequence[Row],
  group: Sequence[str],
  columns: Sequence[str],
  *,
  categorical: Sequence[str],
  missing: Missing,
  written: dict[str, str],
) -> Preprocessing:
  """How rows become inputs.

  Args:
    release: what may be told.
    rows: training rows, cells by column.
    group: the unit, such as the patient, of each.
    columns: which are inputs.
    categorical: columns that are texts although their cells are numbers.
    missing: which words mean a missing value.
    written: see ``Preprocessing``.

  Raises:
    UserError: a column is not described, holds texts without a description, or may not be looked
      at.
  """
  if release.columns:
    described = _described(pathlib.Path(release.columns).expanduser())
    for name in columns:
      if name not in described:
        raise UserError(
          f'{release.columns}: no row for the column {name!r}; expected one for each input '
          f'(config.data.drop={name} leaves it out)'
        )
    return Preprocessing(tuple(described[name] for name in columns), missing, written)
  for name in columns:
    cells = [row[name] for row in rows]
    if name in categorical or any(tables.parse_number(cell, missing) is None for cell in cells):
      raise UserError(
        f'column {name!r}: holds texts, and which ones there are would tell of private rows; '
        f'expected it in the file of config.privacy.columns, or in config.data.drop'
      )
  if not release.noise:
    raise UserError(
      'config.privacy.statistics_share=0: means and scales of columns are statistics of private '
      'rows; expected a share, or config.privacy.columns=FILE'
    )
  random = sampling.system_generator()
  order = random.permutation(len(rows))
  _, first = np.unique(np.asarray(group)[order], return_index=True)  # a row of each unit, at random
  numbers = np.array(
    [
      [np.nan if (n := tables.parse_number(rows[i][c], missing)) is None else n for c in columns]
      for i in order[first]
    ]
  )
  try:
    found = located.located(numbers, release.noise, random)
  except located.UnseenError as error:
    raise UserError(
      f'column {columns[error.column]!r}: {len(numbers)} training patients are too few to see '
      'through the noise where its numbers lie; expected a larger config.privacy.epsilon or '
      'statistics_share, or config.privacy.columns=FILE'
    ) from None
  return Preprocessing(
    tuple(
      Number(name, float(c), float(s), float(c), False, tuple(np.linspace(low, high, _QUANTILES)))
      for name, c, s, low, high in zip(columns, *found, strict=True)
    ),
    missing,
    written,
  )


def typical(fitted: Preprocessing) -> np.ndarray:
  """Inputs that stand for training rows in explanations, and are none: float32 [20, D].

  Numbers are those of a normal distribution, levels come equally often; see ``typical.rows``.
  """
  random = np.random.default_rng(0)
  normal = stats.norm.ppf((np.arange(_TYPICAL) + 0.5) / _TYPICAL)
  parts = []
  for column in fitted.columns:
    if isinstance(column, Number):
      part = np.zeros((_TYPICAL, len(column.inputs)))
      part[:, 0] = normal
    else:
      levels = np.vstack(
        [
          np.eye(len(column.levels)),
          np.zeros((int(bool(column.reference)), len(column.levels))),
        ]
      )
      part = levels[np.arange(_TYPICAL) % len(levels)]
    parts.append(random.permutation(part))
  found = np.concatenate(parts, axis=1)
  return np.array([[float(f'{v:.5g}') for v in row] for row in found.tolist()], np.float32)


def _described(path: pathlib.Path) -> dict[str, Number | Category]:
  """Columns by name, of a file with the columns ``column``, ``low``, ``high`` and ``levels``.

  Raises:
    UserError: the file cannot be read, or a row says neither where numbers lie nor which levels
      there are.
  """
  header, rows = tables.parse(text_file.read_text(path, 'a CSV file'), path)
  for name in _HEADER:
    if name not in header:
      raise UserError(f'{path}: no column {name!r}; expected {", ".join(_HEADER)}')
  found: dict[str, Number | Category] = {}
  for line, row in rows:
    name, where = row['column'], f'{path} row {line}'
    if name in found:
      raise UserError(f'{where}: describes {name!r} again; expected each column once')
    levels = [text.clean(level) for level in row['levels'].split('|') if level.strip()]
    if levels:
      if len(levels) < 2 or len(set(levels)) < len(levels):
        raise UserError(f'{where}: levels are {row["levels"]!r}; expected two or more, as in f|m')
      found[name] = Category(name, tuple(levels[1:]), levels[0])
      continue
    low, high = (tables.parse_number(row[end], Missing()) for end in ('low', 'high'))
    if low is None or high is None or not low < high:
      raise UserError(
        f'{where}: {name!r} is from {row["low"]!r} to {row["high"]!r}; expected a smaller and a '
        'larger number, or levels'
      )
    middle = (low + high) / 2
    # A normal distribution of which the range holds 95%.
    found[name] = Number(
      name, middle, (high - low) / 4, middle, True, tuple(np.linspace(low, high, _QUANTILES))
    )
  return found
