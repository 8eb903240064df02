"""Explanations of tables by name, with the settings that suit tables.

Attributions are of columns, whose inputs (levels, and whether a number is missing) come and go
together. What an absent column shows is taken from rows in which every column is distributed as in
training and independent of the others: no training row is kept with a run.
"""

import numpy as np

from medjax.data import tabular
from medjax.data.dataset import Dataset
from medjax.explain.gradients import integrated_gradients
from medjax.explain.lime import lime_table
from medjax.explain.score import Method, Notes, Score
from medjax.explain.shap import kernel_shap


def _kernel_shap(
  score: Score, x: np.ndarray, target: np.ndarray, data: Dataset
) -> tuple[np.ndarray, Notes]:
  return kernel_shap(score, x, target, tabular.typical(data), regions=tabular.column_of(data))[
    0
  ], {}


def _lime(
  score: Score, x: np.ndarray, target: np.ndarray, data: Dataset
) -> tuple[np.ndarray, Notes]:
  found = lime_table(score, x, target, tabular.typical(data))
  return _by_column(found.weights, data), {'fit': found.fit}


def _integrated(
  score: Score, x: np.ndarray, target: np.ndarray, data: Dataset
) -> tuple[np.ndarray, Notes]:
  mean = tabular.typical(data).mean(axis=0)
  parts, gap = integrated_gradients(score, x, target, baseline=mean)
  return _by_column(parts, data), {'completeness_gap': gap}


def _by_column(parts: np.ndarray, data: Dataset) -> np.ndarray:
  """Sums of inputs [N, D] over those of each column, [N, columns]."""
  column = tabular.column_of(data)
  found = np.zeros((len(parts), column.max() + 1), parts.dtype)
  np.add.at(found.T, column, parts.T)
  return found


# [N, D] -> [N, columns].
METHODS: dict[str, Method] = {
  'integrated_gradients': _integrated,
  'kernel_shap': _kernel_shap,
  'lime': _lime,
}
