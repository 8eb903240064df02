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


def mean_over_runs(known: Sequence[float], runs: int, share: bool = False) -> Estimate:
  """The mean of the values that runs have, with Student's interval.

  Training sets of folds overlap, so that it is somewhat too narrow (Bengio and Grandvalet 2004,
  JMLR 5:1089-1105).

  Args:
    known: the values of the runs that have one.
    runs: how many runs there are.
    share: whether the value is between 0 and 1, and so its interval.

  Example:
    >>> mean_over_runs([0.5, 0.75], 3).reason
    'of 2 runs'
  """
  if not len(known):
    return Estimate(None, reason='no run defines it')
  values = np.array(known, float)
  value = float(values.mean())
  reason = '' if len(values) == runs else f'of {len(values)} runs'
  if len(values) < 2:
    return Estimate(value, reason=reason or 'one run: no interval')
  half_width = t_quantile(0.95, len(values) - 1) * float(values.std(ddof=1)) / len(values) ** 0.5
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
