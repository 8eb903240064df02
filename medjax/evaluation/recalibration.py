"""Calibration of a frozen model that is fitted to another site, from the least to the most.

References:
  Cox (1958), Two further applications of a model for binary regression, Biometrika 45:562-565.
  Steyerberg et al. (2004), Validation and updating of predictive logistic regression models,
    Statistics in Medicine 23:2567-2586 (intercept alone; intercept and slope).
  Platt (1999), see ``medjax.evaluation.calibration``: labels are taken as not quite certain, so
    that few cases do not make it sure.
"""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
import scipy

from medjax.evaluation import calibration
from medjax.evaluation.calibration import Calibration
from medjax.evaluation.numbers import Numbers
from medjax.evaluation.table import Predictions

INTERCEPT, LINE = 'intercept', 'intercept and slope'

Updates = Mapping[str, Callable[[Predictions], Callable[[Predictions], Predictions]]]


def of_classes(fitted: Calibration, binary: bool) -> Updates:
  """Ways to calibrate anew, each from cases of a site, as the network gave them, to what then
  happens to others.

  The first two move what the run's own calibration gives; with many classes there is none of them.
  The last one is the run's own method, fitted to what the network gave: or, where that is a line
  too, or none, an isotonic one.

  Args:
    fitted: the run's calibration.
    binary: whether there are two classes.
  """

  def intercept(table: Predictions) -> Callable[[Predictions], Predictions]:
    known = fitted.table(table.labelled())
    shift = _shift(known.label, calibration.log_odds(known.probability))
    return lambda other: _moved(fitted.table(other), 1.0, shift)

  def line(table: Predictions) -> Callable[[Predictions], Predictions]:
    known = fitted.table(table.labelled())
    slope, shifts = calibration.best_line(known.label, calibration.log_odds(known.probability))
    return lambda other: _moved(fitted.table(other), slope, shifts[0])

  method: calibration.Choice = 'isotonic' if fitted.method in ('none', 'platt') else fitted.method
  if not binary:
    method = 'platt' if fitted.method == 'none' else fitted.method

  def refit(table: Predictions) -> Callable[[Predictions], Predictions]:
    return calibration.fit(method, table).table

  last = {f'refit ({method})': refit}
  return {INTERCEPT: intercept, LINE: line, **last} if binary else last


def _shift(label: np.ndarray, logits: np.ndarray) -> float:
  """What is added to logits so that as many cases are expected as there are, by Platt's count."""
  share = (label.sum() + 1) / (len(label) + 2)
  far = float(np.abs(logits).max()) + 50

  def excess(shift: float) -> float:
    return float(scipy.special.expit(logits + shift).mean() - share)

  return float(scipy.optimize.brentq(excess, -far, far))


def _moved(table: Predictions, slope: float, shift: float) -> Predictions:
  logits = slope * calibration.log_odds(table.probability) + shift
  return dataclasses.replace(table, probability=scipy.special.expit(logits))


def of_numbers() -> Mapping[str, Callable[[Numbers], Callable[[Numbers], Numbers]]]:
  """The same of predicted numbers: their mean error is taken away, or a line is fitted."""

  def intercept(table: Numbers) -> Callable[[Numbers], Numbers]:
    known = table.labelled()
    return _line(1.0, float((known.label - known.prediction).mean()))

  def line(table: Numbers) -> Callable[[Numbers], Numbers]:
    known = table.labelled()
    if np.ptp(known.prediction) == 0:
      return intercept(table)
    slope, shift = np.polyfit(known.prediction, known.label, 1)
    return _line(float(slope), float(shift))

  return {INTERCEPT: intercept, LINE: line}


def _line(slope: float, shift: float) -> Callable[[Numbers], Numbers]:
  return lambda table: dataclasses.replace(table, prediction=slope * table.prediction + shift)
