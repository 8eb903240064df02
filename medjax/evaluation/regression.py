"""Metrics of predicted numbers, and of states along a chain, with intervals over groups."""

import numpy as np

from medjax.evaluation.bootstrap import Bootstrap
from medjax.evaluation.estimate import Estimate
from medjax.evaluation.number_concordance import NumberConcordance
from medjax.evaluation.proportions import proportion


def regression_metrics(
  label: np.ndarray, prediction: np.ndarray, group: np.ndarray | None = None
) -> dict[str, Estimate]:
  """RMSE, MAE, R2, Spearman's rank correlation and concordance, with 95% bootstrap intervals over
  groups.

  Args:
    label: [N] true values; NaN (unknown) is left out.
    prediction: [N] predicted values, finite.
    group: [N], the patient, scaffold or family of each; None where each is one of its own.

  Returns:
    rmse, mae (both in the label's unit), r2, spearman and concordance (see ``NumberConcordance``),
    by name. What the data do not define has value None and a reason.

  Raises:
    ValueError: If shapes differ, or a prediction is not finite.

  Example:
    >>> estimates = regression_metrics(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 5.0]))
    >>> round(estimates['rmse'].value, 4), estimates['spearman'].value
    (1.1547, 1.0)
  """
  label, prediction = np.asarray(label, np.float64), np.asarray(prediction, np.float64)
  if label.ndim != 1 or label.shape != prediction.shape:
    raise ValueError(f'label has shape {label.shape} and prediction {prediction.shape}')
  if not np.isfinite(prediction).all():
    raise ValueError('a prediction is not finite')
  group = np.arange(len(label)) if group is None else np.asarray(group)
  known = ~np.isnan(label)
  label, prediction, group = label[known], prediction[known], group[known]
  if not len(label):
    none = Estimate(None, reason='there is no case')
    return dict.fromkeys(('rmse', 'mae', 'r2', 'spearman', 'concordance'), none)
  error = prediction - label
  centred = label - label.mean()
  moments = np.stack([error**2, abs(error), centred, centred**2], axis=1)
  concordance = NumberConcordance(label, prediction, group)
  least = 1e-12 * float((centred**2).mean())  # spread that is not rounding

  def statistics(times: np.ndarray) -> dict[str, np.ndarray]:
    weights = times.astype(np.float64)
    square, absolute, first, second = (weights @ moments / weights.sum(axis=1, keepdims=True)).T
    spread = second - first**2
    with np.errstate(invalid='ignore', divide='ignore'):
      r2 = np.where(spread > least, 1 - square / spread, np.nan)
    return {
      'rmse': np.sqrt(square),
      'mae': absolute,
      'r2': r2,
      'spearman': _spearman(weights, label, prediction),
      'concordance': concordance(times),
    }

  once = statistics(np.ones((1, len(label)), np.float32))
  values = {name: float(value[0]) for name, value in once.items()}
  estimates = Bootstrap(group).intervals(values, statistics)
  return {
    name: Estimate(None, reason='all labels or all predictions are equal')
    if np.isnan(values[name])
    else estimate
    for name, estimate in estimates.items()
  }


def _spearman(weights: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
  """Rank correlation in each resample, [R]; equal values share their mean rank."""
  ranks = [_ranks(weights, values) for values in (one, other)]
  total = weights.sum(axis=1)
  centred = [rank - (total[:, None] + 1) / 2 for rank in ranks]
  with np.errstate(invalid='ignore', divide='ignore'):
    return _dot(weights, *centred) / np.sqrt(
      _dot(weights, centred[0], centred[0]) * _dot(weights, centred[1], centred[1])
    )


def _ranks(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
  """Mean rank [R, N] of each case among those drawn."""
  order = np.argsort(values, kind='stable')
  ranked = values[order]
  ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
  below = np.cumsum(weights[:, order], axis=1)[:, ends]
  drawn = np.diff(below, axis=1, prepend=0)
  of_value = below - (drawn - 1) / 2
  number = np.empty(len(values), np.int64)
  number[order] = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=-1))
  return of_value[:, number]


def _dot(weights: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
  return np.einsum('rn,rn,rn->r', weights, one, other)


def q3(label: np.ndarray, prediction: np.ndarray, chain: np.ndarray) -> Estimate:
  """The share of residues whose state is predicted right, with an interval over chains.

  Args:
    label: [N] states of residues, of all chains one after the other; negative where unresolved.
    prediction: [N] predicted states.
    chain: [N], the chain of each residue: residues of one chain are not independent.

  Example:
    >>> q3(np.array([0, 1, 2, -1]), np.array([0, 1, 1, 2]), np.array(['a', 'a', 'b', 'b'])).value
    0.6666666666666666
  """
  known = np.asarray(label) >= 0
  return proportion(
    (np.asarray(label) == prediction)[known], np.asarray(chain)[known], 'resolved residue'
  )
