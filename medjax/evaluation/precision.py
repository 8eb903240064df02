"""Average precision, the area under the precision-recall curve, with an interval that covers.

What limits its certainty is the number of positive cases, or over groups of groups with one:

  100 and more   percentiles of the bootstrap (see ``medjax.evaluation.bootstrap``)
  10 to 99       the logit interval of Boyd, Eng and Page, as of a share of the positive cases;
                 somewhat wide
  below 10       none: average precision itself is then far above its true value on average

In 2,000 simulated studies each with 10, 20 and 50 positive cases of 100 the intervals cover in 94%
or more (tests/evaluation/test_few_positives.py); percentiles of the bootstrap cover in 40%, 58%,
80% and 88% with 1, 2, 5 and 20.

References:
  Boyd, Eng and Page (2013), Area under the precision-recall curve: point estimates and confidence
    intervals, ECML PKDD, LNCS 8190:451-466.
"""

import math

import numpy as np

from medjax.evaluation.bootstrap import Bootstrap
from medjax.evaluation.estimate import Estimate, normal_quantile
from medjax.evaluation.proportions import exact_interval
from medjax.evaluation.ranking import Ranking

# Positive cases, or groups with one, from which there is an interval, and one by the bootstrap.
LEAST = 10
_MANY = 100


def average_precision(positive: np.ndarray, score: np.ndarray, group: np.ndarray) -> Estimate:
  """Average precision of scores: precision summed over steps in recall.

  Args:
    positive: [N] bool.
    score: [N]; larger means more likely positive.
    group: [N], the group of each case.

  Returns:
    The value in [0, 1], None without positive cases; without interval, and with the reason, where
    they are too few.

  Example:
    >>> average_precision(np.array([True, False]), np.array([0.7, 0.2]), np.arange(2)).value
    1.0
  """
  if not positive.any():
    return Estimate(None, reason='AUPRC needs a positive case; there is none')
  ranking = Ranking(positive, score)

  def statistics(times: np.ndarray) -> dict[str, np.ndarray]:
    return {'auprc': ranking.areas(times)[1]}

  value = float(statistics(np.ones((1, len(positive))))['auprc'][0])
  if reason := too_few(positive, group):
    return Estimate(value, reason=reason)
  groups = len(np.unique(group[positive]))
  if groups >= _MANY:
    return Bootstrap(group, positive.astype(np.int64)).intervals({'auprc': value}, statistics)[
      'auprc'
    ]
  return Estimate(value, *_logit_interval(value, groups), method='logit')


def too_few(positive: np.ndarray, group: np.ndarray) -> str:
  """Why there is no interval of the average precision of these cases; '' where there is one."""
  groups = len(np.unique(group[positive]))
  if groups >= LEAST:
    return ''
  what = 'positive cases' if groups == positive.sum() else 'groups with a positive case'
  return f'no interval from {groups} {what}: none covers with fewer than {LEAST}'


def _logit_interval(share: float, total: int, level: float = 0.95) -> tuple[float, float]:
  if share >= 1:  # where the logit is infinite
    return exact_interval(1.0, total, level)
  centre = math.log(share / (1 - share))
  half = normal_quantile(level) / math.sqrt(total * share * (1 - share))
  return 1 / (1 + math.exp(half - centre)), 1 / (1 + math.exp(-half - centre))
