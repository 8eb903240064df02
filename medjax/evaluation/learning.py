"""How a metric grows with the number of training cases, and where it goes from there.

An inverse power law, ``limit - scale * cases ** -power``, is fitted to the means of several draws
of each size by least squares: for each of many powers the other two follow in closed form, with
the limit at most that of the metric and the scale at least 0.

References:
  Mukherjee et al. (2003), Estimating dataset size requirements for classifying DNA microarray data,
  Journal of Computational Biology 10:119-142.
  Figueroa et al. (2012), Predicting sample size required for classification performance, BMC
  Medical Informatics and Decision Making 12:8.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from medjax.evaluation.estimate import Estimate

_POWERS = np.linspace(0.05, 2.0, 196)
_LIMIT = 1.0  # AUROC, R2, concordance and Dice have no more, and log-likelihoods are below 0
_FEWEST = 4  # sizes: three would be met by a law of three numbers whatever they are
_RESAMPLES = 1000


@dataclasses.dataclass(frozen=True)
class PowerLaw:
  """``limit - scale * cases ** -power``.

  Attributes:
    limit: of endless cases.
    scale: what one case would lack of it.
    power: how fast that falls.
  """

  limit: float
  scale: float
  power: float

  def at(self, cases: float) -> float:
    """The metric that so many training cases would give."""
    return self.limit - self.scale * cases**-self.power


def fit(cases: Sequence[float], values: Sequence[float]) -> PowerLaw:
  """The law nearest to the values.

  Args:
    cases: of each size, [S].
    values: means of the metric, [S].

  Example:
    >>> law = fit([10, 40, 160, 640], [0.9 - n**-0.5 for n in (10, 40, 160, 640)])
    >>> round(law.limit, 3), round(law.power, 2)
    (0.9, 0.5)
  """
  limit, scale, power = (float(part[0]) for part in _fits(np.asarray(cases), np.array([values])))
  return PowerLaw(limit, scale, power)


def _fits(cases: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Limits, scales and powers, [R] each, for values [R, S]."""
  x = cases[None, :] ** -_POWERS[:, None]  # [P, S]
  centred = x - x.mean(axis=1, keepdims=True)
  mean = values.mean(axis=1)[:, None]
  scale = -(values - mean) @ centred.T / np.square(centred).sum(axis=1)
  limit = mean + scale * x.mean(axis=1)
  bounded = (_LIMIT - values) @ x.T / np.square(x).sum(axis=1)
  scale = np.where(limit > _LIMIT, bounded, scale)
  limit = np.where(limit > _LIMIT, _LIMIT, limit)
  limit = np.where(scale < 0, mean, limit)  # more cases do not help
  scale = np.maximum(scale, 0.0)
  gaps = values[:, None, :] - (limit[:, :, None] - scale[:, :, None] * x)
  best = np.square(gaps).sum(axis=2).argmin(axis=1)
  rows = np.arange(len(values))
  return limit[rows, best], scale[rows, best], _POWERS[best]


def forecast(
  cases: Sequence[float], draws: Sequence[Sequence[float]], wanted: Sequence[float]
) -> list[Estimate]:
  """The metric at other numbers of cases, with percentiles of the bootstrap over draws.

  What another set of test cases would give is not in the interval, nor that another law may hold.

  Args:
    cases: training cases of each size, [S].
    draws: the metric of each draw of a size, [S] lists.
    wanted: numbers of cases.

  Returns:
    An estimate for each; without a value where there are fewer than four sizes, without an
    interval where a size has one draw.
  """
  if len(set(cases)) < _FEWEST:
    reason = f'{len(set(cases))} sizes: a curve needs {_FEWEST}'
    return [Estimate(None, reason=reason) for _ in wanted]
  law = fit(cases, [float(np.mean(of)) for of in draws])
  if min(len(of) for of in draws) < 2:
    return [Estimate(law.at(n), reason='one draw of a size: no interval') for n in wanted]
  random = np.random.default_rng(0)
  means = np.stack(
    [random.choice(np.asarray(of), (_RESAMPLES, len(of))).mean(axis=1) for of in draws], axis=1
  )
  limit, scale, power = _fits(np.asarray(cases, float), means)
  found = []
  for n in wanted:
    low, high = np.quantile(limit - scale * n**-power, [0.025, 0.975]).tolist()
    found.append(Estimate(law.at(n), low, high))
  return found
