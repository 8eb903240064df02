"""Metrics of classification with 95% intervals, from a table of predictions.

Rows without a label are left out. Cases of one group (a patient) are not taken as independent:
every interval is over groups, and where every case is its own group it is the usual one.

Intervals:
  AUROC of two classes: DeLong's, over groups Obuchowski's (see ``medjax.evaluation.delong``).
  AUPRC: see ``medjax.evaluation.precision``.
  F1 and MCC of two classes: square-and-add (see ``medjax.evaluation.called``).
  Means over classes: see ``medjax.evaluation.class_means``.
  MCC of many classes: percentiles of 2000 bootstrap resamples (``medjax.evaluation.bootstrap``).
  Accuracy, sensitivity, specificity, PPV, NPV: Wilson's score interval.
  Brier score, log loss: normal interval of the mean of the cases' own scores.
Each estimate names its method.
"""

import math
from collections.abc import Callable

import numpy as np

from medjax.evaluation.bootstrap import Bootstrap
from medjax.evaluation.called import f1_and_mcc
from medjax.evaluation.class_means import mean_over
from medjax.evaluation.delong import auroc_interval
from medjax.evaluation.estimate import Estimate
from medjax.evaluation.precision import average_precision
from medjax.evaluation.proportions import mean, proportion
from medjax.evaluation.ranking import Ranking
from medjax.evaluation.table import Predictions

_LEVEL = 0.95


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
  f1, mcc = f1_and_mcc(positive, called, group)
  return {
    'auroc': auroc_interval(label, probability, _LEVEL, group),
    'auprc': average_precision(positive, probability, group),
    'accuracy': proportion(called == positive, group, 'case'),
    **_rates(positive, called, group),
    'f1': f1,
    'mcc': mcc,
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
  hits = label[:, None] == np.arange(len(classes))
  by_class = {
    name: {
      'auroc': auroc_interval(hits[:, index], probability[:, index], _LEVEL, group),
      'auprc': average_precision(hits[:, index], probability[:, index], group),
      **_rates(hits[:, index], predicted == index, group),
      'f1': f1_and_mcc(hits[:, index], predicted == index, group)[0],
    }
    for index, name in enumerate(classes)
  }
  means = _means(label, predicted, probability, group, by_class)

  def each(metric: str) -> dict[str, Estimate]:
    return {f'{metric}_{name}': estimates[metric] for name, estimates in by_class.items()}

  return {
    'auroc': means['auroc'],
    **each('auroc'),
    'auprc': means['auprc'],
    **each('auprc'),
    'accuracy': proportion(predicted == label, group, 'case'),
    'balanced_accuracy': means['balanced_accuracy'],
    **each('sensitivity'),
    **each('specificity'),
    **each('ppv'),
    **each('npv'),
    'f1': means['f1'],
    **each('f1'),
    'mcc': means['mcc'],
    'brier': mean(((probability - hits) ** 2).sum(axis=1), group, upper=2.0),
    'log_loss': mean(log_losses(label, probability), group),
  }


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


# Of each mean over classes, the metric of a class and what a reader calls the mean.
_MEANS = {
  'auroc': ('auroc', 'AUROC'),
  'auprc': ('auprc', 'AUPRC'),
  'balanced_accuracy': ('sensitivity', 'balanced accuracy'),
  'f1': ('f1', 'F1'),
}


def _means(
  label: np.ndarray,
  predicted: np.ndarray,
  probability: np.ndarray,
  group: np.ndarray,
  by_class: dict[str, dict[str, Estimate]],
) -> dict[str, Estimate]:
  """Metrics of all classes together: means over them, and MCC."""
  if not len(label):
    return dict.fromkeys((*_MEANS, 'mcc'), Estimate(None, reason='there is no case'))
  resampled = _resampled(label, predicted, probability, group, len(by_class))
  estimates = {'mcc': resampled['mcc']}
  present = np.bincount(label, minlength=len(by_class)) > 0
  missing = [name for name, is_there in zip(by_class, present, strict=True) if not is_there]
  for name, (of_class, title) in _MEANS.items():
    parts = {one: found[of_class] for one, found in by_class.items()}
    if missing:
      reason = f'{title} needs every class; there is no case of {missing[0]}'
      estimates[name] = Estimate(None, reason=reason)
    elif any(part.value is None for part in parts.values()):
      estimates[name] = resampled[name]
    else:
      estimates[name] = mean_over(parts, resampled[name])
  return estimates


def _resampled(
  label: np.ndarray,
  predicted: np.ndarray,
  probability: np.ndarray,
  group: np.ndarray,
  count: int,
) -> dict[str, Estimate]:
  """Metrics of all of ``count`` classes together with their bootstrap intervals."""
  rankings = [Ranking(label == c, probability[:, c]) for c in range(count)]
  cells = np.zeros((len(label), count * count), np.float32)
  cells[np.arange(len(label)), label * count + predicted] = 1

  def statistics(times: np.ndarray) -> dict[str, np.ndarray]:
    areas = [ranking.areas(times) for ranking in rankings]
    confusion = (times @ cells).astype(np.float64).reshape(-1, count, count)
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    actual, called, total = confusion.sum(axis=2), confusion.sum(axis=1), times.sum(axis=1)
    with np.errstate(invalid='ignore', divide='ignore'):
      spread = [(total**2 - (part**2).sum(axis=1)) for part in (actual, called)]
      together = hits.sum(axis=1) * total - (actual * called).sum(axis=1)
      return {
        'auroc': np.mean([roc for roc, _ in areas], axis=0),
        'auprc': np.mean([precision for _, precision in areas], axis=0),
        'balanced_accuracy': (hits / actual).mean(axis=1),
        'f1': (2 * hits / (actual + called)).mean(axis=1),
        'mcc': together / np.sqrt(spread[0] * spread[1]),
      }

  return _with_intervals(statistics, group, label)


def _with_intervals(
  statistics: Callable[[np.ndarray], dict[str, np.ndarray]], group: np.ndarray, label: np.ndarray
) -> dict[str, Estimate]:
  """Every statistic of the cases themselves with its bootstrap interval; None where undefined."""
  once = statistics(np.ones((1, len(label))))
  values = {name: float(value[0]) for name, value in once.items()}
  estimates = Bootstrap(group, label).intervals(values, statistics, _LEVEL, 'they lack a class')
  return {
    name: Estimate(None, reason='undefined: no case is called so, or all are')
    if math.isnan(values[name])
    else estimate
    for name, estimate in estimates.items()
  }
