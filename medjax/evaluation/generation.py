"""How good molecules are that a model made up: new, different, and like those of a reference.

Everything here is of arrays and counts, so that nothing needs a toolkit of chemistry. Definitions
are those of MOSES, which counts fragments and scaffolds alike and takes the mean over all pairs, a
molecule with itself among them.

Source:
  Polykovskiy, D. et al. (2020), Molecular Sets (MOSES): a benchmarking platform for molecular
    generation models, Frontiers in Pharmacology 11:565644.
  Benhenda, M. (2017), ChemGAN challenge for drug discovery, arXiv:1708.08227 (internal diversity).
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import scipy.stats

from medjax.evaluation.estimate import Estimate
from medjax.evaluation.proportions import mean, proportion

_BLOCK = 512  # rows that are compared with all others at once
NO_INTERVAL = 'a figure of the whole set: no interval'


def validity(smiles: Sequence[str]) -> Estimate:
  """The share of attempts that are molecules, with Wilson's interval.

  Args:
    smiles: canonical SMILES of each attempt; '' where it is none.

  Example:
    >>> validity(['CCO', '', 'CC', 'CN']).value
    0.75
  """
  valid = np.array([bool(one) for one in smiles])
  return proportion(valid, np.arange(len(valid)), 'molecule')


def uniqueness(smiles: Sequence[str], count: int = 0) -> Estimate:
  """The share of molecules that are different, among those of the first attempts.

  Args:
    smiles: see ``validity``.
    count: how many attempts; 0 for all.

  Example:
    >>> uniqueness(['CCO', '', 'CCO', 'CN']).value
    0.6666666666666666
  """
  if count > len(smiles):
    return Estimate(None, reason=f'{len(smiles)} attempts; expected {count}')
  valid = [one for one in smiles[: count or None] if one]
  if not valid:
    return Estimate(None, reason='there is no molecule')
  return Estimate(len(set(valid)) / len(valid), reason=NO_INTERVAL)


def novelty(smiles: Sequence[str], known: Collection[str]) -> Estimate:
  """The share of different molecules that are not among known ones, with Wilson's interval.

  Args:
    smiles: see ``validity``.
    known: canonical SMILES, such as those trained on.
  """
  different = list(dict.fromkeys(one for one in smiles if one))
  known = set(known)
  new = np.array([one not in known for one in different])
  return proportion(new, np.arange(len(new)), 'molecule')


def tanimoto_means(bits: np.ndarray, power: float = 1.0) -> np.ndarray:
  """The mean similarity of each molecule to all, itself among them: (mean T**p)**(1/p), [N].

  Args:
    bits: 0 and 1, uint8 [N, bits].
    power: p.
  """
  found = np.zeros(len(bits))
  for top in range(0, len(bits), _BLOCK):
    block = _tanimoto(bits[top : top + _BLOCK], bits)
    found[top : top + _BLOCK] = (block**power).mean(axis=1) ** (1 / power)
  return found


def internal_diversity(bits: np.ndarray, power: float = 1.0) -> Estimate:
  """How unlike each other molecules are: 1 minus the mean of ``tanimoto_means``.

  For power 1 the interval is normal, of a mean over all pairs (a U-statistic, whose variance is
  four times that of a mean over molecules); for others there is none.

  Args:
    bits: 0 and 1, uint8 [N, bits].
    power: 1 and 2 are IntDiv1 and IntDiv2 of MOSES.

  Example:
    >>> internal_diversity(np.eye(4, dtype=np.uint8)).value
    0.75
  """
  if not len(bits):
    return Estimate(None, reason='there is no molecule')
  distance = 1 - tanimoto_means(bits, power)
  value = float(distance.mean())
  if power != 1 or len(bits) < 2:
    return Estimate(value, reason=NO_INTERVAL)
  half = 2 * 1.96 * float(distance.std(ddof=1)) / np.sqrt(len(bits))
  return Estimate(value, max(0.0, value - half), min(1.0, value + half), method='normal')


def nearest_similarity(bits: np.ndarray, reference: np.ndarray) -> Estimate:
  """The mean over molecules of the highest Tanimoto similarity to any of a reference (SNN).

  Args:
    bits: 0 and 1, uint8 [N, bits].
    reference: the others, uint8 [M, bits], M at least 1.
  """
  parts = [
    _tanimoto(bits[top : top + _BLOCK], reference).max(axis=1)
    for top in range(0, len(bits), _BLOCK)
  ]
  nearest = np.concatenate(parts) if parts else np.zeros(0)
  return mean(nearest, np.arange(len(nearest)), upper=1.0)


def likeness(counts: Mapping[str, int], reference: Mapping[str, int]) -> Estimate:
  """The cosine of two sets' counts, such as of fragments (Frag) or scaffolds (Scaf).

  Example:
    >>> likeness({'a': 3, 'b': 4}, {'a': 6, 'b': 8}).value, likeness({'a': 1}, {'b': 1}).value
    (1.0, 0.0)
  """
  if not counts or not reference:
    return Estimate(None, reason='one of the sets has none of these')
  shared = sum(count * reference.get(name, 0) for name, count in counts.items())
  lengths = [
    np.sqrt(sum(float(count) ** 2 for count in one.values())) for one in (counts, reference)
  ]
  return Estimate(float(shared / (lengths[0] * lengths[1])), reason=NO_INTERVAL)


def distance(values: np.ndarray, reference: np.ndarray) -> Estimate:
  """How far apart the distributions of a property are: Wasserstein-1, in its unit.

  Args:
    values: of the molecules, [N].
    reference: of others, [M].

  Example:
    >>> distance(np.array([1.0, 2.0]), np.array([2.0, 3.0])).value
    1.0
  """
  if not len(values) or not len(reference):
    return Estimate(None, reason='one of the sets has no molecule')
  return Estimate(float(scipy.stats.wasserstein_distance(values, reference)), reason=NO_INTERVAL)


def _tanimoto(bits: np.ndarray, others: np.ndarray) -> np.ndarray:
  """float64 [N, M]; 1 of two without any bit, as in MOSES."""
  rows, columns = bits.astype(np.float32), others.astype(np.float32).T
  shared = (rows @ columns).astype(np.float64)
  either = rows.sum(axis=1)[:, None] + columns.sum(axis=0) - shared
  return np.where(either > 0, shared / np.maximum(either, 1), 1.0)
