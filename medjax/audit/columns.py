"""Columns of metadata as numbers."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from medjax.data import tables
from medjax.data.missing import Missing

_MOST_LEVELS = 50
_NUMBERS = 10  # different numbers from which on a column is one of numbers, not of levels
_KEY = 0.5  # share of different texts above which a column names cases
_MISSING = Missing()


def encode(cells: Sequence[str]) -> tuple[np.ndarray, str]:
  """Inputs of a column for a linear model, or why there are none.

  Numbers are taken as they are, missing ones as the median with a further input; texts give an
  input for each of at most fifty levels.

  Args:
    cells: [N].

  Returns:
    float64 [N, D] and ''; or [N, 0] and the reason.

  Example:
    >>> encode(['PA', 'AP', 'PA', 'AP'])[0].tolist()
    [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
  """
  values = numbers(cells)
  if values is not None and len(set(cells)) == len(cells) and (values == np.round(values)).all():
    return np.zeros((len(cells), 0)), 'counts cases: whole numbers that are all different'
  if values is not None:
    lacks = np.isnan(values)
    filled = np.where(lacks, np.nanmedian(values), values)
    return np.stack([filled, lacks.astype(float)], axis=1)[:, : 2 if lacks.any() else 1], ''
  counts = Counter(cells)
  if len(counts) < 2:
    return np.zeros((len(cells), 0)), 'has one value'
  if len(counts) > max(2, _KEY * len(cells)) and len(cells) > 2 * _NUMBERS:
    return np.zeros((len(cells), 0)), 'names cases: most of its texts differ'
  found = sorted(level for level, _ in counts.most_common(_MOST_LEVELS))
  return np.array([[float(cell == level) for level in found] for cell in cells]), ''


def numbers(cells: Sequence[str]) -> np.ndarray | None:
  """The numbers of a column, NaN where missing; None where it is one of levels.

  Args:
    cells: [N].
  """
  parsed = [tables.parse_number(cell, _MISSING) for cell in cells]
  if any(number is None for number in parsed):
    return None
  values = np.array(parsed, float)
  return values if len(np.unique(values[~np.isnan(values)])) > _NUMBERS else None


def difference(one: Sequence[str], other: Sequence[str]) -> tuple[float, str]:
  """Standardised difference of a column between two sets of cases, and the level that it is of.

  Of numbers the difference of means by the pooled standard deviation; of levels the largest
  difference of shares p by sqrt((p q + p' q') / 2).

  Args:
    one: cells.
    other: cells.

  Returns:
    The difference, positive where ``one`` has more; NaN where nothing varies.

  Source:
    Austin (2009), Balance diagnostics for comparing the distribution of baseline covariates,
    Statistics in Medicine 28:3083-3107.

  Example:
    >>> round(difference(['m', 'm', 'f', 'f'], ['m', 'm', 'm', 'f'])[0], 3)
    0.535
  """
  values = numbers([*one, *other])
  if values is not None:
    parts = values[: len(one)], values[len(one) :]
    parts = tuple(part[~np.isnan(part)] for part in parts)
    if min(map(len, parts)) < 2:
      return math.nan, ''
    spread = math.sqrt(sum(part.var(ddof=1) for part in parts) / 2)
    return (float((parts[0].mean() - parts[1].mean()) / spread) if spread else math.nan), ''
  counts = Counter(one), Counter(other)
  best: tuple[float, str] = (math.nan, '')
  for level in sorted({*counts[0], *counts[1]}):
    p, q = counts[0][level] / len(one), counts[1][level] / len(other)
    spread = math.sqrt((p * (1 - p) + q * (1 - q)) / 2)
    if not spread:
      found = math.nan if p == q else math.copysign(math.inf, p - q)
    else:
      found = (p - q) / spread
    if not math.isnan(found) and not abs(found) <= abs(best[0]):
      best = found, level
  return best
