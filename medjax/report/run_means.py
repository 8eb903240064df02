"""Means over the runs of a cross-validation, with intervals."""

from collections.abc import Sequence

import numpy as np

from medjax.evaluation import Estimate
from medjax.evaluation.estimate import t_quantile
from medjax.outcomes import Outcome

# Results that a mean over runs says nothing of.
LEFT_OUT = ('checkpoint_step', 'threshold', 'half_width')
# Metrics between 0 and 1 that the report shows elsewhere, by the first part of their name.
_SHARES = ('brier', 'coverage', 'ece', 'single')


def mean_over_runs(values: np.ndarray, ratio: float = 0.0, share: bool = False) -> Estimate:
  """The mean of what runs of a cross-validation have, with its 95% interval.

  Training cases of folds overlap, so that their results are not independent. The interval is
  Student's with the variance of Nadeau and Bengio: (1 / n + test / training cases) times that of
  the n folds, those of every repeat. Runs that differ by their seed alone test the same cases, and
  count by their mean as one.

  Args:
    values: [repeats, seeds, folds], NaN where a run has none.
    ratio: cases that a run tests for each that it is trained on; 0 for runs that are independent.
    share: whether the value is between 0 and 1, and so its interval.

  Source:
    Nadeau and Bengio (2003), Inference for the generalization error, Machine Learning 52:239-281;
    Bouckaert and Frank (2004), Evaluating the replicability of significance tests for comparing
    learning algorithms, PAKDD (for several repeats).

  Example:
    >>> mean_over_runs(np.array([[[0.5, 0.75, np.nan]]])).reason
    'of 2 runs'
  """
  there = np.isfinite(values)
  if not there.any():
    return Estimate(None, reason='no run defines it')
  by_fold = np.swapaxes(values, 1, 2).reshape(-1, values.shape[1])
  known = np.array([row[np.isfinite(row)].mean() for row in by_fold if np.isfinite(row).any()])
  value = float(known.mean())
  reason = '' if there.all() else f'of {int(there.sum())} runs'
  if len(known) < 3:  # of two the interval is a dozen times as wide as they are apart
    few = 'one fold' if len(known) == 1 else 'two folds'
    return Estimate(value, reason=f'{few}: no interval' + (f', {reason}' if reason else ''))
  if np.ptp(known) == 0:  # which is no certainty
    return Estimate(
      value, reason='all folds are alike: no interval' + (f', {reason}' if reason else '')
    )
  variance = (1 / len(known) + ratio) * float(known.var(ddof=1))
  half_width = t_quantile(0.95, len(known) - 1) * variance**0.5
  low, high = value - half_width, value + half_width
  return Estimate(value, max(low, 0.0) if share else low, min(high, 1.0) if share else high, reason)


def is_share(outcome: Outcome, name: str, names: Sequence[str]) -> bool:
  """Whether a metric is between 0 and 1.

  Args:
    outcome: what the labels are.
    name: of the metric.
    names: of all metrics there are.
  """
  metric = outcome.metric(name, names)
  return metric.share if metric else name.split('_')[0] in _SHARES
