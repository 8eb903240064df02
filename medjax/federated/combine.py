"""How the updates of sites become one, and which of them are left out.

Sources:
  McMahan et al. (2017), Communication-Efficient Learning of Deep Networks from Decentralized Data,
  AISTATS: the mean by cases.
  Yin et al. (2018), Byzantine-Robust Distributed Learning, ICML: the median of each parameter.
  Blanchard et al. (2017), Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent,
  NeurIPS: Krum.
"""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from medjax.federated.settings import KRUM, MEAN, MEDIAN

_FAR = 10.0  # times the median norm of all updates


def wrong(update: Any, like: Any) -> str:
  """Why an update cannot be used; '' where it can.

  Args:
    update: a tree of arrays that a site sent.
    like: the parameters that it was sent.

  Example:
    >>> wrong({'w': np.array([np.nan])}, {'w': np.zeros(1)})
    'w holds values that are no numbers'
  """
  structures: Any = jax.tree.structure(update), jax.tree.structure(like)
  if structures[0] != structures[1]:
    return 'it has other parameters than the network'
  expected = jax.tree_util.tree_flatten_with_path(like)[0]
  for (path, leaf), found in zip(expected, jax.tree.leaves(update), strict=True):
    name = jax.tree_util.keystr(path, simple=True, separator='.')
    if np.shape(found) != np.shape(leaf):
      return f'{name} has shape {np.shape(found)}; expected {np.shape(leaf)}'
    if np.asarray(found).dtype != np.asarray(leaf).dtype:
      return f'{name} holds {np.asarray(found).dtype}; expected {np.asarray(leaf).dtype}'
    if not np.isfinite(found).all():
      return f'{name} holds values that are no numbers'
  return ''


def far(norms: Sequence[float]) -> list[str]:
  """Why updates are left out as far larger than those of most sites; '' for those that are not.

  Three sites or more are needed to say what is usual.

  Args:
    norms: of the updates.

  Example:
    >>> far([1.0, 1.2, 50.0])[2]
    'its update is 42 times as large as that of most sites'
  """
  if len(norms) < 3:
    return [''] * len(norms)
  usual = float(np.median(norms))
  return [
    f'its update is {one / usual:.0f} times as large as that of most sites'
    if usual and one > _FAR * usual
    else ''
    for one in norms
  ]


def clipped(change: Any, size: float, most: float) -> Any:
  """A change of parameters whose norm is at most ``most``.

  Args:
    change: a tree of arrays.
    size: its norm.
    most: see there; 0 for any.
  """
  if not most or size <= most:
    return change
  return jax.tree.map(lambda leaf: leaf * np.float32(most / size), change)


def combined(how: str, changes: Sequence[Any], weights: Sequence[float]) -> Any:
  """One change of the parameters.

  Args:
    how: one of ``settings.COMBINATIONS``.
    changes: trees of arrays, one a site.
    weights: how much each counts in the mean: its cases.

  Example:
    >>> changes = [{'w': np.array([value])} for value in (1.0, 2.0, 30.0)]
    >>> [float(combined(how, changes, [1, 1, 2])['w'][0]) for how in ('mean', 'median', 'krum')]
    [15.75, 2.0, 1.0]
  """
  if how == MEAN:
    shares = np.asarray(weights, np.float64) / np.sum(weights)
    return jax.tree.map(lambda *leaves: _mean(leaves, shares), *changes)
  if how == MEDIAN:
    return jax.tree.map(lambda *leaves: np.median(np.stack(leaves), axis=0), *changes)
  assert how == KRUM
  return changes[_krum(changes)]


def _mean(leaves: Sequence[Any], shares: np.ndarray) -> np.ndarray:
  total = np.zeros(np.shape(leaves[0]), np.float64)
  for leaf, share in zip(leaves, shares, strict=True):
    total += share * np.asarray(leaf, np.float64)
  return total.astype(np.asarray(leaves[0]).dtype)


def _krum(changes: Sequence[Any]) -> int:
  """The update nearest to others: sum of squared distances to all but itself and the farthest.

  At most (n - 3) / 2 of n sites may send anything at all; one is reckoned with, or none of two.
  """
  vectors = [np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(one)]) for one in changes]
  count = len(vectors)
  near = max(count - 3, 1)  # n - f - 2 with f = 1
  scores = []
  for i in range(count):
    distances = sorted(
      float(np.sum((vectors[i] - vectors[j]) ** 2)) for j in range(count) if j != i
    )
    scores.append(sum(distances[:near]))
  return int(np.argmin(scores))
