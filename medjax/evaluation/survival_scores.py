"""Scores of predicted survival at horizons: Brier score and cumulative/dynamic AUROC.

A case that was censored before a horizon tells nothing of its state there. The others are weighted
by the inverse of the probability of not having been censored until then, which a curve of the
censoring gives (IPCW); with the weights, scores estimate what they would be without censoring, if
censoring is independent of what is predicted.

A score is undefined (NaN) at a horizon that nobody was observed beyond, and where the curve of the
censoring is not known or is 0. All take resamples, to give intervals by the bootstrap.

References:
  Graf, Schmoor, Sauerbrei and Schumacher (1999), Assessment and comparison of prognostic
    classification schemes for survival data, Statistics in Medicine 18:2529-2545.
  Uno, Cai, Tian and Wei (2007), Evaluating prediction rules for t-year survivors with censored
    regression models, JASA 102:527-537.
  Lambert and Chevret (2016), Summary measure of discrimination in survival models based on
    cumulative/dynamic time-dependent ROC curves, Statistical Methods in Medical Research
    25:2088-2102 (the mean over horizons).
"""

import numpy as np

from medjax.evaluation.concordance import TIED
from medjax.evaluation.kaplan_meier import (
  KaplanMeier,
  censoring_curve,
  resampled_survival,
  times_and_events,
)


class HorizonScores:
  """Scores of one set of cases and of resamples of it.

  Args:
    time: [N], of the event or of the end of observation.
    event: [N] bool, whether the event was seen.
    horizons: [T], rising, in the unit of ``time``.
    censoring: see ``censoring_curve``, as a rule of the cases trained on.

  Attributes:
    case: bool [N, T], who had the event up to and with each horizon.
    control: bool [N, T], who was observed beyond each horizon.
    weight: float64 [N, T], of cases 1 / G(time), of controls 1 / G(horizon), of others 0; NaN at a
      horizon where scores are undefined.

  Raises:
    ValueError: shapes differ, a value is not as above, or horizons do not rise.
  """

  def __init__(
    self, time: np.ndarray, event: np.ndarray, horizons: np.ndarray, censoring: KaplanMeier
  ):
    self._time, self._event = time, event = times_and_events(time, event)
    self.horizons = horizons = np.asarray(horizons, np.float64)
    if horizons.ndim != 1 or not (np.diff(horizons) > 0).all():
      raise ValueError('horizons do not rise')
    if not (np.isfinite(horizons) & (horizons > 0)).all():
      raise ValueError('a horizon is not a positive number')
    self.case = event[:, None] & (time[:, None] <= horizons)
    self.control = time[:, None] > horizons
    of_time, of_horizon = censoring.at(time), censoring.at(horizons)
    defined = (of_horizon > 0) & (horizons < time.max(initial=0))
    # Who had the event up to a horizon where the curve is above 0 had it where it was no less.
    inverse = 1 / np.where(of_time > 0, of_time, np.inf)[:, None]
    later = 1 / np.where(of_horizon > 0, of_horizon, np.inf)
    weight = np.where(self.case, inverse, 0) + np.where(self.control, later, 0)
    self.weight = np.where(defined, weight, np.nan)

  def brier(self, survival: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Weighted mean squared error of the predicted survival, float64 [R, T].

    Args:
      survival: [N, T], the predicted probability of no event up to and with each horizon.
      times: [R, N], how often each case is in each resample.
    """
    self._check('survival', survival, self.case.shape)
    error = self.weight * (np.asarray(survival) - self.control) ** 2
    times = np.asarray(times, np.float64)
    return (times @ error) / times.sum(axis=1, keepdims=True)

  def auroc(self, risk: np.ndarray, times: np.ndarray) -> np.ndarray:
    """How often who has the event up to a horizon has a larger risk than who does not, [R, T].

    Args:
      risk: [N], or [N, T] where the risk differs by horizon; larger means an earlier event.
      times: [R, N], how often each case is in each resample.

    Returns:
      Areas in [0, 1], NaN at a horizon without a case or without a control.
    """
    risk = np.asarray(risk, np.float64)
    risk = np.broadcast_to(risk[:, None], self.case.shape) if risk.ndim == 1 else risk
    self._check('risk', risk, self.case.shape)
    times = np.asarray(times, np.float64)
    areas = np.full((len(times), len(self.horizons)), np.nan)
    for index in range(len(self.horizons)):
      weight, case = self.weight[:, index], self.case[:, index]
      if np.isnan(weight).any():
        continue
      order = np.argsort(risk[:, index], kind='stable')
      ranked, case = risk[order, index], case[order]
      # Where a run of equal risks starts and ends, for each case.
      parted = np.append(True, np.diff(ranked) > TIED)
      starts = np.flatnonzero(parted)
      run = (np.cumsum(parted) - 1)[case]
      start, end = starts[run], np.append(starts[1:], len(ranked))[run]
      drawn = times[:, order]
      controls = np.zeros((len(times), len(ranked) + 1))
      np.cumsum(drawn * self.control[order, index], axis=1, out=controls[:, 1:])
      cases = drawn[:, case] * weight[order][case]
      below = (controls[:, start] + controls[:, end]) / 2
      with np.errstate(invalid='ignore', divide='ignore'):
        areas[:, index] = (cases * below).sum(axis=1) / (cases.sum(axis=1) * controls[:, -1])
    return areas

  def mean_auroc(self, auroc: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The areas' mean, each weighted by how many have the event since the horizon before, [R].

    Args:
      auroc: [R, T], as ``auroc`` gives.
      times: [R, N], how often each case is in each resample.
    """
    survival = resampled_survival(self._time, self._event, times, self.horizons)
    drop = -np.diff(survival, axis=1, prepend=1.0)
    with np.errstate(invalid='ignore', divide='ignore'):
      return (auroc * drop).sum(axis=1) / drop.sum(axis=1)

  def integrated(self, brier: np.ndarray) -> np.ndarray:
    """Mean Brier score [R] from the first to the last horizon, by trapezoids of ``brier`` [R, T].

    NaN with fewer than two horizons.
    """
    if len(self.horizons) < 2:
      return np.full(len(brier), np.nan)
    span = self.horizons[-1] - self.horizons[0]
    return np.trapezoid(brier, self.horizons, axis=1) / span

  @staticmethod
  def _check(name: str, values: np.ndarray, shape: tuple[int, ...]) -> None:
    if np.shape(values) != shape:
      raise ValueError(f'{name} has shape {np.shape(values)}; expected {shape}')
    if not np.isfinite(values).all():
      raise ValueError(f'a value of {name} is not finite')


def brier_scores(
  time: np.ndarray,
  event: np.ndarray,
  survival: np.ndarray,
  horizons: np.ndarray,
  censoring: KaplanMeier | None = None,
) -> np.ndarray:
  """The Brier score at each horizon, float64 [T]; NaN where undefined.

  Args:
    time: [N], of the event or of the end of observation.
    event: [N] bool, whether the event was seen.
    survival: [N, T], the predicted probability of no event up to and with each horizon.
    horizons: [T], rising.
    censoring: see ``censoring_curve``; None for that of these cases.

  Raises:
    ValueError: shapes differ, or a value is not as above.

  Example:
    >>> time, event = np.array([1.0, 2.0, 3.0, 4.0]), np.ones(4, bool)
    >>> brier_scores(time, event, np.full((4, 1), 0.5), np.array([2.0])).tolist()
    [0.25]
  """
  scores, once = _once(time, event, horizons, censoring)
  return scores.brier(survival, once)[0]


def integrated_brier_score(
  time: np.ndarray,
  event: np.ndarray,
  survival: np.ndarray,
  horizons: np.ndarray,
  censoring: KaplanMeier | None = None,
) -> float:
  """The mean Brier score from the first to the last horizon, by trapezoids; NaN where undefined.

  Args and errors as of ``brier_scores``.
  """
  scores, once = _once(time, event, horizons, censoring)
  return float(scores.integrated(scores.brier(survival, once))[0])


def dynamic_auroc(
  time: np.ndarray,
  event: np.ndarray,
  risk: np.ndarray,
  horizons: np.ndarray,
  censoring: KaplanMeier | None = None,
) -> tuple[np.ndarray, float]:
  """Cumulative/dynamic AUROC at each horizon, float64 [T], and their mean; NaN where undefined.

  Args:
    time: [N], of the event or of the end of observation.
    event: [N] bool, whether the event was seen.
    risk: [N], or [N, T] where it differs by horizon; larger means an earlier event.
    horizons: [T], rising.
    censoring: see ``censoring_curve``; None for that of these cases.

  Raises:
    ValueError: shapes differ, or a value is not as above.

  Example:
    >>> time, event = np.array([1.0, 2.0, 3.0, 4.0]), np.ones(4, bool)
    >>> dynamic_auroc(time, event, np.array([4.0, 1.0, 3.0, 2.0]), np.array([2.5]))[0].tolist()
    [0.5]
  """
  scores, once = _once(time, event, horizons, censoring)
  areas = scores.auroc(risk, once)
  return areas[0], float(scores.mean_auroc(areas, once)[0])


def _once(
  time: np.ndarray, event: np.ndarray, horizons: np.ndarray, censoring: KaplanMeier | None
) -> tuple[HorizonScores, np.ndarray]:
  curve = censoring_curve(time, event) if censoring is None else censoring
  return HorizonScores(time, event, horizons, curve), np.ones((1, len(time)))
