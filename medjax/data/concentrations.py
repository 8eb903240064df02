"""Numbers that may be concentrations, such as an IC50 in nM, whose logarithm models predict."""

import math
from typing import Literal

import numpy as np

How = Literal['as_is', 'minus_log10_nM']

_ORDERS = 1000.0  # how far concentrations span, at least; logarithms and scores span less
_LOGARITHM = 20.0  # no pKd is larger


def taken(column: str, values: np.ndarray, how: How, setting: str) -> tuple[np.ndarray, list[str]]:
  """The numbers to predict, float64 [N], and what is said of them, one line each.

  Args:
    column: that they are of.
    values: as they are written, [N], NaN where nothing is known; with a logarithm above 0.
    how: as they stand, or 9 - log10 of a concentration in nM, which is pKd or pIC50.
    setting: that says how, such as 'config.data.affinity'.

  Example:
    >>> taken('Kd', np.array([1.0, 1e5]), 'minus_log10_nM', 'config.data.affinity')[0].tolist()
    [9.0, 4.0]
  """
  known = values[~np.isnan(values)]
  if how == 'as_is':
    return values, _spanning(column, known, setting)
  notes = []
  if len(known) and known.max() <= _LOGARITHM:
    notes.append(
      f'{column} is {known.max():g} nM at most, which may be a logarithm already: '
      f'{setting}=as_is takes it as it stands'
    )
  return 9 - np.log10(values), [*notes, f'predicted: 9 - log10 of {column} in nM']


def _spanning(column: str, known: np.ndarray, setting: str) -> list[str]:
  if not len(known) or not known.min() > 0 or known.max() / known.min() < _ORDERS:
    return []
  orders = math.log10(known.max() / known.min())
  return [
    f'{column} goes from {known.min():g} to {known.max():g}, over {orders:.0f} orders of '
    'magnitude, as Kd, Ki or IC50 in nM do, and is taken as it stands: '
    f'{setting}=minus_log10_nM predicts 9 - log10 of it, which is pKd or pIC50'
  ]
