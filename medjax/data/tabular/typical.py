"""Inputs that stand for the training rows in explanations, which need something to compare with."""

import itertools

import numpy as np

_TYPICAL = 20  # rows that stand for the training rows


def rows(values: np.ndarray, column_of: np.ndarray) -> np.ndarray:
  """Twenty rows in which every column is distributed as in training, and is independent of others.

  Of each column they take evenly spaced ranks, in an order of its own, so that no row is that of a
  patient.

  Args:
    values: inputs of the training rows, [N, D].
    column_of: which column of the table each input is made of, [D].

  Returns:
    float32 [20, D].
  """
  random = np.random.default_rng(0)
  rank = ((np.arange(_TYPICAL) + 0.5) / _TYPICAL * len(values)).astype(int)
  typical = np.empty((_TYPICAL, values.shape[1]))
  edges = np.flatnonzero(
    np.diff(column_of, prepend=-1, append=-1)
  )  # inputs of a column are together
  for first, end in itertools.pairwise(edges):
    inputs = values[:, first:end]
    order = np.lexsort(inputs.T)[rank]
    typical[:, first:end] = inputs[random.permutation(order)]
  # As data.json keeps them, so that a finished run explains to the same bits.
  return np.array(
    [[float(f'{value:.5g}') for value in row] for row in typical.tolist()], np.float32
  )
