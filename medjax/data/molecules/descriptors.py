"""RDKit's descriptors of a whole molecule, such as logP, polar surface and counts of groups."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from medjax.data.molecules import toolkit
from medjax.errors import UserError

_FAR = 5.0  # standard deviations; what is further away says little and spoils an update
# Few descriptors of few molecules are larger, as Ipc, which may be 1e200 where MolWt is 1,000.
_LARGE = 1e3


@dataclasses.dataclass(frozen=True)
class Descriptors:
  """Descriptors scaled by the training molecules.

  Attributes:
    names: of the descriptors, as RDKit has them.
    mean: of the training molecules, without values that are no number.
    scale: their standard deviation.
    large: from which on values grow with their logarithm, before all else; None for not at all, as
      in runs of medjax before there was this.
  """

  names: Sequence[str]
  mean: Sequence[float]
  scale: Sequence[float]
  large: float | None = None

  def values(self, mol: Any) -> np.ndarray:
    """float64 [D] of an ``rdkit.Chem.Mol``; NaN where RDKit has no number."""
    return values(mol, self.names)

  def scaled(self, raw: np.ndarray) -> np.ndarray:
    """Standard deviations from the training mean, float32 [..., D], within five; 0 for no number.

    Args:
      raw: as ``values`` gives them, [..., D].

    Example:
      >>> Descriptors(['a', 'b'], [1.0, 0.0], [2.0, 1.0]).scaled(np.array([5.0, np.nan])).tolist()
      [2.0, 0.0]
    """
    raw = raw if self.large is None else _damped(raw, self.large)
    found = (raw - np.array(self.mean)) / np.array(self.scale)
    return np.clip(np.where(np.isfinite(found), found, 0), -_FAR, _FAR).astype(np.float32)


def fit(raw: np.ndarray, names: Sequence[str]) -> Descriptors:
  """Means and standard deviations of training molecules; what never differs is left out.

  Args:
    raw: float64 [N, D], NaN where there is no number.
    names: of the columns.
  """
  raw = _damped(raw, _LARGE)
  known = np.isfinite(raw)
  count = np.maximum(known.sum(axis=0), 1)
  filled = np.where(known, raw, 0)
  mean = filled.sum(axis=0) / count
  scale = np.sqrt((np.where(known, raw - mean, 0) ** 2).sum(axis=0) / count)
  used = np.flatnonzero(scale > 1e-9 * np.maximum(np.abs(mean), 1)).tolist()
  return Descriptors([names[i] for i in used], mean[used].tolist(), scale[used].tolist(), _LARGE)


def _damped(raw: np.ndarray, large: float) -> np.ndarray:
  """Values as they are up to ``large``; beyond, without a step or a bend, with their logarithm."""
  size = np.maximum(np.abs(raw), large)
  return np.where(np.abs(raw) > large, np.sign(raw) * large * (1 + np.log(size / large)), raw)


def values(mol: Any, names: Sequence[str]) -> np.ndarray:
  """These descriptors of an ``rdkit.Chem.Mol``, float64 [D]; NaN where RDKit has no number.

  Raises:
    UserError: this version of RDKit lacks one.
  """
  known = _functions()
  found = np.full(len(names), np.nan)
  for place, name in enumerate(names):
    if name not in known:
      raise UserError(
        f'descriptor {name}: this version of RDKit has none; expected the one that trained the run'
      )
    try:
      found[place] = known[name](mol)
    except (ArithmeticError, RuntimeError, ValueError):
      continue
  return np.where(np.isfinite(found), found, np.nan)


def every() -> list[str]:
  """Names of all descriptors of this version of RDKit."""
  return list(_functions())


@functools.cache
def _functions() -> Mapping[str, Callable[[Any], float]]:
  toolkit.chem()
  from rdkit.Chem import Descriptors as of_rdkit

  return dict(of_rdkit.descList)
