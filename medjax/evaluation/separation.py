"""Can the inputs of a logistic regression separate the classes? Then it has no estimate.

With z_i = +-(1, x_i), plus for the second class and minus for the first, a direction b separates
where z_i . b >= 0 for every case and > 0 for some of them: those it parts. Along it the likelihood
grows for ever, so the maximum likelihood estimate exists if and only if there is no such direction
(Albert and Anderson 1984). Directions form a cone, so with b long enough one linear programme finds
one that parts every case that any direction parts:

  maximise  sum_i u_i  subject to  z_i . b >= u_i,  0 <= u_i <= 1,  b free.

At its solution each u_i is 0 or 1, nothing between. None is 1: no separation. Some: quasi-complete.
All: complete. This is Konis's programme with the box around each case in place of around b, where a
corner of the box may leave cases at 0 that another direction parts. Columns are standardised first.
The solver holds z_i . b >= u_i to 1e-7, about the rounding of inputs in float32; a separation that
hangs on less is not told from an overlap.

References:
  Albert and Anderson (1984), On the existence of maximum likelihood estimates in logistic
    regression models, Biometrika 71:1-10.
  Konis (2007), Linear programming algorithms for detecting separated data in binary logistic
    regression models, DPhil thesis, University of Oxford.
"""

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np
import scipy

from medjax.evaluation import design

_SECONDS = 60.0  # for one linear programme
_TRIED = 50  # columns, each with a linear programme of its own


@dataclasses.dataclass(frozen=True)
class Separation:
  """Whether the inputs separate two classes.

  Attributes:
    kind: 'none'; 'quasi-complete', some cases are parted and the others lie on the boundary; or
      'complete'.
    by: inputs that part the same cases by themselves; up to 50, none of which can be left out.
      Empty where every label is of one class, which the intercept parts.
    diverging: inputs whose coefficient has no finite estimate; all where separation is complete.
    parted: how many cases.
    direction: intercept and coefficients [D + 1] of the inputs that part them, for proof; empty
      where there is none.

  Example:
    >>> separation(np.array([[1.0], [2.0], [3.0]]), np.array([0, 0, 1]), ['age']).kind
    'complete'
  """

  kind: Literal['none', 'quasi-complete', 'complete']
  by: tuple[str, ...] = ()
  diverging: tuple[str, ...] = ()
  parted: int = 0
  direction: tuple[float, ...] = ()

  @property
  def reason(self) -> str:
    """Why there is no maximum likelihood estimate; empty where there is one."""
    if self.kind == 'none':
      return ''
    advice = 'the maximum likelihood estimate does not exist; use a penalty'
    if not self.by:
      return f'every label is of one class; {advice}'
    if self.kind == 'complete':
      return f'the classes can be separated completely by {design.listed(self.by)}; {advice}'
    return (
      f'{self.parted} cases can be separated from the rest by {design.listed(self.by)}; {advice}'
    )


def separation(
  inputs: np.ndarray, label: np.ndarray, names: Sequence[str] | None = None
) -> Separation:
  """Decides whether the classes can be separated by a linear function of the inputs.

  Args:
    inputs: [N, D] numbers; constant columns play no part.
    label: [N] 0 or 1.
    names: of the inputs; x0, x1 and so on where there are none.

  Raises:
    ValueError: shapes or labels are not these.
    RuntimeError: the linear programme was not solved within a minute.
  """
  made = design.make(inputs, names)
  signed = made.matrix * signs(label, len(made.matrix))[:, None]
  direction, parted = _programme(signed)
  if not parted.any():
    return Separation('none')
  by = _enough(signed, parted, direction)
  return Separation(
    'complete' if parted.all() else 'quasi-complete',
    tuple(made.names[i - 1] for i in by),
    tuple(made.names[i - 1] for i in _diverging(made.matrix[~parted]) if i),
    int(parted.sum()),
    tuple(map(float, made.back @ direction)),
  )


def signs(label: np.ndarray, rows: int) -> np.ndarray:
  """1.0 for the second class and -1.0 for the first, [N].

  Raises:
    ValueError: a label is neither 0 nor 1, or there are not as many as rows.
  """
  label = np.asarray(label)
  if label.shape != (rows,):
    raise ValueError(f'label has shape {label.shape}; expected ({rows},) as in inputs')
  if not np.isin(label, (0, 1)).all():
    raise ValueError('a label is neither 0 nor 1')
  return 2.0 * label - 1


def _programme(signed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """A direction [D + 1], and which cases [N] it parts: all that any direction parts."""
  rows, unknown = signed.shape
  solution = scipy.optimize.linprog(
    np.append(np.zeros(unknown), -np.ones(rows)),
    A_ub=scipy.sparse.hstack([scipy.sparse.csr_array(-signed), scipy.sparse.eye_array(rows)]),
    b_ub=np.zeros(rows),
    bounds=[(None, None)] * unknown + [(0, 1)] * rows,
    options={'time_limit': _SECONDS},
  )
  if solution.status:
    raise RuntimeError(f'separation: the linear programme was not solved: {solution.message}')
  return solution.x[:unknown], solution.x[unknown:] > 0.5


def _enough(signed: np.ndarray, parted: np.ndarray, direction: np.ndarray) -> list[int]:
  """A small set of columns that part the same cases: those of the direction with the smallest sum
  of absolute coefficients, less each one that can be left out."""
  cost = np.append(0.0, np.ones(len(direction) - 1))  # the intercept is not counted
  solution = scipy.optimize.linprog(
    np.append(cost, cost),
    A_ub=scipy.sparse.csr_array(-np.hstack([signed, -signed])),
    b_ub=-parted.astype(float),
    options={'time_limit': _SECONDS},
  )
  # A separation within the solver's tolerance may not be found twice.
  shortest = direction if solution.status else np.subtract(*np.split(solution.x, 2))
  size = np.abs(shortest[1:])
  order = np.argsort(size, kind='stable')
  kept = [int(i) + 1 for i in order if size[i] > 1e-6 * size.max()]
  for index in list(kept) if len(kept) <= _TRIED else []:
    fewer = [i for i in kept if i != index]
    if (_programme(signed[:, [0, *fewer]])[1] == parted).all():
      kept = fewer
  return sorted(kept)


def _diverging(unparted: np.ndarray) -> list[int]:
  """Columns that a direction can have, of cases [R, D + 1] that none parts: it is orthogonal to
  them all, and every such vector is the difference of two directions."""
  _, singular, across = np.linalg.svd(unparted, full_matrices=True)
  rank = int((singular > 1e-6 * len(unparted) ** 0.5).sum())
  return [int(i) for i in np.flatnonzero(np.abs(across[rank:]).max(axis=0, initial=0) > 1e-5)]
