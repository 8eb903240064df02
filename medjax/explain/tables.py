"""Explanations of tables by name, with the settings that suit tables.

Attributions are of columns, whose inputs (levels, and whether a number is missing) come and go
together. What an absent column shows is taken from rows in which every column is distributed as in
training and independent of the others: no training row is kept with a run.
"""

import numpy as np

from medjax.explain.integrated import integrated_gradients
from medjax.explain.lime import lime_table
from medjax.explain.score import Method, Notes, Score
from medjax.explain.shap import kernel_shap


def methods(column: np.ndarray, typical: np.ndarray) -> dict[str, Method]:
  """The methods for one table: [N, D] -> [N, columns].

  Args:
    column: which column each input is made of, int [D], from 0.
    typical: inputs to compare with, float32 [rows, D]; see the module's docstring.
  """

  def of_shap(score: Score, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, Notes]:
    return kernel_shap(score, x, target, typical, regions=column)[0], {}

  def of_lime(score: Score, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, Notes]:
    surrogate = lime_table(score, x, target, typical)
    return _by_column(surrogate.weights, column), {'fit': surrogate.fit}

  def of_gradients(score: Score, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, Notes]:
    found = integrated_gradients(score, x, target, baseline=typical.mean(axis=0))
    return _by_column(found.parts, column), found.notes

  return {'integrated_gradients': of_gradients, 'kernel_shap': of_shap, 'lime': of_lime}


def _by_column(parts: np.ndarray, column: np.ndarray) -> np.ndarray:
  """Sums of inputs [N, D] over those of each column, [N, columns]."""
  sums = np.zeros((len(parts), column.max() + 1), parts.dtype)
  np.add.at(sums.T, column, parts.T)
  return sums
