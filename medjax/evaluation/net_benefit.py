"""Decision curves: is acting on the model better than treating everybody, or nobody?

Reference:
  Vickers and Elkin (2006), Decision curve analysis: a novel method for evaluating prediction
  models, Medical Decision Making 26:565-574.
"""

import dataclasses

import numpy as np

from medjax.evaluation.bootstrap import Bootstrap
from medjax.evaluation.table import Predictions


@dataclasses.dataclass(frozen=True)
class DecisionCurve:
  """Net benefit over the probability at which one would act; true positives per case.

  Attributes:
    threshold: [T], the probability at which one acts: odds of a false alarm worth a true one.
    model: [T], acting where the predicted probability is at least the threshold.
    low: [T], lower end of the 95% bootstrap interval of ``model``, over groups.
    high: [T], upper end.
    everybody: [T], acting on all.
  """

  threshold: np.ndarray
  model: np.ndarray
  low: np.ndarray
  high: np.ndarray
  everybody: np.ndarray


def decision_curve(table: Predictions, thresholds: np.ndarray | None = None) -> DecisionCurve:
  """Net benefit TP/N - FP/N * t/(1 - t) of a table with two classes; acting on nobody has 0.

  Args:
    table: Predictions; rows without a label are left out.
    thresholds: [T] in (0, 1); 0.01 to 0.99 in steps of 0.01 otherwise.

  Raises:
    ValueError: If the table does not have two classes, or no labelled row.
  """
  if not table.is_binary:
    raise ValueError(f'the table has {len(table.classes)} classes; expected 2')
  table = table.labelled()
  if not len(table):
    raise ValueError('there is no labelled case')
  t = np.linspace(0.01, 0.99, 99) if thresholds is None else np.asarray(thresholds, np.float64)
  odds = t / (1 - t)
  positive = (table.label == 1)[:, None]
  called = (table.probability[:, None] >= t).astype(np.float32)
  worth = np.where(positive, called, -called * odds.astype(np.float32))  # [N, T], of each case

  def of(times: np.ndarray) -> np.ndarray:
    return (times @ worth).astype(np.float64) / times.sum(axis=1, keepdims=True)

  # Who is drawn decides the prevalence too, so resamples are not drawn within classes.
  resamples = np.concatenate([of(times) for times in Bootstrap(table.group).blocks()])
  low, high = np.quantile(resamples, [0.025, 0.975], axis=0)
  prevalence = float(positive.mean())
  return DecisionCurve(
    t, worth.mean(axis=0, dtype=np.float64), low, high, prevalence - (1 - prevalence) * odds
  )
