"""Membership inference by likelihood ratios: was this patient among those trained on?

An attacker who can train networks alike knows how a patient's score is distributed where the
patient was trained on and where not, and compares the two. Each network in turn is the one that is
attacked, and the others are the attacker's.

Source:
  Carlini et al. (2022), Membership inference attacks from first principles. IEEE S&P. With few
  networks, spreads are those of all patients together, as there.
"""

import dataclasses

import numpy as np
from scipy import stats

from medjax.evaluation import Estimate

_DRAWS = 1000
_FALSE = 0.01


@dataclasses.dataclass(frozen=True)
class Attack:
  """How well the attack does, each with its 95% interval over patients.

  Attributes:
    true_positive_rate: share of members that are found where 1% of others are taken for members;
      .01 by chance.
    auroc: that a member has a larger ratio than another; .5 by chance.
    balanced_accuracy: of calling a member who has a ratio above 1; .5 by chance.
  """

  true_positive_rate: Estimate
  auroc: Estimate
  balanced_accuracy: Estimate


def halves(units: int, networks: int, random: np.random.Generator) -> np.ndarray:
  """Who is trained on by which network: half of all by each, and each by half of all.

  Args:
    units: patients.
    networks: an even number.
    random: where draws come from.

  Returns:
    bool [networks, units]. One patient of an odd number is in no network of a pair.

  Example:
    >>> halves(4, 6, np.random.default_rng(0)).sum(axis=0).tolist()
    [3, 3, 3, 3]
  """
  inside = np.zeros((networks, units), bool)
  for pair in range(0, networks, 2):
    order = random.permutation(units)
    inside[pair, order[: units // 2]] = True
    inside[pair + 1, order[units // 2 : units // 2 * 2]] = True
  return inside


def ratios(scores: np.ndarray, inside: np.ndarray) -> np.ndarray:
  """Log likelihood ratio of having been trained on, for each network and patient.

  Args:
    scores: float64 [K, N], larger where the network is surer of the truth.
    inside: bool [K, N], who was trained on.

  Returns:
    float64 [K, N]; NaN where the other networks do not have the patient on both sides.
  """
  found = np.full(scores.shape, np.nan)
  for target in range(len(scores)):
    others = np.arange(len(scores)) != target
    known, member = scores[others], inside[others]
    means, spreads = [], []
    for side in (member, ~member):
      there = np.where(side, known, np.nan)
      with np.errstate(invalid='ignore', divide='ignore'):
        mean = np.nansum(there, axis=0) / side.sum(axis=0)
        within = there - mean
        free = max(int(side.sum()) - int((side.sum(axis=0) > 0).sum()), 1)
        spreads.append(max(float(np.sqrt(np.nansum(within**2) / free)), 1e-9))
      means.append(mean)
    # A new score lies about a mean of few by more than they lie about each other.
    wide = [
      spread * np.sqrt(1 + 1 / np.maximum(side.sum(axis=0), 1))
      for spread, side in zip(spreads, (member, ~member), strict=True)
    ]
    found[target] = stats.norm.logpdf(scores[target], means[0], wide[0]) - stats.norm.logpdf(
      scores[target], means[1], wide[1]
    )
  return found


def attack(scores: np.ndarray, inside: np.ndarray, seed: int = 0) -> Attack:
  """How well members are told from others.

  Args:
    scores: see ``ratios``.
    inside: see there.
    seed: of the bootstrap over patients.

  Example:
    >>> random = np.random.default_rng(0)
    >>> inside = halves(200, 8, random)
    >>> attack(random.normal(size=inside.shape) + 9 * inside, inside).auroc.value > 0.99
    True
  """
  found = ratios(scores, inside)
  random = np.random.default_rng(seed)
  draws = [_figures(found, inside)]
  units = found.shape[1]
  for _ in range(_DRAWS):
    drawn = random.integers(units, size=units)
    draws.append(_figures(found[:, drawn], inside[:, drawn]))
  low, high = np.nanquantile(draws[1:], (0.025, 0.975), axis=0)
  return Attack(
    *(
      Estimate(float(value), float(below), float(above), method='bootstrap over patients')
      for value, below, above in zip(draws[0], low, high, strict=True)
    )
  )


def _figures(found: np.ndarray, inside: np.ndarray) -> tuple[float, float, float]:
  known = ~np.isnan(found)
  members, others = found[known & inside], np.sort(found[known & ~inside])
  # More than the largest of 1% of others; none is called where that is not possible.
  threshold = others[int(np.ceil((1 - _FALSE) * len(others))) - 1]
  ranks = stats.rankdata(np.concatenate([members, others]))[: len(members)].sum()
  auroc = (ranks - len(members) * (len(members) + 1) / 2) / (len(members) * len(others))
  balanced = ((members > 0).mean() + (others <= 0).mean()) / 2
  return float((members > threshold).mean()), float(auroc), float(balanced)
