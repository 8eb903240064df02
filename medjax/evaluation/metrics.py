"""Metrics of classification with 95% intervals, from a table of predictions.

Rows without a label are left out. Cases of one group (a patient) are not taken as independent:
every interval is over groups, and where every case is its own group it is the usual one.

2000 resamples of 10,000 cases take about a second (``binary_metrics``, one core of an AMD EPYC).

Intervals:
  AUROC of two classes: DeLong's, over groups Obuchowski's (see ``medjax.evaluation.delong``).
  AUPRC, F1, MCC, macro AUROC, balanced accuracy: percentiles of 2000 bootstrap resamples (see
    ``medjax.evaluation.bootstrap``).
  Accuracy, sensitivity, specificity, PPV, NPV: Wilson's score interval; over groups with the
    effective number of cases, at which independent cases would have the variance of these, and
    Student's t for the number of groups (Korn and Graubard 1998, Survey Methodology 24:193-201).
  Brier score, log loss: normal interval of the mean of the cases' own scores; over groups the
    cluster-robust variance with Student's t.
"""

import math
from collections.abc import Callable

import numpy as np

from medjax.evaluation.bootstrap import Bootstrap
from medjax.evaluation.delong import auroc_interval
from medjax.evaluation.estimate import Estimate, normal_quantile, t_quantile
from medjax.evaluation.ranking import Ranking
from medjax.evaluation.table import Predictions

_LEVEL = 0.95


def wilson_interval(successes: int, total: int, level: float = 0.95) -> tuple[float, float]:
  """Wilson's score interval of a proportion, without continuity correction.

  Args:
    successes: Number of successes, 0 to `total`.
    total: Number of trials, at least 1.
    level: Coverage of the interval.

  Returns:
    The lower and the upper end, inside [0, 1].

  Raises:
    ValueError: If `total` is below 1 or `successes` is outside 0 .. `total`.

  References:
    Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA
    22:209-212; method 3 of Newcombe (1998), Statistics in Medicine 17:857-872.

  Example:
    >>> [round(end, 4) for end in wilson_interval(81, 263)]
    [0.2553, 0.3662]
  """
  if total < 1 or not 0 <= successes <= total:
    raise ValueError(
      f'{successes} successes of {total}; expected 0 <= successes <= total, total > 0'
    )
  return _wilson(successes / total, total, level)


def _wilson(proportion: float, total: float, level: float = _LEVEL) -> tuple[float, float]:
  """Wilson's interval of a proportion of ``total`` cases, which need not be whole."""
  z = normal_quantile(level)
  centre = proportion + z**2 / (2 * total)
  spread = z * np.sqrt(proportion * (1 - proportion) / total + z**2 / (4 * total**2))
  low, high = (centre - spread) / (1 + z**2 / total), (centre + spread) / (1 + z**2 / total)
  # At 0 and at `total` the end is exactly 0 or 1; rounding would leave 1e-18 there.
  return (0.0 if proportion == 0 else float(low)), (1.0 if proportion == 1 else float(high))


def binary_metrics(table: Predictions, threshold: Estimate) -> dict[str, Estimate]:
  """Metrics of a table with two classes.

  Args:
    table: Predictions; `probability` is [N].
    threshold: Operating point, as `medjax.evaluation.threshold` gives it on validation data: a case
      is positive where probability >= threshold.value. Its reason is kept in the result.

  Returns:
    auroc, auprc (average precision), accuracy, sensitivity, specificity, ppv, npv, f1, mcc, brier,
    log_loss and threshold, by name. What the data do not define has value None and a reason.

  Raises:
    ValueError: If the table does not have two classes, or the threshold has no value.

  Example:
    >>> metrics = binary_metrics(table, Estimate(0.5, reason='fixed'))  # doctest: +SKIP
    >>> metrics['sensitivity'].to_json()  # doctest: +SKIP
    {'value': 0.91, 'low': 0.85, 'high': 0.95}
  """
  if not table.is_binary:
    raise ValueError(f'the table has {len(table.classes)} classes; expected 2')
  if threshold.value is None:
    raise ValueError('the threshold has no value')
  table = table.labelled()
  label, probability, group = table.label, table.probability, table.group
  positive = label == 1
  called = probability >= threshold.value
  resampled = _binary_resampled(positive, called, probability, group)
  return {
    'auroc': auroc_interval(label, probability, _LEVEL, group),
    'auprc': resampled['auprc'],
    'accuracy': proportion(called == positive, group, 'case'),
    **_rates(positive, called, group),
    'f1': resampled['f1'],
    'mcc': resampled['mcc'],
    'brier': mean((probability - label) ** 2, group, upper=1.0),
    'log_loss': mean(log_losses(label, table.by_class()), group),
    'threshold': Estimate(threshold.value, reason=threshold.reason or 'given'),
  }


def multiclass_metrics(table: Predictions) -> dict[str, Estimate]:
  """Metrics of a table with three or more classes; the predicted class is the most probable one.

  Args:
    table: Predictions; `probability` is [N, C].

  Returns:
    By name, auroc, auprc and f1 (means over classes, each against the rest), accuracy,
    balanced_accuracy (mean of the classes' sensitivities), mcc (Gorodkin's R_K), brier (summed over
    classes), log_loss; and for each class auroc_<class>, auprc_<class>, sensitivity_<class>,
    specificity_<class>, ppv_<class>, npv_<class> and f1_<class>. What the data do not define, such
    as a mean over classes where one has no case, has value None and a reason.

  Raises:
    ValueError: If the table has two classes.

  Example:
    >>> list(multiclass_metrics(table))  # doctest: +SKIP
    ['auroc', 'auroc_normal', 'auroc_bacterial', 'auroc_viral', 'auprc', ...]
  """
  if table.is_binary:
    raise ValueError('the table has 2 classes; expected 3 or more')
  table = table.labelled()
  label, probability, group, classes = table.label, table.probability, table.group, table.classes
  predicted = probability.argmax(axis=1) if len(table) else np.zeros(0, np.int64)
  resampled = _multiclass_resampled(label, predicted, probability, group, classes)
  hits = label[:, None] == np.arange(len(classes))
  by_class = {
    name: {
      'auroc': auroc_interval(hits[:, index], probability[:, index], _LEVEL, group),
      'auprc': resampled[f'auprc_{name}'],
      **_rates(hits[:, index], predicted == index, group),
      'f1': resampled[f'f1_{name}'],
    }
    for index, name in enumerate(classes)
  }

  def each(metric: str) -> dict[str, Estimate]:
    return {f'{metric}_{name}': estimates[metric] for name, estimates in by_class.items()}

  return {
    'auroc': resampled['auroc'],
    **each('auroc'),
    'auprc': resampled['auprc'],
    **each('auprc'),
    'accuracy': proportion(predicted == label, group, 'case'),
    'balanced_accuracy': resampled['balanced_accuracy'],
    **each('sensitivity'),
    **each('specificity'),
    **each('ppv'),
    **each('npv'),
    'f1': resampled['f1'],
    **each('f1'),
    'mcc': resampled['mcc'],
    'brier': mean(((probability - hits) ** 2).sum(axis=1), group, upper=2.0),
    'log_loss': mean(log_losses(label, probability), group),
  }


def proportion(hits: np.ndarray, group: np.ndarray, what: str) -> Estimate:
  """The share of true entries with Wilson's interval, over groups.

  Args:
    hits: [N] bool.
    group: [N], the group of each.
    what: What an entry is, for the reason where there is none.
  """
  if not len(hits):
    return Estimate(None, reason=f'there is no {what}')
  share = float(hits.mean())
  groups = len(np.unique(group))
  effective: float = len(hits)
  if groups < len(hits):
    if groups < 2:
      return Estimate(share, reason=f'every {what} is of one group: no interval')
    # Without spread the groups are what is known to be independent.
    variance = variance_of_mean(hits.astype(np.float64), group)
    effective = min(effective, share * (1 - share) / variance) if variance > 1e-12 else groups
    effective *= (normal_quantile(_LEVEL) / t_quantile(_LEVEL, groups - 1)) ** 2
  return Estimate(share, *_wilson(share, effective))


def mean(scores: np.ndarray, group: np.ndarray, upper: float = np.inf) -> Estimate:
  """The mean of the cases' scores >= 0 with its normal interval, over groups.

  Args:
    scores: [N].
    group: [N], the group of each.
    upper: The largest mean possible; the interval is clipped to [0, upper].
  """
  if not len(scores):
    return Estimate(None, reason='there is no case')
  value = float(scores.mean())
  if np.ptp(scores) == 0:
    return Estimate(value, reason=f'no spread over {len(scores)} cases to take an interval from')
  groups = len(np.unique(group))
  if groups < 2:
    return Estimate(value, reason='every case is of one group: no interval')
  variance = variance_of_mean(scores, group)
  if variance <= 1e-24 * max(1.0, value**2):
    return Estimate(value, reason='no spread over groups to take an interval from')
  quantile = t_quantile(_LEVEL, groups - 1) if groups < len(scores) else normal_quantile(_LEVEL)
  half_width = quantile * math.sqrt(variance)
  return Estimate(value, max(0.0, value - half_width), min(upper, value + half_width))


def variance_of_mean(scores: np.ndarray, group: np.ndarray) -> float:
  """Cluster-robust; with a group for each case the sample variance over the number of cases."""
  _, number = np.unique(group, return_inverse=True)
  sums = np.bincount(number, scores - scores.mean())
  return float(len(sums) / (len(sums) - 1) * (sums**2).sum() / len(scores) ** 2)


def _rates(positive: np.ndarray, called: np.ndarray, group: np.ndarray) -> dict[str, Estimate]:
  """What the calls are worth, for bool arrays [N]."""

  def share(hits: np.ndarray, of: np.ndarray, what: str) -> Estimate:
    return proportion(hits[of], group[of], what)

  return {
    'sensitivity': share(called, positive, 'positive case'),
    'specificity': share(~called, ~positive, 'negative case'),
    'ppv': share(positive, called, 'case called positive'),
    'npv': share(~positive, ~called, 'case called negative'),
  }


def log_losses(label: np.ndarray, probability: np.ndarray) -> np.ndarray:
  """Minus the log of the probability [N, C] of the true class, as float64 [N]."""
  of_true = probability[np.arange(len(label)), label]
  # One confident error would make the mean infinite; scikit-learn clips at the same place.
  epsilon = np.finfo(np.float64).eps
  return -np.log(np.clip(of_true, epsilon, 1 - epsilon))


def _binary_resampled(
  positive: np.ndarray, called: np.ndarray, probability: np.ndarray, group: np.ndarray
) -> dict[str, Estimate]:
  """The metrics whose intervals come from the bootstrap."""
  if not positive.any():
    reason = 'needs a positive case; there is none'
    return {
      'auprc': Estimate(None, reason=f'AUPRC {reason}'),
      'f1': Estimate(None, reason=f'F1 {reason}'),
      'mcc': Estimate(None, reason='MCC needs both classes'),
    }
  ranking = Ranking(positive, probability)
  cells = np.stack([positive & called, ~positive & called, positive & ~called], axis=1)
  cells = cells.astype(np.float32)

  def statistics(times: np.ndarray) -> dict[str, np.ndarray]:
    true, false, missed = (times @ cells).astype(np.float64).T
    rejected = times.sum(axis=1, dtype=np.float64) - true - false - missed
    with np.errstate(invalid='ignore', divide='ignore'):
      f1 = 2 * true / (2 * true + false + missed)
      scale = (true + false) * (true + missed) * (rejected + false) * (rejected + missed)
      mcc = (true * rejected - false * missed) / np.sqrt(scale)
    return {'auprc': ranking.areas(times)[1], 'f1': f1, 'mcc': mcc}

  estimates = _with_intervals(statistics, group, positive.astype(np.int64))
  if estimates['mcc'].value is None:
    estimates['mcc'] = Estimate(None, reason='MCC needs both classes, and cases called both ways')
  return estimates


def _multiclass_resampled(
  label: np.ndarray,
  predicted: np.ndarray,
  probability: np.ndarray,
  group: np.ndarray,
  classes: tuple[str, ...],
) -> dict[str, Estimate]:
  """The metrics whose intervals come from the bootstrap, means over classes among them."""
  count = len(classes)
  present = np.bincount(label, minlength=count) > 0
  rankings = [Ranking(label == c, probability[:, c]) for c in range(count)]
  cells = np.zeros((len(label), count * count), np.float32)
  cells[np.arange(len(label)), label * count + predicted] = 1

  def statistics(times: np.ndarray) -> dict[str, np.ndarray]:
    areas = [ranking.areas(times) for ranking in rankings]
    confusion = (times @ cells).astype(np.float64).reshape(-1, count, count)
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    actual, called, total = confusion.sum(axis=2), confusion.sum(axis=1), times.sum(axis=1)
    with np.errstate(invalid='ignore', divide='ignore'):
      f1 = 2 * hits / (actual + called)
      spread = [(total**2 - (part**2).sum(axis=1)) for part in (actual, called)]
      together = hits.sum(axis=1) * total - (actual * called).sum(axis=1)
      mcc = together / np.sqrt(spread[0] * spread[1])
      sensitivity = hits / actual
    values = {
      'auroc': np.mean([roc for roc, _ in areas], axis=0),
      'auprc': np.mean([precision for _, precision in areas], axis=0),
      'balanced_accuracy': sensitivity.mean(axis=1),
      'f1': f1.mean(axis=1),
      'mcc': mcc,
    }
    for index, name in enumerate(classes):
      values |= {f'auprc_{name}': areas[index][1], f'f1_{name}': f1[:, index]}
    return values

  names = ('auroc', 'auprc', 'balanced_accuracy', 'f1', 'mcc')
  if not len(label):
    every = [*names, *(f'{m}_{name}' for m in ('auprc', 'f1') for name in classes)]
    return {name: Estimate(None, reason='there is no case') for name in every}
  estimates = _with_intervals(statistics, group, label)
  missing = [name for index, name in enumerate(classes) if not present[index]]
  if missing:
    for name in names[:-1]:
      estimates[name] = Estimate(
        None, reason=f'{_TITLES[name]} needs every class; there is no case of {missing[0]}'
      )
    for name in missing:
      for metric in ('auprc', 'f1'):
        estimates[f'{metric}_{name}'] = Estimate(None, reason=f'there is no case of {name}')
  return estimates


_TITLES = {
  'auroc': 'AUROC',
  'auprc': 'AUPRC',
  'balanced_accuracy': 'balanced accuracy',
  'f1': 'F1',
}


def _with_intervals(
  statistics: Callable[[np.ndarray], dict[str, np.ndarray]], group: np.ndarray, label: np.ndarray
) -> dict[str, Estimate]:
  """Every statistic of the cases themselves with its bootstrap interval; None where undefined."""
  once = statistics(np.ones((1, len(label))))
  values = {name: float(value[0]) for name, value in once.items()}
  estimates = Bootstrap(group, label).intervals(values, statistics, _LEVEL)
  return {
    name: Estimate(None, reason='undefined: no case is called so, or all are')
    if math.isnan(values[name])
    else estimate
    for name, estimate in estimates.items()
  }
