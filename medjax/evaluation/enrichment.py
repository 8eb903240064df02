"""How early a ranked library shows its actives: enrichment factors, BEDROC and the ROC AUC.

Of equal scores every order is as likely, and each number is the mean over these orders. Without
ties enrichment factors and BEDROC are those of ``rdkit.ML.Scoring``.

Sources:
  Truchon, J.-F. and Bayly, C. I. (2007), Evaluating virtual screening methods: good and bad metrics
  for the "early recognition" problem, J. Chem. Inf. Model. 47:488-508 (BEDROC).
"""

import math

import numpy as np

from medjax.evaluation.bootstrap import RESAMPLES, Bootstrap
from medjax.evaluation.estimate import Estimate
from medjax.evaluation.ranking import Ranking

ALPHA = 20.0
"""How early is early: at 20, the first 8% of the list make 80% of the score."""
SHARES = (0.01, 0.05)
"""Of the list, for enrichment factors."""
_WORK = 50_000_000  # molecules times resamples: some seconds
_LEAST = 200  # resamples


def enrichment(active: np.ndarray, score: np.ndarray, seed: int = 0) -> dict[str, Estimate]:
  """Numbers of a ranked list, with 95% intervals.

  Args:
    active: [N] bool.
    score: [N]; larger means earlier.
    seed: of the resamples, in which actives and others are drawn by themselves: 2000, or fewer, but
      at least 200, for more than 25,000 molecules.

  Returns:
    'ef_1' and 'ef_5', how many times as many actives the first 1% and 5% hold as a random choice;
    'bedroc' (alpha 20), from 0 to 1; 'auroc'. Undefined, with a reason, without actives or without
    others.

  Example:
    >>> found = enrichment(np.arange(200) < 2, -np.arange(200.0))
    >>> found['ef_1'].value, round(found['bedroc'].value, 6), found['auroc'].value
    (100.0, 1.0, 1.0)
  """
  names = [*(f'ef_{share:.0%}'.rstrip('%') for share in SHARES), 'bedroc', 'auroc']
  active = np.asarray(active, bool)
  if not active.any() or active.all():
    missing = 'active molecule' if not active.any() else 'molecule that is not active'
    return {name: Estimate(None, reason=f'there is no {missing}') for name in names}
  ranking = Ranking(active, score)

  def statistics(times: np.ndarray) -> dict[str, np.ndarray]:
    true, called = (part.astype(np.float64) for part in ranking.counts(times))
    found = [*(_factor(true, called, share) for share in SHARES), _bedroc(true, called)]
    return dict(zip(names, [*found, ranking.areas(times)[0]], strict=True))

  count = len(active)
  values = {name: float(value[0]) for name, value in statistics(np.ones((1, count))).items()}
  resamples = min(RESAMPLES, max(_LEAST, _WORK // count))
  draws = Bootstrap(np.arange(count), active, resamples, seed)
  return draws.intervals(values, statistics)


def _factor(true: np.ndarray, called: np.ndarray, share: float) -> np.ndarray:
  """Enrichment factors [R] of the first molecules of lists.

  Args:
    true: actives up to each distinct score, [R, G].
    called: molecules up to each distinct score, [R, G].
    share: of the list; the number of molecules is rounded up, as in RDKit.
  """
  count = called[:, -1]
  # Such that 0.05 * 100 is 5 whatever floating point makes of it.
  first = math.ceil(round(share * float(count[0]), 9))
  # Of the scores that reach so far the highest one, and the share of its tie that is within.
  last = (called < first).sum(axis=1)[:, None]
  of_last = [np.take_along_axis(part, last, axis=1)[:, 0] for part in (true, called)]
  before = [
    np.where(last > 0, np.take_along_axis(part, np.maximum(last - 1, 0), axis=1), 0)[:, 0]
    for part in (true, called)
  ]
  within = (first - before[1]) / (of_last[1] - before[1])
  found = before[0] + within * (of_last[0] - before[0])
  return (found / first) / (true[:, -1] / count)


def _bedroc(true: np.ndarray, called: np.ndarray) -> np.ndarray:
  """BEDROC [R] of lists; arguments as for ``_factor``.

  An active at rank r of N counts exp(-alpha r / N); of a tie each counts the mean over its ranks.
  """
  count = float(called[0, -1])
  share = true[:, -1] / count
  step = math.exp(-ALPHA / count)
  # The sum of step**r for ranks r up to each place, a geometric series.
  sums = step * (1 - step ** np.arange(count + 1)) / (1 - step)
  up_to = sums[called.astype(np.int64)]
  ranks = np.diff(called, axis=1, prepend=0)
  weight = np.diff(up_to, axis=1, prepend=0) / np.maximum(ranks, 1)
  total = (np.diff(true, axis=1, prepend=0) * weight).sum(axis=1)
  # Truchon and Bayly, equations 18 and 36: the sum as a multiple of its mean at random, between the
  # values of the worst and of the best list.
  random = share * step * (1 - math.exp(-ALPHA)) / (1 - step)
  scale = share * math.sinh(ALPHA / 2) / (np.cosh(ALPHA / 2) - np.cosh(ALPHA / 2 - ALPHA * share))
  return total / random * scale + 1 / (1 - np.exp(ALPHA * (1 - share)))
