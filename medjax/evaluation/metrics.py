"""Metrics of classification with 95% intervals, from a table of predictions.

Rows without a label are left out. Every interval takes the examples as independent; where a group
(a patient) has several examples, the true uncertainty is larger.

Intervals:
  AUROC of two classes: DeLong (see `medjax.evaluation.delong`).
  AUPRC, macro AUROC, balanced accuracy: percentiles of 2000 bootstrap resamples, drawn within each
    class so that no resample lacks one, with a fixed seed so that a report can be repeated.
  Accuracy, sensitivity, specificity: Wilson's score interval.
  Brier score, log loss: normal interval of the mean of the cases' own scores.
"""

import numpy as np

from medjax.evaluation.delong import auroc_interval
from medjax.evaluation.estimate import Estimate, normal_quantile
from medjax.evaluation.table import Predictions

_LEVEL = 0.95
_RESAMPLES = 2000
_SEED = 0
# Bounds the memory of the bootstrap: about 16 MB for each array of a block of resamples.
_BLOCK_CELLS = 2_000_000


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
  z = normal_quantile(level)
  proportion = successes / total
  centre = proportion + z**2 / (2 * total)
  spread = z * np.sqrt(proportion * (1 - proportion) / total + z**2 / (4 * total**2))
  low, high = (centre - spread) / (1 + z**2 / total), (centre + spread) / (1 + z**2 / total)
  # At 0 and at `total` the end is exactly 0 or 1; rounding would leave 1e-18 there.
  return (0.0 if successes == 0 else float(low)), (1.0 if successes == total else float(high))


def binary_metrics(table: Predictions, threshold: Estimate) -> dict[str, Estimate]:
  """Metrics of a table with two classes.

  Args:
    table: Predictions; `probability` is [N].
    threshold: Operating point, as `medjax.evaluation.youden` gives it on validation data: a case is
      positive where probability >= threshold.value. Its reason is kept in the result.

  Returns:
    auroc, auprc (average precision), accuracy, sensitivity, specificity, brier, log_loss and
    threshold, by name. What the data do not define has value None and a reason.

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
  label, probability = table.label, table.probability
  positive = label == 1
  called = probability >= threshold.value
  return {
    'auroc': auroc_interval(label, probability, _LEVEL),
    'auprc': _auprc(label, probability),
    'accuracy': _proportion(called == positive, 'case'),
    'sensitivity': _proportion(called[positive], 'positive case'),
    'specificity': _proportion(~called[~positive], 'negative case'),
    'brier': _mean((probability - label) ** 2, upper=1.0),
    'log_loss': _mean(_log_losses(label, np.stack([1 - probability, probability], axis=1))),
    'threshold': Estimate(threshold.value, reason=threshold.reason or 'given'),
  }


def multiclass_metrics(table: Predictions) -> dict[str, Estimate]:
  """Metrics of a table with three or more classes; the predicted class is the most probable one.

  Args:
    table: Predictions; `probability` is [N, C].

  Returns:
    auroc (mean over classes, each against the rest), auroc_<class>, accuracy, balanced_accuracy
    (mean of the classes' sensitivities) and log_loss, by name. What the data do not define, such as
    the mean over classes where one has no case, has value None and a reason.

  Raises:
    ValueError: If the table has two classes.

  Example:
    >>> list(multiclass_metrics(table))  # doctest: +SKIP
    ['auroc', 'auroc_normal', 'auroc_bacterial', 'auroc_viral', 'accuracy', ...]
  """
  if table.is_binary:
    raise ValueError('the table has 2 classes; expected 3 or more')
  table = table.labelled()
  label, probability, classes = table.label, table.probability, table.classes
  correct = probability.argmax(axis=1) == label if len(table) else np.zeros(0, bool)
  per_class = {
    f'auroc_{name}': auroc_interval(label == index, probability[:, index], _LEVEL)
    for index, name in enumerate(classes)
  }
  return {
    'auroc': _macro_auroc(label, probability, classes),
    **per_class,
    'accuracy': _proportion(correct, 'case'),
    'balanced_accuracy': _balanced_accuracy(label, correct, classes),
    'log_loss': _mean(_log_losses(label, probability)),
  }


def _proportion(hits: np.ndarray, what: str) -> Estimate:
  """Wilson's interval for the share of true entries in hits [N]."""
  if not len(hits):
    return Estimate(None, reason=f'there is no {what}')
  successes = int(hits.sum())
  return Estimate(successes / len(hits), *wilson_interval(successes, len(hits), _LEVEL))


def _mean(scores: np.ndarray, upper: float = np.inf) -> Estimate:
  """The mean of the cases' scores [N] >= 0 with its normal interval, clipped to [0, upper]."""
  if not len(scores):
    return Estimate(None, reason='there is no case')
  mean = float(scores.mean())
  if np.ptp(scores) == 0:
    return Estimate(mean, reason=f'no spread over {len(scores)} cases to take an interval from')
  half_width = normal_quantile(_LEVEL) * float(scores.std(ddof=1)) / np.sqrt(len(scores))
  return Estimate(mean, float(max(0.0, mean - half_width)), float(min(upper, mean + half_width)))


def _log_losses(label: np.ndarray, probability: np.ndarray) -> np.ndarray:
  """Minus the log of the probability [N, C] of the true class, as float64 [N]."""
  of_true = probability[np.arange(len(label)), label]
  # One confident error would make the mean infinite; scikit-learn clips at the same place.
  epsilon = np.finfo(np.float64).eps
  return -np.log(np.clip(of_true, epsilon, 1 - epsilon))


def _percentiles(value: float, resamples: np.ndarray) -> Estimate:
  if np.ptp(resamples) == 0:
    return Estimate(value, reason='every bootstrap resample gives the same value: no interval')
  low, high = np.quantile(resamples, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
  return Estimate(value, float(low), float(high))


def _auprc(label: np.ndarray, probability: np.ndarray) -> Estimate:
  """Average precision (sum of precision times the step in recall), with a bootstrap interval."""
  if not label.sum():
    return Estimate(None, reason='AUPRC needs a positive case; there is none')
  ranking = _Ranking(label, probability)
  value = float(ranking.average_precision(np.ones((1, len(label))))[0])
  resamples = [ranking.average_precision(times) for times in _bootstrap(label)]
  return _percentiles(value, np.concatenate(resamples))


def _macro_auroc(label: np.ndarray, probability: np.ndarray, classes: tuple[str, ...]) -> Estimate:
  missing = [name for index, name in enumerate(classes) if not (label == index).any()]
  if missing:
    return Estimate(None, reason=f'AUROC needs every class; there is no case of {missing[0]}')
  rankings = [_Ranking(label == index, probability[:, index]) for index in range(len(classes))]

  def mean_area(times):
    return np.mean([ranking.auroc(times) for ranking in rankings], axis=0)

  value = float(mean_area(np.ones((1, len(label))))[0])
  return _percentiles(value, np.concatenate([mean_area(times) for times in _bootstrap(label)]))


def _balanced_accuracy(
  label: np.ndarray, correct: np.ndarray, classes: tuple[str, ...]
) -> Estimate:
  totals = np.bincount(label, minlength=len(classes))
  if not totals.all():
    missing = classes[int(totals.argmin())]
    return Estimate(
      None, reason=f'balanced accuracy needs every class; there is no case of {missing}'
    )
  rates = np.bincount(label, correct, len(classes)) / totals
  # Resampling within a class draws its number of correct cases from a binomial.
  draws = np.random.default_rng(_SEED).binomial(totals, rates, (_RESAMPLES, len(classes)))
  return _percentiles(float(rates.mean()), (draws / totals).mean(axis=1))


def _bootstrap(label: np.ndarray):
  """Yields how often each case is drawn, float64 [R, N], in blocks that add up to _RESAMPLES."""
  random = np.random.default_rng(_SEED)
  strata = [np.flatnonzero(label == value) for value in np.unique(label)]
  block = max(1, min(_RESAMPLES, _BLOCK_CELLS // len(label)))
  for start in range(0, _RESAMPLES, block):
    count = min(block, _RESAMPLES - start)
    offset = np.arange(count)[:, None] * len(label)
    drawn = [
      offset + members[random.integers(len(members), size=(count, len(members)))]
      for members in strata
    ]
    cells = np.concatenate(drawn, axis=1).ravel()
    yield np.bincount(cells, minlength=count * len(label)).reshape(count, -1).astype(np.float64)


class _Ranking:
  """The order of the cases by score, sorted once for all resamples.

  A resample is how often each case is drawn, times [R, N]; the curve of each follows from running
  sums in the same order, taken where a run of equal scores ends so that ties count one half.
  """

  def __init__(self, label: np.ndarray, score: np.ndarray):
    self._order = np.argsort(-score, kind='stable')
    ranked = score[self._order]
    self._ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    self._positive = np.asarray(label)[self._order].astype(np.float64)

  def _counts(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """True and false positives [R, G] at each distinct score from the highest on."""
    ranked = times[:, self._order]
    called = np.cumsum(ranked, axis=1)[:, self._ends]
    true = np.cumsum(ranked * self._positive, axis=1)[:, self._ends]
    return true, called - true

  def average_precision(self, times: np.ndarray) -> np.ndarray:
    true, false = self._counts(times)
    # A score that no resampled case reaches adds no recall: any finite precision will do.
    precision = true / np.maximum(true + false, 1)
    return (np.diff(true, axis=1, prepend=0) * precision).sum(axis=1) / true[:, -1]

  def auroc(self, times: np.ndarray) -> np.ndarray:
    true, false = self._counts(times)
    # Trapezoids: false positives of a step times the mean number of true positives over it.
    heights = true - np.diff(true, axis=1, prepend=0) / 2
    area = (np.diff(false, axis=1, prepend=0) * heights).sum(axis=1)
    return area / (true[:, -1] * false[:, -1])
