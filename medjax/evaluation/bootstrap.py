"""The bootstrap over groups: how often each case is drawn in each of many resamples.

What is drawn is a group (a patient) with all its cases, because cases of one group are not
independent. Where every case is its own group, cases are drawn within each class, so that no
resample lacks one. Groups with several cases are drawn among all: within kinds of groups, a patient
of a rare kind would be in every resample and add nothing to the spread. A resample that lacks a
class is then left out where the class is needed.

References:
  Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapters 13 (percentiles) and 8.
  Field and Welsh (2007), Bootstrapping clustered data, JRSS B 69:369-390 (the cluster bootstrap).
"""

from collections.abc import Callable, Iterator

import numpy as np

from medjax.evaluation.estimate import Estimate

RESAMPLES = 2000
UNDEFINED = 'they do not define it'
# Bounds the memory: about 8 MB for each array of a block of resamples.
_BLOCK_CELLS = 2_000_000


class Bootstrap:
  """Resamples of some cases, the same ones every time they are asked for.

  Args:
    group: [N], the group of each case.
    label: [N] integers, the class of each case, to draw within where groups are single cases; None
      to draw among all.
    resamples: How many.
    seed: Of the draws, so that a report can be repeated.

  Example:
    >>> draws = Bootstrap(np.array(['p1', 'p1', 'p2']))
    >>> times = next(draws.blocks())
    >>> times.shape, bool((times[:, 0] == times[:, 1]).all())
    ((2000, 3), True)
  """

  def __init__(
    self,
    group: np.ndarray,
    label: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
  ):
    _, self._group = np.unique(group, return_inverse=True)
    self._resamples, self._seed = resamples, seed
    count = int(self._group.max(initial=-1)) + 1
    stratum = np.zeros(count, np.int64)
    if label is not None and count == len(self._group):
      stratum[self._group] = np.unique(label, return_inverse=True)[1]
    self._strata = [np.flatnonzero(stratum == value) for value in np.unique(stratum)]
    self._count = count

  def blocks(self) -> Iterator[np.ndarray]:
    """Yields how often each case is drawn, float32 [R, N], in blocks that add up to all."""
    random = np.random.default_rng(self._seed)
    block = max(1, min(self._resamples, _BLOCK_CELLS // max(1, len(self._group))))
    alone = len(self._group) == self._count and (np.diff(self._group) > 0).all()
    for start in range(0, self._resamples, block):
      rows = min(block, self._resamples - start)
      offset = np.arange(rows)[:, None] * self._count
      drawn = [
        offset + members[random.integers(len(members), size=(rows, len(members)))]
        for members in self._strata
      ]
      cells = np.concatenate(drawn, axis=1).ravel()
      times = np.bincount(cells, minlength=rows * self._count).reshape(rows, -1).astype(np.float32)
      yield times if alone else times[:, self._group]

  def intervals(
    self,
    values: dict[str, float],
    statistics: Callable[[np.ndarray], dict[str, np.ndarray]],
    level: float = 0.95,
    lacks: str = UNDEFINED,
  ) -> dict[str, Estimate]:
    """Percentile intervals of several statistics, all of the same resamples.

    Args:
      values: The statistics of the cases themselves, by name.
      statistics: From times [R, N] to each statistic of each resample, [R], by name. A resample
        that does not define a statistic has NaN there and is left out.
      level: Coverage of the intervals.
      lacks: Why a resample does not define a statistic, for the reason that counts them.

    Returns:
      The estimates by name; without interval, and with a reason, where all resamples agree.
    """
    resampled: dict[str, list[np.ndarray]] = {name: [] for name in values}
    for times in self.blocks():
      for name, part in statistics(times).items():
        resampled[name].append(part)
    return {
      name: percentiles(value, np.concatenate(resampled[name]), level, lacks)
      for name, value in values.items()
    }


def percentiles(
  value: float, resamples: np.ndarray, level: float = 0.95, lacks: str = UNDEFINED
) -> Estimate:
  """The estimate of a value from its resamples [R]; see ``Bootstrap.intervals``."""
  known = resamples[~np.isnan(resamples)]
  if not len(known) or np.ptp(known) == 0:
    return Estimate(value, reason='every bootstrap resample gives the same value: no interval')
  low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
  lacking = len(resamples) - len(known)
  reason = f'{lacking} of {len(resamples)} resamples left out: {lacks}' if lacking else ''
  return Estimate(value, float(low), float(high), reason, 'bootstrap')
