"""Conformal prediction: sets and intervals that hold the truth as often as they say.

The promise holds for new cases that come from where the validation cases came from, and on average
over validation sets; it says nothing about a single patient or about another hospital. Cases are
taken as exchangeable: with several of one patient, and where a checkpoint was chosen on the same
validation cases, it holds approximately.

References:
  Vovk, Gammerman and Shafer (2005), Algorithmic Learning in a Random World.
  Papadopoulos et al. (2002), Inductive confidence machines for regression, ECML (split).
  Sadinle, Lei and Wasserman (2019), Least ambiguous set-valued classifiers with bounded error
    levels, JASA 114:223-234 (the score, and class-conditional sets).
"""

import dataclasses
import math
from typing import Any, Literal

import numpy as np

from medjax.evaluation.estimate import Estimate
from medjax.evaluation.proportions import proportion
from medjax.evaluation.table import Predictions, by_class

Method = Literal['mondrian', 'split']


@dataclasses.dataclass(frozen=True)
class Conformal:
  """Sets of classes.

  Attributes:
    method: 'split' covers on average over all cases; 'mondrian' covers in every class, so that a
      rare disease is not missed for the sake of the many healthy.
    coverage: how often a set holds the true class.
    least: the smallest probability with which a class is in the set, for each class; 0 where there
      were too few validation cases to leave it out.
    reason: on what it was fitted.

  Example:
    >>> Conformal('split', 0.9, (0.3, 0.3)).sets(np.array([0.2, 0.5]))
    array([[ True, False],
           [ True,  True]])
  """

  method: Method
  coverage: float
  least: tuple[float, ...]
  reason: str = ''

  def sets(self, probability: np.ndarray) -> np.ndarray:
    """Which classes are in the set of each case, bool [N, C], of [N] or [N, C]."""
    return by_class(probability) >= np.array(self.least)

  def to_json(self) -> dict[str, Any]:
    """A JSON object, which ``from_json`` reads back to the same bits."""
    return dataclasses.asdict(self)

  @classmethod
  def from_json(cls, fields: dict[str, Any]) -> 'Conformal':
    """What ``to_json`` gave.

    Raises:
      KeyError: a field is missing.
    """
    least = tuple(float(p) for p in fields['least'])
    return cls(fields['method'], float(fields['coverage']), least, fields['reason'])


def fit(method: Method, coverage: float, validation: Predictions) -> Conformal:
  """Chooses, on validation, how probable a class must be to be in the set.

  A class is left out of a set where its probability is below that of all but the least probable
  ``1 - coverage`` of the validation cases that truly are of it ('mondrian'), or of all cases
  ('split').

  Args:
    method: See ``Conformal``.
    coverage: In (0, 1).
    validation: Predictions of a split that was not trained on; without label rows are left out.
  """
  table = validation.labelled()
  of_true = table.by_class()[np.arange(len(table)), table.label]
  classes = range(len(table.classes))
  if method == 'split':
    least = [_least(of_true, coverage)] * len(classes)
  else:
    least = [_least(of_true[table.label == c], coverage) for c in classes]
  reason = f'fitted on {len(table)} cases of {table.split}'
  counts = np.bincount(table.label, minlength=len(table.classes))
  short = [table.classes[c] for c in classes if _rank(int(counts[c]), coverage) > counts[c]]
  if short and method == 'mondrian':
    reason += f'; too few of {", ".join(short)} to ever leave it out'
  return Conformal(method, coverage, tuple(least), reason)


def _least(of_true: np.ndarray, coverage: float) -> float:
  """The finite-sample quantile: the k-th largest of n, k = ceil((n + 1) * coverage); 0 if k > n."""
  rank = _rank(len(of_true), coverage)
  return 0.0 if rank > len(of_true) else float(np.sort(of_true)[::-1][rank - 1])


def _rank(count: int, coverage: float) -> int:
  return math.ceil((count + 1) * coverage - 1e-9)


def conformal_metrics(table: Predictions, conformal: Conformal) -> dict[str, Estimate]:
  """What the sets are worth on a split.

  Returns:
    coverage and coverage_<class> (how often the set holds the truth), and single (how often it is
    one class, so that a decision is made) and single_right (how often that class is then the true
    one), each with Wilson's interval over groups.
  """
  table = table.labelled()
  sets = conformal.sets(table.probability)
  held = sets[np.arange(len(table)), table.label]
  single = sets.sum(axis=1) == 1
  estimates = {'coverage': proportion(held, table.group, 'case')}
  for index, name in enumerate(table.classes):
    members = table.label == index
    estimates[f'coverage_{name}'] = proportion(
      held[members], table.group[members], f'case of {name}'
    )
  estimates['single'] = proportion(single, table.group, 'case')
  estimates['single_right'] = proportion(held[single], table.group[single], 'case with one class')
  return estimates


def interval_half_width(label: np.ndarray, prediction: np.ndarray, coverage: float) -> float:
  """Half of the width of a regression's conformal interval, prediction - w to prediction + w.

  Args:
    label: [N] true values of a validation split; NaN (unknown) is left out.
    prediction: [N] predicted values.
    coverage: In (0, 1).

  Returns:
    The finite-sample quantile of the absolute residuals; infinite with too few cases.

  Example:
    >>> interval_half_width(np.arange(9.0), np.zeros(9), 0.8)
    7.0
  """
  label = np.asarray(label, np.float64)
  known = ~np.isnan(label)
  residuals = np.sort(np.abs(label - prediction)[known])
  rank = _rank(len(residuals), coverage)
  return math.inf if rank > len(residuals) else float(residuals[rank - 1])
