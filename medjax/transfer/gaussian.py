"""A Gaussian process that is fitted to the training cases before a network beside it learns."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from medjax import models, tasks
from medjax.data.dataset import Dataset
from medjax.errors import UserError
from medjax.transfer import fixed

_MOST = 10_000  # cases, whose covariances are 0.8 GB; time grows with their third power
_SAMPLE = 500  # cases by which the covariance is chosen
_AT_ONCE = 1024  # cases whose covariances with all are computed
_ROUNDS = 100  # of Newton's method; ten or so are needed
_ENOUGH = 1e-8  # change of an output, in the last of them
# Where the search begins and how far it goes. Without noise, weights would be so large that
# float32 rounds their sum.
_START = {'fingerprint': 0.5, 'descriptors': 0.5, 'width': 2.0, 'noise': 0.1}
_BOUNDS = {
  'fingerprint': (1e-3, 100.0),
  'descriptors': (1e-3, 100.0),
  'width': (0.05, 50.0),
  'noise': (0.01, 2.0),
}


@dataclasses.dataclass(frozen=True)
class Process:
  """How a Gaussian process is fitted.

  Its covariance is a variance times the Tanimoto similarity of two fingerprints, and another one
  that falls off with the squared difference of descriptors. Both, the width of the latter and the
  noise of numbers are those under which the labels of 500 training cases are most probable; the
  outputs follow from all training cases: of numbers, their expected value; of classes, the most
  probable logits, by Laplace's approximation.

  Attributes:
    bits: columns of the fingerprint.

  Example:
    >>> process = transfer.Process(bits=2048)                        # doctest: +SKIP
    >>> model = process.with_network(network, task, data)
    >>> experiment = medjax.Experiment(data=data, model=model, task=task, beside=process, ...)

  Source:
    Rasmussen, C. E. and Williams, C. K. I. (2006), Gaussian Processes for Machine Learning, MIT
    Press, algorithms 2.1 and 3.1.
  """

  bits: int
  kind: str = 'gaussian_process'

  def with_network(self, network: Any, task: tasks.Task, data: Dataset) -> models.Beside:
    """As ``Fixed``.

    Raises:
      UserError: there are more training cases than it can be fitted to.
    """
    link, cases = fixed.link(self.kind, task), data.examples('train')
    if cases > _MOST:
      raise UserError(
        f'config.beside={self.kind}: there are {cases:,} training cases, and each is compared with '
        f'each; expected at most {_MOST:,}, or config.beside=boosting'
      )
    link = 'log_sigmoid' if link == 'log' else 'identity'
    return models.Beside(network, models.GaussianProcess(task.outputs, cases, self.bits, link))

  def on(self, model: Any, task: tasks.Task, data: Dataset, seed: int) -> dict[str, Any]:
    """As ``Fixed``; see ``models.GaussianProcess``."""
    x, y = fixed.seen(model, data), task.targets(data.splits['train'].label).astype(np.float64)
    numbers = task.link == 'identity'
    fit = _of_numbers if numbers else _of_classes
    means = np.array([_mean(column, numbers) for column in y.T])
    sample = np.random.default_rng(seed).permutation(len(x))[:_SAMPLE]
    found, noise = self._search(x[sample], y[sample], means, fit, numbers)
    weights = np.zeros(y.shape)
    similar, apart = self._likeness(x)
    like = models.covariance(found, similar, apart, np.exp)
    for column, known in _known(y):
      part = like if known.all() else like[np.ix_(known, known)]
      weights[known, column] = fit(part, y[known, column], means[column], noise)[1]
    # Of fewer cases than the model has room for, such as those of an attack, the rest is nothing.
    room = model.other.cases - len(x)
    held = {
      'cases': np.pad(x, ((0, room), (0, 0))),
      'weights': np.pad(weights, ((0, room), (0, 0))),
      'mean': means,
      'covariance': found,
    }
    return {'other': {name: array.astype(np.float32) for name, array in held.items()}}

  def _likeness(self, x: np.ndarray) -> list[np.ndarray]:
    """Of all pairs of cases, two of float64 [N, N]."""
    compare = jax.jit(models.likeness, static_argnums=2)
    found = [np.empty((len(x), len(x))) for _ in range(2)]
    for first in range(0, len(x), _AT_ONCE):
      part = slice(first, first + _AT_ONCE)
      for all_pairs, some in zip(found, compare(x[part], x, self.bits), strict=True):
        all_pairs[part] = some
    return found

  def _search(
    self,
    x: np.ndarray,
    y: np.ndarray,
    means: np.ndarray,
    fit: Callable[..., tuple[float, np.ndarray]],
    numbers: bool,
  ) -> tuple[np.ndarray, float]:
    """The covariance, see ``models.COVARIANCE``, and the noise of numbers."""
    from scipy import optimize

    names = [*models.COVARIANCE, 'noise'] if numbers else [*models.COVARIANCE]
    (similar, apart), columns = self._likeness(x), _known(y)

    def improbability(logs: np.ndarray) -> float:
      *found, noise = [*np.exp(logs), 0.0][: len(models.COVARIANCE) + 1]
      like, total = models.covariance(found, similar, apart, np.exp), 0.0
      for column, known in columns:
        part = like if known.all() else like[np.ix_(known, known)]
        total -= fit(part, y[known, column], means[column], noise)[0]
      return total / max(sum(known.sum() for _, known in columns), 1)

    bounds = [np.log(_BOUNDS[name]) for name in names]
    start = np.log([_START[name] for name in names])
    logs = optimize.minimize(improbability, start, method='L-BFGS-B', bounds=bounds).x
    *found, noise = [*np.exp(logs), 0.0][: len(models.COVARIANCE) + 1]
    return np.array(found), noise


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

  lower = linalg.cholesky(like + noise * np.eye(len(y)), lower=True)
  weights = linalg.cho_solve((lower, True), y - mean)
  size = np.log(np.diag(lower)).sum() + len(y) / 2 * np.log(2 * np.pi)
  return -(y - mean) @ weights / 2 - size, weights


def _of_classes(
  like: np.ndarray, y: np.ndarray, mean: float, _noise: float = 0.0
) -> tuple[float, np.ndarray]:
  """As ``_of_numbers`` for labels 0 and 1, by Laplace's approximation."""
  from scipy import linalg

  weights, off = np.zeros(len(y)), np.zeros(len(y))
  for _ in range(_ROUNDS):
    share = 1 / (1 + np.exp(-(mean + off)))
    root = np.sqrt(share * (1 - share))
    lower = linalg.cholesky(np.eye(len(y)) + root[:, None] * like * root, lower=True)
    toward = root**2 * off + y - share
    weights = toward - root * linalg.cho_solve((lower, True), root * (like @ toward))
    before, off = off, like @ weights
    if np.abs(off - before).max() < _ENOUGH:
      break
  fits = np.logaddexp(0, np.where(y > 0.5, -1, 1) * (mean + off)).sum()
  return -weights @ off / 2 - fits - np.log(np.diag(lower)).sum(), weights
