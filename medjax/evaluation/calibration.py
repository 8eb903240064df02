"""Do predicted probabilities mean what they say, and how to make them: fitted on validation.

References:
  Platt (1999), Probabilistic outputs for support vector machines, in Advances in Large Margin
    Classifiers; Alexandari, Kundaje and Shrikumar (2020), Maximum likelihood with bias-corrected
    calibration is hard-to-beat at label shift adaptation, ICML (platt, for more classes).
  Guo et al. (2017), On calibration of modern neural networks, ICML (temperature).
  Zadrozny and Elkan (2002), Transforming classifier scores into accurate multiclass probability
    estimates, KDD (isotonic).
  Cox (1958), Two further applications of a model for binary regression, Biometrika 45:562-565;
  Van Calster et al. (2019), Calibration: the Achilles heel of predictive analytics, BMC Medicine
    17:230 (slope and intercept).
  Nixon et al. (2019), Measuring calibration in deep learning, CVPR workshops (equal-mass bins).
"""

import dataclasses
import math
from typing import Any, Literal

import numpy as np
import scipy

from medjax.evaluation import metrics
from medjax.evaluation.estimate import Estimate, normal_quantile
from medjax.evaluation.proportions import proportion
from medjax.evaluation.table import Predictions, by_class

Method = Literal['platt', 'temperature', 'isotonic', 'none']
Choice = Literal['auto', 'platt', 'temperature', 'isotonic', 'none']
_PARTS = 5  # of a cross-validation within validation
_BINS = 10
_SMALLEST, _LARGEST = 1e-38, 1 - 2**-53  # probability, before its logarithm is taken
_STEEPEST = 20.0  # 1 / temperature; validation cases without an error would ask for infinity


@dataclasses.dataclass(frozen=True)
class Calibration:
  """A map from predicted to calibrated probabilities.

  Attributes:
    method: 'platt', 'temperature', 'isotonic' or 'none'.
    temperature: what logits are divided by.
    shift: of 'platt', what is added to them then: one number for two classes, or one for each.
    steps: of 'isotonic', for each class the (predicted, calibrated) points of a rising line.
    reason: on what it was fitted, or why it changes nothing.

  Example:
    >>> Calibration('temperature', temperature=2.0).apply(np.array([0.8])).round(4)
    array([0.6667])
  """

  method: Method = 'none'
  temperature: float = 1.0
  shift: tuple[float, ...] = ()
  steps: tuple[tuple[tuple[float, float], ...], ...] = ()
  reason: str = ''

  def apply(self, probability: np.ndarray) -> np.ndarray:
    """Calibrated probabilities, float64, of predicted ones: [N] of the second of two classes, or
    [N, C]."""
    probability = np.asarray(probability, np.float64)
    if self.method in ('temperature', 'platt'):
      logits = log_odds(probability) / self.temperature
      if self.shift:
        logits = logits + np.array(self.shift if probability.ndim == 2 else self.shift[0])
      if probability.ndim == 1:
        return _sigmoid(logits)
      scaled = np.exp(logits - logits.max(axis=1, keepdims=True))
      return scaled / scaled.sum(axis=1, keepdims=True)
    if self.method == 'isotonic':
      if probability.ndim == 1:
        return _along(self.steps[0], probability)
      parts = np.stack(
        [_along(line, probability[:, c]) for c, line in enumerate(self.steps)], axis=1
      )
      total = parts.sum(axis=1, keepdims=True)
      return np.where(total > 0, parts / np.where(total > 0, total, 1), probability)
    return probability

  def table(self, table: Predictions) -> Predictions:
    """The table with calibrated probabilities."""
    return dataclasses.replace(table, probability=self.apply(table.probability))

  def to_json(self) -> dict[str, Any]:
    """A JSON object, which ``from_json`` reads back to the same bits."""
    return dataclasses.asdict(self)

  @classmethod
  def from_json(cls, fields: dict[str, Any]) -> 'Calibration':
    """What ``to_json`` gave.

    Raises:
      KeyError: a field is missing.
    """
    steps = tuple(tuple((float(x), float(y)) for x, y in line) for line in fields['steps'])
    shift = tuple(map(float, fields.get('shift', ())))
    return cls(fields['method'], float(fields['temperature']), shift, steps, fields['reason'])


def fit(method: Choice, validation: Predictions) -> Calibration:
  """Fits a calibration to a validation table.

  'temperature' divides all logits by one number, the one with the smallest log loss: the order of
  the cases stays. 'platt' also adds a number to the logit of each class, for networks whose
  probabilities are too high or too low on the whole; with two classes the order stays. As Platt
  did, it takes labels as not quite certain, by one case more of each class: few cases without an
  error do not make it sure. 'auto' is 'platt' where that has the smaller log loss on validation
  cases that it was not fitted to, in five parts of groups, and 'none' otherwise. 'isotonic'
  is the rising step function with the smallest squared error for each class against the rest,
  joined by lines: it can correct any shape, and needs a thousand cases or so.

  Args:
    method: How.
    validation: Predictions of a split that was not trained on; without label rows are left out.

  Returns:
    The calibration; one that changes nothing, with the reason, where a class has no case.
  """
  if method == 'none':
    return Calibration(reason='not asked for')
  table = validation.labelled()
  counts = np.bincount(table.label, minlength=len(table.classes))
  if not counts.all():
    name = table.classes[int(counts.argmin())]
    return Calibration(reason=f'calibration needs every class; there is no case of {name}')
  reason = f'fitted on {len(table)} cases of {table.split}'
  if method == 'temperature':
    return _scaled(method, _best_slope(table.label, log_odds(table.probability)), (), reason)
  if method == 'auto':
    if not _helps(table):
      return Calibration(reason=f'platt did not help in cross-validation on {table.split}')
    method = 'platt'
  if method == 'platt':
    return _scaled(method, *best_line(table.label, log_odds(table.probability)), reason)
  if table.is_binary:
    lines = [_isotonic(table.probability, table.label.astype(np.float64))]
  else:
    lines = [
      _isotonic(table.probability[:, c], (table.label == c).astype(np.float64))
      for c in range(len(table.classes))
    ]
  return Calibration('isotonic', steps=tuple(lines), reason=reason)


def _helps(table: Predictions) -> bool:
  """Whether Platt's calibration has the smaller log loss on cases that it was not fitted to."""
  names, number = np.unique(table.group, return_inverse=True)
  part = np.random.default_rng(0).permutation(len(names))[number] % _PARTS
  fitted = table.by_class().copy()
  for fold in range(_PARTS):
    held = part == fold
    others = table.select(~held)
    if len(np.unique(others.label)) < len(table.classes):
      return False
    slope, shift = best_line(others.label, log_odds(others.probability))
    if held.any() and slope > 0:
      calibrated = _scaled('platt', slope, shift, '').apply(table.probability[held])
      fitted[held] = by_class(calibrated)
  before, after = (metrics.log_losses(table.label, p).mean() for p in (table.by_class(), fitted))
  return bool(after < before)


def _scaled(method: Method, slope: float, shift: tuple[float, ...], reason: str) -> Calibration:
  if slope <= 0:
    return Calibration(reason=f'{reason}, and no better than chance there')
  if slope >= _STEEPEST:
    reason += '; as steep as allowed'
  return Calibration(method, 1 / slope, shift, reason=reason)


@dataclasses.dataclass(frozen=True)
class Bin:
  """Cases of similar confidence.

  Attributes:
    predicted: their mean predicted probability.
    observed: the share for which it came true, with Wilson's interval.
    cases: how many they are.
  """

  predicted: float
  observed: Estimate
  cases: int


def reliability(table: Predictions, bins: int = _BINS) -> list[Bin]:
  """What came true at each level of predicted probability, in bins of as many cases each.

  With two classes the probability is that of the second class; with more, that of the most probable
  class. Equal probabilities are never parted, so there may be fewer bins.

  Args:
    table: Predictions; rows without a label are left out.
    bins: How many, at most.
  """
  table = table.labelled()
  if not len(table):
    return []
  if table.is_binary:
    confidence, true = table.probability, table.label == 1
  else:
    confidence = table.probability.max(axis=1)
    true = table.probability.argmax(axis=1) == table.label
  order = np.argsort(confidence, kind='stable')
  edges = np.round(np.linspace(0, len(table), bins + 1)[1:-1]).astype(int)
  ranked = confidence[order]
  # An edge inside a run of equal values moves to the end of the run.
  edges = np.unique(np.searchsorted(ranked, ranked[np.minimum(edges, len(table)) - 1], 'right'))
  parts = [part for part in np.split(order, edges) if len(part)]
  return [
    Bin(
      float(confidence[part].mean()),
      proportion(true[part], table.group[part], 'case'),
      len(part),
    )
    for part in parts
  ]


def calibration_metrics(table: Predictions) -> dict[str, Estimate]:
  """ECE in ten bins of as many cases each; with two classes also Cox's slope and intercept.

  A slope below 1 means that predictions are too extreme; an intercept above 0 that risks are
  predicted too low on the whole. Both intervals are normal, over groups.

  Returns:
    ece, and with two classes calibration_slope and calibration_intercept. ECE has no interval: it
    is biased upwards in small samples, and its bootstrap more so.
  """
  parts = reliability(table)
  if not parts:
    return {'ece': Estimate(None, reason='there is no case')}
  total = sum(part.cases for part in parts)
  gaps = [abs(part.observed.value - part.predicted) * part.cases for part in parts]  # type: ignore[operator]
  estimates = {'ece': Estimate(sum(gaps) / total, reason=f'{len(parts)} bins of equal mass')}
  return estimates | (_cox(table.labelled()) if table.is_binary else {})


def _cox(table: Predictions) -> dict[str, Estimate]:
  label, logits = table.label.astype(np.float64), log_odds(table.probability)
  names = ('calibration_slope', 'calibration_intercept')
  if not 0 < label.sum() < len(label) or np.ptp(logits) == 0:
    reason = 'needs cases of both classes, with different probabilities'
    return {name: Estimate(None, reason=reason) for name in names}
  ones = np.ones_like(logits)
  slope = _logistic(np.stack([ones, logits], axis=1), 0 * logits, label, table.group, 1)
  return {names[0]: slope, names[1]: _logistic(ones[:, None], logits, label, table.group, 0)}


def _logistic(
  inputs: np.ndarray, offset: np.ndarray, label: np.ndarray, group: np.ndarray, which: int
) -> Estimate:
  """A coefficient of a logistic regression, with its interval from the sandwich over groups."""
  beta = np.zeros(inputs.shape[1])
  for _ in range(50):
    probability = _sigmoid(inputs @ beta + offset)
    information = inputs.T @ (inputs * (probability * (1 - probability))[:, None])
    try:
      step = np.linalg.solve(information, inputs.T @ (label - probability))
    except np.linalg.LinAlgError:
      return Estimate(None, reason='probabilities part the classes: no finite estimate')
    beta = beta + step * min(1.0, 5.0 / (np.abs(step).max() + 1e-30))
    if np.abs(step).max() < 1e-10:
      break
  else:
    return Estimate(None, reason='probabilities part the classes: no finite estimate')
  _, number = np.unique(group, return_inverse=True)
  scores = inputs * (label - _sigmoid(inputs @ beta + offset))[:, None]
  sums = np.stack([np.bincount(number, column) for column in scores.T], axis=1)
  inverse = np.linalg.inv(information)
  groups = len(sums)
  if groups < 2:
    return Estimate(float(beta[which]), reason='every case is of one group: no interval')
  variance = groups / (groups - 1) * (inverse @ sums.T @ sums @ inverse)[which, which]
  half_width = normal_quantile(0.95) * math.sqrt(variance)
  value = float(beta[which])
  return Estimate(value, value - half_width, value + half_width)


def _best_slope(label: np.ndarray, logits: np.ndarray) -> float:
  """The factor of the logits with the smallest log loss, which is convex in it; at most 20."""

  def slope_of_loss(factor: float) -> float:
    if logits.ndim == 1:
      return float(np.sum((_sigmoid(factor * logits) - label) * logits))
    scaled = np.exp(factor * (logits - logits.max(axis=1, keepdims=True)))
    expected = (scaled * logits).sum(axis=1) / scaled.sum(axis=1)
    return float(np.sum(expected - logits[np.arange(len(label)), label]))

  low, high = 0.0, _STEEPEST
  if slope_of_loss(low) >= 0:
    return 0.0
  if slope_of_loss(high) <= 0:
    return high
  for _ in range(100):
    middle = (low + high) / 2
    low, high = (middle, high) if slope_of_loss(middle) < 0 else (low, middle)
  return (low + high) / 2


def best_line(label: np.ndarray, logits: np.ndarray) -> tuple[float, tuple[float, ...]]:
  """The factor of the logits, at most 20, and the shifts with the smallest log loss against Platt's
  targets, which is convex in both; shifts of several classes add up to 0."""
  binary = logits.ndim == 1
  both = np.stack([np.zeros_like(logits), logits], axis=1) if binary else logits
  both = both - both.max(axis=1, keepdims=True)
  classes = both.shape[1]
  counts = np.bincount(label, minlength=classes)[:, None]
  true = ((counts * np.eye(classes) + 1) / (counts + classes))[label]
  spread = max(float(np.abs(both).max()), 1e-300)  # so that all unknowns are of one size

  def loss(unknown: np.ndarray) -> tuple[float, np.ndarray]:
    scaled = both * (unknown[0] / spread) + unknown[1:]
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    log_total = np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    left = np.exp(scaled - log_total) - true
    gradient = np.append((left * both).sum() / spread, left.sum(axis=0))
    return float((log_total[:, 0] - (scaled * true).sum(axis=1)).mean()), gradient / len(label)

  optimum = scipy.optimize.minimize(
    loss,
    np.append(spread, np.zeros(both.shape[1])),
    jac=True,
    method='L-BFGS-B',
    bounds=[(0, _STEEPEST * spread)] + [(None, None)] * both.shape[1],
    options={'maxiter': 10_000, 'maxfun': 100_000, 'ftol': 1e-15, 'gtol': 1e-10},
  )
  shift = optimum.x[1:] - optimum.x[1:].mean()
  shifts = (float(shift[1] - shift[0]),) if binary else tuple(map(float, shift))
  return float(optimum.x[0] / spread), shifts


def _isotonic(x: np.ndarray, y: np.ndarray) -> tuple[tuple[float, float], ...]:
  """The rising fit to y [N] over x [N] by pooling adjacent violators, as (x, fit) corners."""
  values, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
  means = np.bincount(inverse, y) / counts
  pools: list[list[float]] = []  # mean, weight, first and last value
  for value, mean, count in zip(values, means, counts, strict=True):
    pools.append([mean, count, value, value])
    while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
      mean, weight, _, last = pools.pop()
      before = pools[-1]
      total = before[1] + weight
      pools[-1] = [(before[0] * before[1] + mean * weight) / total, total, before[2], last]
  corners = []
  for mean, _, first, last in pools:
    corners.append((float(first), float(mean)))
    if last > first:
      corners.append((float(last), float(mean)))
  return tuple(corners)


def _along(line: tuple[tuple[float, float], ...], x: np.ndarray) -> np.ndarray:
  knots, values = zip(*line, strict=True)
  return np.interp(x, knots, values)


def log_odds(probability: np.ndarray) -> np.ndarray:
  """[N] log odds of [N]; [N, C] logarithms of [N, C], which are logits up to a constant."""
  if probability.ndim == 2:
    return np.log(np.maximum(probability, _SMALLEST))
  p = np.clip(probability, _SMALLEST, _LARGEST)
  return np.log(p) - np.log1p(-p)


def _sigmoid(x: np.ndarray) -> np.ndarray:
  return scipy.special.expit(x)
