"""A Gaussian process that is fitted to the training cases before a network beside it learns."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import jax
import numpy as np

from medjax import models
from medjax.errors import UserError
from medjax.transfer import fixed

# Memory is that of three tables of all pairs, 1.5 GB; time grows with the third power, and the run
# holds every training case.
_MOST, _MOST_NUMBERS = 8_000, 1 << 26
_SAMPLE, _RARE = 500, 20  # cases by which the covariance is chosen; of a rare class among them
_AT_ONCE = 1024  # cases whose covariances with all are computed
_ROUNDS = 100  # of Newton's method; ten or so are needed
_ENOUGH = 1e-8  # change of an output, in the last of them
_START = {'fingerprint': 0.5, 'descriptors': 0.5, 'width': 2.0, 'noise': 0.1}
# Numbers are in standard deviations. The more variance is explained by the less noise, the larger
# are the weights that add up to an output, and the more of it float32 rounds away.
_OF_NUMBERS = {
  'fingerprint': (1e-3, 20.0),
  'descriptors': (1e-3, 20.0),
  'width': (0.05, 50.0),
  'noise': (0.01, 2.0),
}
_OF_CLASSES = {
  'fingerprint': (1e-3, 100.0),
  'descriptors': (1e-3, 100.0),
  'width': (0.05, 50.0),
}

_Fit = Callable[[np.ndarray, np.ndarray, float, float], tuple[float, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class Process:
  """How a Gaussian process is fitted.

  Its covariance is a variance times the Tanimoto similarity of two fingerprints, and another one
  that falls off with the squared difference of descriptors. Both, the width of the latter and the
  noise of numbers are those under which the labels of 500 training cases are most probable; the
  outputs follow from all training cases: of numbers, their expected value; of classes, the most
  probable logits, by Laplace's approximation. Several labels have one covariance.

  Attributes:
    bits: columns of the fingerprint.

  Example:
    >>> process = transfer.Process(bits=2)
    >>> x, y = np.eye(4, dtype=np.float32), np.array([[0.0], [0], [1], [1]])
    >>> model = process.model(outputs=1, link='logit', cases=4)
    >>> process.fit(model, x, y, 'logit', seed=0)['weights'].shape
    (4, 1)

  Source:
    Rasmussen, C. E. and Williams, C. K. I. (2006), Gaussian Processes for Machine Learning, MIT
    Press, algorithms 2.1 and 3.1.
  """

  setting: ClassVar[str] = 'config.gaussian_process=true'
  bits: int

  def model(self, outputs: int, link: str, cases: int) -> models.GaussianProcess:
    """As ``Fixed``.

    Raises:
      UserError: there are more training cases than it can be fitted to.
    """
    most = min(_MOST, _MOST_NUMBERS // max(self.bits, 1))
    if cases > most:
      raise UserError(
        f'{self.setting}: there are {cases:,} training cases, all of which it compares and keeps; '
        f'expected at most {most:,} with config.data.bits={self.bits}, or config.trees=boosting'
      )
    link = 'log_sigmoid' if link == 'log' else 'identity'
    return models.GaussianProcess(outputs, cases, self.bits, link)

  def fit(
    self, model: Any, x: np.ndarray, y: np.ndarray, link: str, seed: int
  ) -> dict[str, np.ndarray]:
    """As ``Fixed``; see ``models.GaussianProcess``."""
    numbers = link == 'identity'
    fit: _Fit = _of_numbers if numbers else _of_classes
    means = np.array([_mean(column, numbers) for column in y.T])
    sample = _sample(y, numbers, seed)
    found, noise = self._search(x[sample], y[sample], means, numbers)
    weights = np.zeros(y.shape)
    like = self._covariance(x, found)
    for column, known in _known(y):
      part = like if known.all() else like[np.ix_(known, known)]
      weights[known, column] = fit(part, y[known, column], means[column], noise)[1]
    # Of fewer cases than the model has room for, such as those of an attack, the rest is nothing.
    room = model.cases - len(x)
    held = {
      'cases': np.pad(x, ((0, room), (0, 0))),
      'weights': np.pad(weights, ((0, room), (0, 0))),
      'mean': means,
      'covariance': found,
    }
    return {name: array.astype(np.float32) for name, array in held.items()}

  def _likeness(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    similar, apart = _compared(x, y, self.bits)
    return np.asarray(similar, np.float64), np.asarray(apart, np.float64)

  def _covariance(self, x: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Of all pairs of cases, float64 [N, N]."""
    like = np.empty((len(x), len(x)))
    for first in range(0, len(x), _AT_ONCE):
      part = slice(first, first + _AT_ONCE)
      like[part] = models.covariance(found, *self._likeness(x[part], x), np.exp)
    return like

  def _search(
    self, x: np.ndarray, y: np.ndarray, means: np.ndarray, numbers: bool
  ) -> tuple[np.ndarray, float]:
    """The covariance, see ``models.COVARIANCE``, and the noise of numbers."""
    from scipy import optimize

    fit: _Fit = _of_numbers if numbers else _of_classes
    limits = _OF_NUMBERS if numbers else _OF_CLASSES
    (similar, apart), columns = self._likeness(x, x), _known(y)
    cases = max(sum(int(known.sum()) for _, known in columns), 1)

    def parts(logs: np.ndarray) -> tuple[np.ndarray, float]:
      values = np.exp(logs)
      return values[: len(models.COVARIANCE)], float(values[-1]) if numbers else 0.0

    def improbability(logs: np.ndarray) -> float:
      found, noise = parts(logs)
      like, total = models.covariance(found, similar, apart, np.exp), 0.0
      for column, known in columns:
        part = like if known.all() else like[np.ix_(known, known)]
        total -= fit(part, y[known, column], means[column], noise)[0]
      return total / cases

    bounds = [np.log(limit) for limit in limits.values()]
    start = np.log([_START[name] for name in limits])
    return parts(optimize.minimize(improbability, start, method='L-BFGS-B', bounds=bounds).x)


_compared = jax.jit(models.likeness, static_argnums=2)


def _sample(y: np.ndarray, numbers: bool, seed: int) -> np.ndarray:
  """Numbers of cases that chance chooses; some of each rare class are among them."""
  order = np.random.default_rng(seed).permutation(len(y))
  first = np.zeros(len(y), bool)
  for values in y[order].T:
    known = ~np.isnan(values)
    wanted = known
    if not numbers and known.any():
      wanted = values == (values[known].mean() < 0.5)
    first[np.flatnonzero(wanted)[: _SAMPLE if numbers else _RARE]] = True
  return order[np.argsort(~first, kind='stable')][: max(_SAMPLE, int(first.sum()))]


def _known(y: np.ndarray) -> Sequence[tuple[int, np.ndarray]]:
  """The columns of targets that differ, and which cases of each are known, bool [N]."""
  found = []
  for column, values in enumerate(y.T):
    known = ~np.isnan(values)
    if known.any() and np.ptp(values[known]) > 0:
      found.append((column, known))
  return found


def _mean(values: np.ndarray, numbers: bool) -> float:
  """The output far away from all cases."""
  known = values[~np.isnan(values)]
  if numbers:
    return float(known.mean()) if len(known) else 0.0
  return fixed.logit(fixed.constant(known))


def _of_numbers(
  like: np.ndarray, y: np.ndarray, mean: float, noise: float
) -> tuple[float, np.ndarray]:
  """The logarithm of the probability of numbers, and the weights of cases, [N]."""
  from scipy import linalg

  lower = _factor(like.copy(), noise)
  weights = linalg.cho_solve((lower, True), y - mean)
  size = np.log(np.diag(lower)).sum() + len(y) / 2 * np.log(2 * np.pi)
  return -(y - mean) @ weights / 2 - size, weights


def _of_classes(
  like: np.ndarray, y: np.ndarray, mean: float, _noise: float = 0.0
) -> tuple[float, np.ndarray]:
  """As ``_of_numbers`` for labels 0 and 1, by Laplace's approximation."""
  from scipy import linalg, special

  sign = np.where(y > 0.5, -1, 1)

  def probability(weights: np.ndarray, off: np.ndarray) -> float:
    return float(-weights @ off / 2 - np.logaddexp(0, sign * (mean + off)).sum())

  weights, off = np.zeros(len(y)), np.zeros(len(y))
  best, size = probability(weights, off), 0.0
  for _ in range(_ROUNDS):
    share = special.expit(mean + off)
    root = np.sqrt(share * (1 - share))
    lower = like * root[:, None]
    lower *= root
    lower = _factor(lower, 1.0)
    size = np.log(np.diag(lower)).sum()
    toward = root**2 * off + y - share
    to = toward - root * linalg.cho_solve((lower, True), root * (like @ toward))
    off_to = like @ to
    # A whole step can go too far, above all for a rare class; half as far is better in the end.
    step = 1.0
    while probability(weights + step * (to - weights), off + step * (off_to - off)) < best:
      step /= 2
      if step < _ENOUGH:
        return best - size, weights
    moved = np.abs(step * (off_to - off)).max()
    weights, off = weights + step * (to - weights), off + step * (off_to - off)
    best = probability(weights, off)
    if moved < _ENOUGH:
      break
  return best - size, weights


def _factor(matrix: np.ndarray, more: float) -> np.ndarray:
  """The lower factor of a symmetric matrix, in its place, with ``more`` on its diagonal."""
  from scipy import linalg

  matrix.flat[:: len(matrix) + 1] += more
  return linalg.cholesky(matrix.T, lower=True, overwrite_a=True, check_finite=False)
