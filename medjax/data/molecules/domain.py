"""The molecules that a model may be asked about: those near enough to what it was trained on."""

import base64
import dataclasses
import functools
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from medjax.data.molecules import similarity

MOST = 100_000
"""Training molecules that are kept with a run, at most."""

_ALIKE = 0.7  # similarity from which a test molecule has a near neighbour in training


@dataclasses.dataclass(frozen=True)
class Domain:
  """Molecules whose nearest training molecule is not less similar than a limit.

  Similarity is Tanimoto's of the substructures of a fingerprint, present or not. The limit is where
  the given share of the validation molecules lies below it: what was measured of the model was
  measured on molecules such as lie above.

  Attributes:
    training: fingerprints of the training molecules, packed, compressed and in base64.
    bits: of a fingerprint.
    limit: similarity, from 0 to 1.
    share: of validation molecules that are outside.

  Example:
    >>> bits = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [0, 1, 1, 1]], np.uint8)
    >>> domain = fit(bits, ['train', 'train', 'val'], 0.05)
    >>> domain.place({'counts': np.array([0, 1, 0, 0], np.uint8)})
    ({'similarity': '0.500', 'domain': 'outside'}, False)

  Source:
    Sheridan, R. P. et al. (2004), Similarity to molecules in the training set is a good
    discriminator for prediction accuracy in QSAR, J. Chem. Inf. Comput. Sci. 44(6):1912-1928.
  """

  training: str
  bits: int
  limit: float
  share: float

  columns: ClassVar[Sequence[str]] = ('similarity', 'domain')

  @classmethod
  def from_details(cls, details: Mapping[str, Any]) -> 'Domain':
    """What ``dataclasses.asdict`` gave."""
    return cls(**details)

  @property
  def about(self) -> str:
    """Where the domain ends."""
    return (
      f'nearest training molecule (Tanimoto) at {self.limit:.3f} or more, below which '
      f'{self.share:.0%} of the validation molecules are'
    )

  def place(self, arrays: Mapping[str, np.ndarray]) -> tuple[dict[str, str], bool]:
    """See ``medjax.data.domain.Domain``; ``arrays`` hold 'counts' [bits]."""
    near = float(self.nearest(arrays['counts'][None])[0])
    inside = near >= self.limit
    return {'similarity': f'{near:.3f}', 'domain': 'inside' if inside else 'outside'}, inside

  def nearest(self, counts: np.ndarray) -> np.ndarray:
    """Similarity of each molecule to the nearest training molecule.

    Args:
      counts: of substructures, [N, bits].

    Returns:
      float64 [N]; 0 where nothing is shared.
    """
    known, sizes = self._known
    found = np.zeros(len(counts))
    for row, one in enumerate(_packed(counts > 0)):
      shared = np.bitwise_count(known & one).sum(axis=1, dtype=np.int64)
      either = sizes + np.bitwise_count(one).sum(dtype=np.int64) - shared
      found[row] = (shared / np.maximum(either, 1)).max()
    return found

  @functools.cached_property
  def _known(self) -> tuple[np.ndarray, np.ndarray]:
    """Training molecules as 64 places a number, uint64 [N, words], and how many each has, [N]."""
    raw = zlib.decompress(base64.b64decode(self.training))
    known = np.frombuffer(raw, np.uint64).reshape(-1, -(-self.bits // 64))
    return known, np.bitwise_count(known).sum(axis=1, dtype=np.int64)


def fit(bits: np.ndarray, where: Sequence[str], share: float) -> Domain:
  """The domain of a model that is trained and validated on molecules.

  Without validation molecules the limit is that of training molecules to their nearest others.

  Args:
    bits: 0 and 1, uint8 [N, bits].
    where: split of each.
    share: of validation molecules that are to lie outside.
  """
  split = np.asarray(where)
  train, val = bits[split == 'train'], bits[split == 'val']
  if len(train) > MOST:
    train = train[np.random.default_rng(0).choice(len(train), MOST, replace=False)]
  near = similarity.nearest(val, train) if len(val) else similarity.nearest_other(train)
  limit = float(np.quantile(near, share, method='lower')) if len(near) else 0.0
  packed = zlib.compress(_packed(train > 0).tobytes(), 9)
  # Rounded down, so that a molecule at the limit is inside whatever the order of sums.
  return Domain(base64.b64encode(packed).decode(), bits.shape[1], max(0.0, limit - 1e-6), share)


def notes(mols: Sequence[Any], where: Sequence[str]) -> list[str]:
  """How near test molecules are to those that are trained on, by ECFP4.

  Args:
    mols: each an ``rdkit.Chem.Mol``.
    where: split of each.
  """
  train, test = (
    [mol for mol, of in zip(mols, where, strict=True) if of == name] for name in ('train', 'test')
  )
  if not train or not test:
    return []
  near = similarity.nearest(similarity.ecfp4(test), similarity.ecfp4(train))
  return [
    'nearest training molecule of a test molecule (Tanimoto, ECFP4): median '
    f'{np.median(near):.2f}, {(near >= _ALIKE).mean():.0%} of them at {_ALIKE} or more'
  ]


def _packed(present: np.ndarray) -> np.ndarray:
  """bool [N, bits] as uint64 [N, words]."""
  lacking = -present.shape[1] % 64
  return np.packbits(np.pad(present, ((0, 0), (0, lacking))), axis=1).view(np.uint64)
