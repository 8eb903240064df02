"""Two models on the same cases: paired differences with intervals and tests.

AUROC: DeLong's paired test. Brier score, log loss: the normal test of the mean of the cases'
differences. Accuracy, sensitivity, specificity: McNemar's exact test. Where a group has several
cases, all of them but AUROC: the t test of the mean with the cluster-robust variance. AUPRC, and
the mean of AUROCs over several classes: percentiles of the bootstrap of both on the same resamples.
"""

import math
from collections.abc import Sequence

import numpy as np
import scipy

from medjax.errors import UserError
from medjax.evaluation.bootstrap import Bootstrap, percentiles
from medjax.evaluation.delong import auroc_difference
from medjax.evaluation.estimate import Difference, normal_quantile, t_quantile
from medjax.evaluation.metrics import log_losses
from medjax.evaluation.precision import too_few
from medjax.evaluation.proportions import variance_of_mean
from medjax.evaluation.ranking import Ranking
from medjax.evaluation.table import Predictions


def compare(
  first: Predictions,
  second: Predictions,
  calls: tuple[np.ndarray, np.ndarray],
) -> dict[str, Difference]:
  """The first table's metrics less the second's.

  Args:
    first: Predictions of one model.
    second: Of the other, for the same cases in any order.
    calls: The class number that each model calls each case of its table, [N] each.

  Returns:
    By name: auroc, auprc, accuracy, sensitivity, specificity, brier and log_loss for two classes;
    auroc (the mean over classes), auroc_<class>, accuracy and log_loss for more.

  Raises:
    UserError: The tables hold other cases, classes or labels.
  """
  first, second, calls = _matched(first, second, calls)
  label, group = first.label, first.group
  right = [called == label for called in calls]
  differences: dict[str, Difference] = {}
  if first.is_binary:
    pair = (first.probability, second.probability)
    differences['auroc'] = auroc_difference(label, *pair, group=group)
    differences['auprc'] = _auprc(label, pair, group)
  else:
    differences['auroc'] = mean_auroc_difference(
      label[:, None] == np.arange(len(first.classes)),
      (first.probability, second.probability),
      Bootstrap(group, label),
    )
    for index, name in enumerate(first.classes):
      pair = (first.probability[:, index], second.probability[:, index])
      differences[f'auroc_{name}'] = auroc_difference(label == index, *pair, group=group)
  differences['accuracy'] = mean_difference(right, group)
  if first.is_binary:
    for name, members in (('sensitivity', label == 1), ('specificity', label == 0)):
      differences[name] = mean_difference([part[members] for part in right], group[members])
    differences['brier'] = mean_difference([(p - label) ** 2 for p in pair], group)
  losses = [log_losses(label, table.by_class()) for table in (first, second)]
  differences['log_loss'] = mean_difference(losses, group)
  return differences


def _matched(
  first: Predictions, second: Predictions, calls: tuple[np.ndarray, np.ndarray]
) -> tuple[Predictions, Predictions, tuple[np.ndarray, np.ndarray]]:
  """Both tables with their labelled rows in the same order."""
  if first.classes != second.classes:
    raise UserError(
      f'compare: classes differ: {", ".join(first.classes)} and {", ".join(second.classes)}'
    )
  known = ~np.isnan(first.label)
  called = dict(zip(second.id.tolist(), calls[1].tolist(), strict=True))
  first, second = first.labelled(), second.labelled()
  second = second.in_order_of(first)
  calls = (calls[0][known], np.array([called[name] for name in second.id.tolist()], np.int64))
  differ = np.flatnonzero(first.label != second.label)
  if len(differ):
    raise UserError(f'compare: the label of {first.id[differ[0]]} differs between the runs')
  return first, second, calls


def mean_difference(pair: Sequence[np.ndarray], group: np.ndarray) -> Difference:
  """The mean of the differences of two models' scores, with interval and test over groups.

  Args:
    pair: scores of each case, [N] of either model.
    group: [N], the group of each case.

  Example:
    >>> mean_difference([np.array([1.0, 2.0]), np.array([0.0, 2.0])], np.array(['a', 'b'])).value
    0.5
  """
  gap = pair[0].astype(np.float64) - pair[1].astype(np.float64)
  if not len(gap):
    return Difference(None, reason='there is no case')
  value = float(gap.mean())
  groups = len(np.unique(group))
  if groups < 2 or np.ptp(gap) == 0:
    return Difference(value, reason='every case differs alike: no interval')
  variance = variance_of_mean(gap, group)
  if variance <= 1e-24 * float(np.square(gap).mean()):
    return Difference(value, reason='every group differs alike: no interval')
  deviation = math.sqrt(variance)
  if groups < len(gap):
    half_width = t_quantile(0.95, groups - 1) * deviation
    p_value = 2 * float(scipy.special.stdtr(groups - 1, -abs(value) / deviation))
  else:
    half_width = normal_quantile(0.95) * deviation
    p_value = _mcnemar(gap) if pair[0].dtype == bool else math.erfc(abs(value) / deviation / 2**0.5)
  return Difference(value, value - half_width, value + half_width, p_value)


def _mcnemar(gap: np.ndarray) -> float:
  """Exact: of the cases on which the models differ, each is right in half of them."""
  first, second = int((gap > 0).sum()), int((gap < 0).sum())
  return min(1.0, 2 * float(scipy.special.bdtr(min(first, second), first + second, 0.5)))


def mean_auroc_difference(
  positive: np.ndarray, pair: tuple[np.ndarray, np.ndarray], draws: Bootstrap
) -> Difference:
  """The mean over classes of one model's AUROCs less that of the other.

  Args:
    positive: whether each case is of each class, bool [N, C], or float with NaN where that is not
      known.
    pair: scores [N, C] of either model.
    draws: resamples of the N cases.
  """
  known = ~np.isnan(positive.astype(np.float64))
  usable = [i for i in range(positive.shape[1]) if len(np.unique(positive[known[:, i], i])) == 2]
  if not usable:
    return Difference(None, reason='no class has cases and non-cases')
  rankings = [
    [Ranking(positive[known[:, i], i] == 1, scores[known[:, i], i]) for scores in pair]
    for i in usable
  ]

  def gap(times: np.ndarray) -> np.ndarray:
    gaps = []
    for i, (one, other) in zip(usable, rankings, strict=True):
      some = times[:, known[:, i]]
      gaps.append(one.areas(some)[0] - other.areas(some)[0])
    return np.mean(gaps, axis=0)

  value = float(gap(np.ones((1, len(positive)), np.float32))[0])
  estimate = percentiles(value, np.concatenate([gap(times) for times in draws.blocks()]))
  few = f'over {len(usable)} of {positive.shape[1]} classes, which have cases and non-cases'
  reasons = [few if len(usable) < positive.shape[1] else '', estimate.reason]
  return Difference(value, estimate.low, estimate.high, reason='; '.join(filter(None, reasons)))


def _auprc(label: np.ndarray, pair: tuple[np.ndarray, np.ndarray], group: np.ndarray) -> Difference:
  if not (label == 1).any():
    return Difference(None, reason='AUPRC needs a positive case; there is none')
  rankings = [Ranking(label == 1, score) for score in pair]

  def gap(times: np.ndarray) -> np.ndarray:
    one, other = (ranking.average_precision(times) for ranking in rankings)
    return one - other

  value = float(gap(np.ones((1, len(label))))[0])
  if reason := too_few(label == 1, group):
    return Difference(value, reason=reason)
  resamples = np.concatenate([gap(times) for times in Bootstrap(group, label).blocks()])
  estimate = percentiles(value, resamples, lacks='they lack a class')
  return Difference(estimate.value, estimate.low, estimate.high, reason=estimate.reason)
