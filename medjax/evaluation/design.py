"""The design matrix of a regression, and which of its columns say the same.

Columns are standardised inside, so that what is small or singular does not depend on their units.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

# Of the norm of a standardised column: ten times what inputs in float32 lose to rounding.
_SINGULAR = 1e-6
_NAMED = 5


@dataclasses.dataclass(frozen=True, eq=False)
class Design:
  """Inputs with an intercept before them.

  Attributes:
    names: of the D inputs.
    matrix: float64 [N, D + 1], ones and the inputs less their mean in standard deviations; a
      constant input is all 0.
    centre: float64 [D], the means.
    scale: float64 [D], the standard deviations; 1 for a constant input.

  Example:
    >>> make(np.array([[1.0], [3.0]])).matrix
    array([[ 1., -1.],
           [ 1.,  1.]])
  """

  names: tuple[str, ...]
  matrix: np.ndarray
  centre: np.ndarray
  scale: np.ndarray

  @property
  def back(self) -> np.ndarray:
    """[D + 1, D + 1]: intercept and coefficients of the inputs, from those of ``matrix``."""
    transform = np.diag(np.append(1.0, 1 / self.scale))
    transform[0, 1:] = -self.centre / self.scale
    return transform

  @property
  def forth(self) -> np.ndarray:
    """[D + 1, D + 1]: the inverse of ``back``."""
    transform = np.diag(np.append(1.0, self.scale))
    transform[0, 1:] = self.centre
    return transform

  def deficient(self) -> str:
    """Why coefficients are not unique, naming the inputs; empty where they are."""
    rows, unknown = self.matrix.shape
    if rows < unknown:
      return f'{rows} cases cannot tell {unknown} coefficients'
    singular = np.linalg.svd(self.matrix, compute_uv=False)
    if singular[-1] > _SINGULAR * rows**0.5:
      return ''
    return '; '.join(self._dependent()) or 'the inputs are collinear'

  def _dependent(self) -> list[str]:
    """A sentence on each input that those before it determine."""
    reasons: list[str] = []
    kept: list[int] = []
    for index, name in enumerate(self.names):
      column = self.matrix[:, index + 1]
      if not column.any():
        reasons.append(f'{name} is constant')
        continue
      before = self.matrix[:, np.array(kept, int) + 1]
      weights = np.linalg.lstsq(before, column, rcond=None)[0] if kept else np.zeros(0)
      # A small angle to the others gives a singular value that is smaller by up to the number of
      # columns, hence the factor.
      limit = _SINGULAR * len(self.names)
      if np.linalg.norm(column - before @ weights) > limit * np.linalg.norm(column):
        kept.append(index)
        continue
      by = [self.names[i] for i, weight in zip(kept, weights, strict=True) if abs(weight) > 1e-4]
      reasons.append(f'{name} is collinear with {listed(by)}')
    return reasons


def make(inputs: np.ndarray, names: Sequence[str] | None = None) -> Design:
  """The design matrix of inputs [N, D].

  Raises:
    ValueError: inputs are not a matrix of finite numbers, or names are not one for each column.
  """
  inputs = np.asarray(inputs, np.float64)
  if inputs.ndim != 2 or not inputs.size:
    raise ValueError(f'inputs have shape {inputs.shape}; expected rows and columns')
  if not np.isfinite(inputs).all():
    raise ValueError('an input is not finite')
  names = [f'x{i}' for i in range(inputs.shape[1])] if names is None else names
  if len(names) != inputs.shape[1]:
    raise ValueError(f'{len(names)} names for {inputs.shape[1]} inputs')
  constant = np.ptp(inputs, axis=0) == 0
  centre = np.where(constant, inputs[0], inputs.mean(axis=0))
  scale = np.where(constant, 1.0, inputs.std(axis=0))
  matrix = np.column_stack([np.ones(len(inputs)), (inputs - centre) / scale])
  return Design(tuple(map(str, names)), matrix, centre, scale)


def listed(names: Sequence[str]) -> str:
  """'a, b and c', of many only the first five.

  Example:
    >>> listed(['age', 'sex', 'bmi'])
    'age, sex and bmi'
  """
  if len(names) > _NAMED:
    return f'{", ".join(names[:_NAMED])} and {len(names) - _NAMED} others'
  return ' and '.join(filter(None, [', '.join(names[:-1]), *names[-1:]]))
