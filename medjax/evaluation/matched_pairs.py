"""What predictions are worth where it is hard: in pairs of cases that differ in one part alone.

Pairs that share a case are not independent. The variance of a share of pairs allows for that
(Aronow et al.), and Wilson's interval is that of as many independent pairs; other figures are
resampled by cases, a pair as often as both of its cases are drawn (Snijders and Borgatti). Groups
that splits keep together, such as scaffolds, are not resampled: most pairs are within one, and
often most of all in a single one.

References:
  Stumpfe, D. and Bajorath, J. (2012), Exploring activity cliffs in medicinal chemistry, J. Med.
    Chem. 55:2932-2942.
  van Tilborg, D., Alenicheva, A. and Grisoni, F. (2022), Exposing the limitations of molecular
    machine learning with activity cliffs, J. Chem. Inf. Model. 62:5938-5951.
  Aronow, P. M., Samii, C. and Assenova, V. A. (2015), Cluster-robust variance estimation for dyadic
    data, Political Analysis 23:564-577.
  Snijders, T. A. B. and Borgatti, S. P. (1999), Non-parametric standard errors and tests for
    network statistics, Connections 22:161-170.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy import sparse

from medjax.evaluation.bootstrap import Bootstrap
from medjax.evaluation.estimate import Estimate, normal_quantile, t_quantile
from medjax.evaluation.proportions import wilson_of

_LEVEL = 0.95


@dataclasses.dataclass(frozen=True, eq=False)
class Scale:
  """One label of N cases, and what is predicted of it, as numbers that can be compared.

  Attributes:
    name: of the label; '' where there is one alone.
    label: float64 [N], NaN where it is not known; 0 and 1 of two classes.
    prediction: float64 [N], of classes the probability of the second.
    apart: labels that differ by more are a cliff.
    about: how far that is, for readers.
    classes: names of the two classes; empty where labels are numbers.
  """

  name: str
  label: np.ndarray
  prediction: np.ndarray
  apart: float
  about: str
  classes: tuple[str, ...] = ()

  @classmethod
  def of_class(
    cls, name: str, label: np.ndarray, probability: np.ndarray, classes: tuple[str, ...]
  ) -> 'Scale':
    """Of two classes, labels 0 and 1 and the probability of the second."""
    return cls(name, label.astype(np.float64), probability, 0.5, 'so that classes differ', classes)


@dataclasses.dataclass(frozen=True, eq=False)
class PairFigures:
  """What predictions of pairs are worth, P pairs whose labels are known.

  Attributes:
    known: which of all pairs these are, [P].
    label: differences of labels, second less first, float64 [P].
    prediction: differences of predictions, float64 [P].
    cliff: whether the labels are far apart, bool [P].
    ordered: share of the cliffs whose predictions are in the order of their labels; equal ones are
      not.
    followed: of numbers the correlation of differences, about 0, over all pairs; of classes how
      much more probable the second class is in the case that is of it, a mean over the cliffs.
  """

  known: np.ndarray
  label: np.ndarray
  prediction: np.ndarray
  cliff: np.ndarray
  ordered: Estimate
  followed: Estimate

  @property
  def toward(self) -> np.ndarray:
    """How far predictions differ in the direction in which labels do, float64 [P]."""
    return np.sign(self.label) * self.prediction


def pair_figures(scale: Scale, first: np.ndarray, second: np.ndarray) -> PairFigures:
  """The figures of one label over pairs.

  Args:
    scale: labels and predictions of N cases.
    first: number of one case of each pair, int.
    second: number of the other one.

  Example:
    >>> scale = Scale('', np.array([0.0, 1.0, 1.0]), np.array([0.2, 0.9, 0.1]), 0.5, '', ('a', 'b'))
    >>> figures = pair_figures(scale, np.array([0, 0, 1]), np.array([1, 2, 2]))
    >>> figures.cliff.tolist(), figures.ordered.value
    ([True, True, False], 0.5)
  """
  label = scale.label[second] - scale.label[first]
  known = np.flatnonzero(~np.isnan(label))
  first, second, label = first[known], second[known], label[known]
  prediction = scale.prediction[second] - scale.prediction[first]
  cliff = np.abs(label) > scale.apart
  ordered = share_of_pairs((label * prediction > 0)[cliff], first[cliff], second[cliff])
  if scale.classes:
    followed = _gap(label[cliff], prediction[cliff], first[cliff], second[cliff])
  else:
    followed = _correlation(label, prediction, first, second)
  return PairFigures(known, label, prediction, cliff, ordered, followed)


def share_of_pairs(hits: np.ndarray, first: np.ndarray, second: np.ndarray) -> Estimate:
  """The share of true entries among pairs, with Wilson's interval of as many independent ones.

  Args:
    hits: bool [P].
    first: number of one case of each pair, int; no pair comes twice.
    second: that of the other one.
  """
  if not len(hits):
    return Estimate(None, reason='there is no cliff')
  share, cases = float(hits.mean()), len(np.union1d(first, second))
  apart = _parted(first, second)
  if apart < 2:
    return Estimate(share, reason='all pairs share a case with each other: no interval')
  effective = float(len(hits))
  if apart < len(hits):
    variance = _variance(hits - share, first, second) * cases / (cases - 1) / len(hits) ** 2
    # Pairs that share no case are what is known to be independent, where nothing varies.
    effective = share * (1 - share) / variance if variance > 1e-12 else apart
    effective = min(len(hits), max(effective, 1.0))
    effective *= (normal_quantile(_LEVEL) / t_quantile(_LEVEL, cases - 1)) ** 2
  return Estimate(share, *wilson_of(share, effective), method='Wilson, pairs that share a case')


def _variance(residual: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
  """The sum of the products of every two pairs that share a case, in both orders."""
  size = int(max(first.max(), second.max())) + 1
  of_case = np.bincount(first, residual, size) + np.bincount(second, residual, size)
  # A pair shares two cases with itself.
  return float((of_case**2).sum() - (residual**2).sum())


def _parted(first: np.ndarray, second: np.ndarray) -> int:
  """How many pairs there are of which no two share a case, at least: as they come."""
  taken: set[int] = set()
  count = 0
  for ends in zip(first.tolist(), second.tolist(), strict=True):
    if taken.isdisjoint(ends):
      taken.update(ends)
      count += 1
  return count


def _gap(
  label: np.ndarray, prediction: np.ndarray, first: np.ndarray, second: np.ndarray
) -> Estimate:
  if not len(label):
    return Estimate(None, reason='there is no cliff')
  toward = np.sign(label) * prediction
  return _resampled(np.stack([toward, np.ones_like(toward)], 1), _mean, first, second)


def _correlation(
  label: np.ndarray, prediction: np.ndarray, first: np.ndarray, second: np.ndarray
) -> Estimate:
  """About 0, since the order of a pair, and so the sign of its differences, says nothing."""
  if not label.any() or not prediction.any():
    return Estimate(None, reason='no pair differs in its labels, or none in its predictions')
  moments = np.stack([label * prediction, label**2, prediction**2], 1)
  return _resampled(moments, _about_zero, first, second)


def _mean(sums: np.ndarray) -> np.ndarray:
  return sums[:, 0] / sums[:, 1]


def _about_zero(sums: np.ndarray) -> np.ndarray:
  return sums[:, 0] / np.sqrt(sums[:, 1] * sums[:, 2])


def _resampled(
  moments: np.ndarray,
  figure: Callable[[np.ndarray], np.ndarray],
  first: np.ndarray,
  second: np.ndarray,
) -> Estimate:
  """A figure of summed moments [P, M] with its interval over cases."""
  cases, number = np.unique(np.concatenate([first, second]), return_inverse=True)
  ends, size = tuple(number.reshape(2, -1)), len(cases)
  matrices = [sparse.coo_array((of, ends), (size, size)).tocsr() for of in moments.T]

  def statistics(times: np.ndarray) -> dict[str, np.ndarray]:
    # Of a case that is drawn twice the copies are no pair.
    sums = [(times @ matrix * times).sum(axis=1) for matrix in matrices]
    with np.errstate(invalid='ignore', divide='ignore'):
      return {'figure': figure(np.stack(sums, axis=1))}

  value = float(figure(moments.sum(axis=0, keepdims=True))[0])
  return Bootstrap(np.arange(size)).intervals({'figure': value}, statistics)['figure']
