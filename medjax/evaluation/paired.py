"""Two models on the same cases: paired differences with intervals and tests.

AUROC: DeLong's paired test. Brier score, log loss: the normal test of the mean of the cases'
differences. Accuracy, sensitivity, specificity: McNemar's exact test. Where a group has several
cases, all of them but AUROC: the t test of the mean with the cluster-robust variance. AUPRC:
percentiles of the bootstrap of both on the same resamples.
"""

import math

import numpy as np
import scipy.special

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
    auroc_<class>, accuracy and log_loss for more.

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
    for index, name in enumerate(first.classes):
      pair = (first.probability[:, index], second.probability[:, index])
      differences[f'auroc_{name}'] = auroc_difference(label == index, *pair, group=group)
  differences['accuracy'] = _mean(right, group)
  if first.is_binary:
    for name, members in (('sensitivity', label == 1), ('specificity', label == 0)):
      differences[name] = _mean([part[members] for part in right], group[members])
    differences['brier'] = _mean([(p - label) ** 2 for p in pair], group)
  losses = [log_losses(label, table.by_class()) for table in (first, second)]
  differences['log_loss'] = _mean(losses, group)
  return differences


def _matched(
  first: Predictions, second: Predictions, calls: tuple[np.ndarray, np.ndarray]
) -> tuple[Predictions, Predictions, tuple[np.ndarray, np.ndarray]]:
  """Both tables with their labelled rows in the same order."""
  if first.classes != second.classes:
    raise UserError(
      f'compare: classes differ: {", ".join(first.classes)} and {", ".join(second.classes)}'
    )
  keep = [~np.isnan(table.label) for table in (first, second)]
  calls = (calls[0][keep[0]], calls[1][keep[1]])
  first, second = first.labelled(), second.labelled()
  place = {name: row for row, name in enumerate(second.id.tolist())}
  missing = [name for name in first.id.tolist() if name not in place]
  if missing or len(first) != len(second):
    missing = missing or sorted(set(second.id.tolist()) - set(first.id.tolist()))
    raise UserError(f'compare: the runs predicted other cases: {missing[0]} is in one of them only')
  order = np.array([place[name] for name in first.id.tolist()], np.int64)
  second = second.take(order)
  differ = np.flatnonzero(first.label != second.label)
  if len(differ):
    raise UserError(f'compare: the label of {first.id[differ[0]]} differs between the runs')
  return first, second, (calls[0], calls[1][order])


def _mean(pair: list[np.ndarray], group: np.ndarray) -> Difference:
  """The mean of the differences of scores [N] by case."""
  gap = pair[0].astype(np.float64) - pair[1].astype(np.float64)
  if not len(gap):
    return Difference(None, reason='there is no case')
  value = float(gap.mean())
  groups = len(np.unique(group))
  if groups < 2 or np.ptp(gap) == 0:
    return Difference(value, reason='every case differs alike: no interval')
  variance = variance_of_mean(gap, group)
  if variance <= 1e-24:
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


def _auprc(label: np.ndarray, pair: tuple[np.ndarray, np.ndarray], group: np.ndarray) -> Difference:
  if not (label == 1).any():
    return Difference(None, reason='AUPRC needs a positive case; there is none')
  rankings = [Ranking(label == 1, score) for score in pair]

  def gap(times: np.ndarray) -> np.ndarray:
    one, other = (ranking.areas(times)[1] for ranking in rankings)
    return one - other

  value = float(gap(np.ones((1, len(label))))[0])
  if reason := too_few(label == 1, group):
    return Difference(value, reason=reason)
  resamples = np.concatenate([gap(times) for times in Bootstrap(group, label).blocks()])
  estimate = percentiles(value, resamples, lacks='they lack a class')
  return Difference(estimate.value, estimate.low, estimate.high, reason=estimate.reason)
