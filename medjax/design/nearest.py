"""The molecule of a set that is most like each of some others."""

from collections.abc import Sequence

import numpy as np

from medjax.data.molecules import similarity, toolkit

_PART = 5000  # molecules of the set whose fingerprints are in memory at once


def nearest(smiles: Sequence[str], among: Sequence[str]) -> tuple[list[str], np.ndarray]:
  """The nearest molecule of a set to each, by Tanimoto similarity of ECFP4, and how similar it is.

  Args:
    smiles: the molecules, N.
    among: the set, at least one.

  Returns:
    SMILES of the set, N, and similarities float64 [N].

  Example:
    >>> names, alike = nearest(['CCO'], ['CCN', 'OCC', 'c1ccccc1'])
    >>> names, alike.tolist()
    (['OCC'], [1.0])
  """
  bits = _bits(smiles)
  best, place = np.full(len(smiles), -1.0), np.zeros(len(smiles), np.int64)
  for start in range(0, len(among), _PART):
    others = _bits(among[start : start + _PART])
    found = similarity.tanimoto(bits, others)
    top = found.argmax(axis=1)
    value = found[np.arange(len(found)), top]
    better = value > best
    best[better], place[better] = value[better], start + top[better]
  return [among[i] for i in place.tolist()], best


def _bits(smiles: Sequence[str]) -> np.ndarray:
  chem = toolkit.chem()
  return similarity.ecfp4([chem.MolFromSmiles(one) for one in smiles])
