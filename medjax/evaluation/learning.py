"""How a metric grows with the number of training cases, and where it goes from there.

An inverse power law, ``limit - scale * cases ** -power``, is fitted by least squares: for each of
many powers the other two follow in closed form, with the limit at most that of the metric and the
scale at least 0. A draw of patients has all sizes, the smaller among the larger, so that its values
hang together; how far the curves of draws are apart gives the interval.

References:
  Mukherjee et al. (2003), Estimating dataset size requirements for classifying DNA microarray data,
  Journal of Computational Biology 10:119-142.
  Figueroa et al. (2012), Predicting sample size required for classification performance, BMC
  Medical Informatics and Decision Making 12:8.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from medjax.evaluation.estimate import Estimate, t_quantile

_POWERS = np.linspace(0.05, 2.0, 196)
_FEWEST = 4  # sizes: three would be met by a law of three numbers whatever they are
_DRAWS = 3  # from which on there is an interval


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


def fit(cases: Sequence[float], values: Sequence[float], most: float = 1.0) -> PowerLaw:
  """The law nearest to the values.

  Args:
    cases: of each size, [S].
    values: of the metric, [S].
    most: the largest value that the metric can have.

  Example:
    >>> law = fit([10, 40, 160, 640], [0.9 - n**-0.5 for n in (10, 40, 160, 640)])
    >>> round(law.limit, 3), round(law.power, 2)
    (0.9, 0.5)
  """
  y = np.asarray(values, float)
  x = np.asarray(cases, float)[None, :] ** -_POWERS[:, None]  # [P, S]
  centred = x - x.mean(axis=1, keepdims=True)
  scale = -(centred @ (y - y.mean())) / np.square(centred).sum(axis=1)
  limit = y.mean() + scale * x.mean(axis=1)
  scale = np.where(limit > most, x @ (most - y) / np.square(x).sum(axis=1), scale)
  limit = np.where(limit > most, most, limit)
  limit = np.where(scale < 0, y.mean(), limit)  # more cases do not help
  scale = np.maximum(scale, 0.0)
  gaps = y - (limit[:, None] - scale[:, None] * x)
  best = int(np.square(gaps).sum(axis=1).argmin())
  return PowerLaw(float(limit[best]), float(scale[best]), float(_POWERS[best]))


def forecast(
  cases: Sequence[float],
  draws: Sequence[Sequence[float]],
  wanted: Sequence[float],
  most: float = 1.0,
) -> list[Estimate]:
  """The metric at other numbers of cases: that of the law of the means of draws.

  The 95% interval is Student's, of what the laws of single draws give. What other test cases would
  give is not in it, nor that another law may hold, and draws near the whole set are much the same.

  Args:
    cases: training cases of each size, [S].
    draws: the metric of each size, of as many draws, [S, D].
    wanted: numbers of cases.
    most: the largest value that the metric can have.

  Returns:
    An estimate for each; without a value where there are fewer than four sizes, without an
    interval where there are fewer than three draws.
  """
  if len(cases) < _FEWEST:
    reason = f'{len(cases)} sizes: a curve needs {_FEWEST}'
    return [Estimate(None, reason=reason) for _ in wanted]
  values = np.asarray(draws, float)
  law = fit(cases, values.mean(axis=1).tolist(), most)
  count = values.shape[1]
  if count < _DRAWS:
    reason = f'{count} draw{"s" if count > 1 else ""}: an interval needs {_DRAWS}'
    return [Estimate(law.at(n), reason=reason) for n in wanted]
  laws = [fit(cases, of_draw.tolist(), most) for of_draw in values.T]
  found = []
  for n in wanted:
    spread = float(np.std([one.at(n) for one in laws], ddof=1))
    half_width = t_quantile(0.95, count - 1) * spread / count**0.5
    found.append(Estimate(law.at(n), law.at(n) - half_width, min(law.at(n) + half_width, most)))
  return found
