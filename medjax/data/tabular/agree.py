"""Preprocessing that several sites agree on, from what each fitted to its own training rows.

A site tells of each column of numbers its mean, standard deviation, median and quantiles between
the 5th and the 95th percentile; of each column of texts its levels. No row leaves it, nor the
smallest or largest number of a column, which are those of single patients. Means and standard
deviations come out as if all rows had been in one place; medians and quantiles are those of a
mixture of the sites' quantile functions, which is close to it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medjax.data.agreement import moments
from medjax.data.tabular.preprocess import Category, Number, Preprocessing
from medjax.errors import UserError

_ROWS = 20  # as of ``typical``


def told(details: Mapping[str, Any]) -> dict[str, Any]:
  """What a site tells of its ``details``: without the ends of quantiles, and without rows."""
  fitted = dict(details['preprocessing'])
  fitted['columns'] = [
    column | {'quantiles': [column['quantiles'][1], *column['quantiles'][1:-1],
                            column['quantiles'][-2]]}
    if column['kind'] == 'number' else column
    for column in fitted['columns']
  ]  # fmt: skip
  return {name: value for name, value in details.items() if name != 'typical'} | {
    'preprocessing': fitted
  }


def preprocessing(
  parts: Sequence[Preprocessing],
  cases: Sequence[int],
  names: Sequence[str],
  *,
  quantiles: bool = True,
) -> tuple[Preprocessing, list[str]]:
  """One preprocessing of several.

  Args:
    parts: of each site.
    cases: its training rows.
    names: what sites are called, for errors.
    quantiles: whether medians follow from quantiles; else they are the mean of the sites' medians.

  Returns:
    The preprocessing, and notes on columns that are left out as a site does not have them.

  Raises:
    UserError: a column is one of numbers here and one of texts there, or no column is left.

  Example:
    >>> from medjax.data.tabular import preprocess
    >>> one, other = (preprocess.fit([{'age': str(a)} for a in ages], ['age'])
    ...               for ages in ([40, 60], [50, 70]))
    >>> both, _ = preprocessing([one, other], [2, 2], ['a', 'b'])
    >>> both.columns[0].mean, round(both.columns[0].scale, 3)
    (55.0, 11.18)
  """
  by_name = [{column.name: column for column in part.columns} for part in parts]
  every = dict.fromkeys(name for columns in by_name for name in columns)
  found: list[Number | Category] = []
  notes = []
  weights = np.asarray(cases, float) / np.sum(cases)
  for name in every:
    lacking = [site for site, columns in zip(names, by_name, strict=True) if name not in columns]
    if lacking:
      notes.append(f'column {name!r} is left out: it is none, or has one value, at {lacking[0]}')
      continue
    columns = [one[name] for one in by_name]
    numbers = [isinstance(column, Number) for column in columns]
    if any(numbers) and not all(numbers):
      odd = names[numbers.index(False)]
      raise UserError(
        f'--sites: column {name!r} holds texts at {odd} and numbers at {names[numbers.index(True)]}'
        f'; expected one of them (config.data.categorical={name} makes numbers texts)'
      )
    if all(numbers):
      found.append(_number(columns, weights, quantiles))  # type: ignore[arg-type]
    else:
      found.append(_category(columns))  # type: ignore[arg-type]
  if not found:
    raise UserError('--sites: no column is an input at every site')
  written = {name: text for part in parts for name, text in part.written.items()}
  return Preprocessing(tuple(found), parts[0].missing, written), notes


def _number(columns: Sequence[Number], weights: np.ndarray, known: bool) -> Number:
  mean, scale = moments([c.mean for c in columns], [c.scale for c in columns], weights)
  places = np.linspace(0, 1, len(columns[0].quantiles))
  quantiles = _mixed([c.quantiles for c in columns], weights, places)
  median = float(np.dot(weights, [c.median for c in columns]))
  if known:
    median = float(_mixed([c.quantiles for c in columns], weights, np.array([0.5]))[0])
  return Number(
    columns[0].name,
    mean,
    scale,
    median,
    any(c.missing for c in columns),
    tuple(map(float, quantiles)),
  )


def _mixed(
  quantiles: Sequence[Sequence[float]], weights: np.ndarray, places: np.ndarray
) -> np.ndarray:
  """Quantiles of a mixture, each part of which has evenly spaced ones."""
  grid = np.unique(np.concatenate(quantiles))
  below = np.zeros(len(grid))
  above = np.zeros(len(grid))  # at a step, the share up to and with it
  for values, weight in zip(quantiles, weights, strict=True):
    share = np.linspace(0, 1, len(values))
    known, first = np.unique(values, return_index=True)
    last = len(values) - 1 - np.unique(np.asarray(values)[::-1], return_index=True)[1]
    below += weight * np.interp(grid, known, share[first])
    above += weight * np.interp(grid, known, share[last])
  return np.interp(places, (below + above) / 2, grid)


def _category(columns: Sequence[Category]) -> Category:
  own = [(c.reference, *c.levels) if c.reference else c.levels for c in columns]
  levels = dict.fromkeys(level for one in own for level in one)
  found = list(levels)
  reference = next((c.reference for c in columns if c.reference), '')
  if len(found) > 2 and any(not c.reference for c in columns):
    reference = ''  # at a site with more than two levels each has an input
  if reference:
    found.remove(reference)
  return Category(columns[0].name, tuple(found), reference)


def typical(fitted: Preprocessing) -> np.ndarray:
  """Rows that stand for the training rows in explanations, made of the quantiles alone.

  Levels of a column of texts come equally often, as nobody told how often they are.

  Returns:
    float32 [20, D].
  """
  random = np.random.default_rng(0)
  rank = (np.arange(_ROWS) + 0.5) / _ROWS
  parts = []
  for column in fitted.columns:
    if isinstance(column, Number):
      places = np.linspace(0, 1, len(column.quantiles))
      value = (np.interp(rank, places, column.quantiles) - column.mean) / column.scale
      inputs = np.stack([value, np.zeros(_ROWS)], 1) if column.missing else value[:, None]
    else:
      count = len(column.levels) + bool(column.reference)
      chosen = np.arange(_ROWS) % count - bool(column.reference)
      inputs = (chosen[:, None] == np.arange(len(column.levels))).astype(float)
    parts.append(random.permutation(inputs))
  values = np.concatenate(parts, axis=1).tolist()
  return np.array([[float(f'{cell:.5g}') for cell in row] for row in values], np.float32)
