"""The pairs that a model may be asked about, by their drug and by their target."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from medjax.data.molecules import domain as molecule_domain
from medjax.data.sequences.alphabet import PADDING


@dataclasses.dataclass(frozen=True)
class PairDomain:
  """Pairs whose drug is near to those trained on, and whose target is no newer than was validated.

  A model that was validated on known targets alone says nothing of how good it is on new ones.

  Attributes:
    drugs: see ``molecules.domain.Domain``.
    targets: digests of the targets that were trained on, as the network sees them.
    new_targets: whether some targets of validation were not trained on.

  Example:
    >>> bits = np.array([[1, 1, 0, 0], [1, 0, 1, 1]], np.uint8)
    >>> tokens = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    >>> found = fit(bits, tokens, np.array([0, 1]), np.array([0, 0]), ['train', 'val'], 0.05)
    >>> found.place({'counts': bits[0], 'tokens': tokens[1]})
    ({'similarity': '1.000', 'target': 'new', 'domain': 'outside'}, False)
  """

  drugs: molecule_domain.Domain
  targets: tuple[str, ...]
  new_targets: bool

  columns: ClassVar[Sequence[str]] = ('similarity', 'target', 'domain')

  @classmethod
  def from_details(cls, details: Mapping[str, Any]) -> 'PairDomain':
    """What ``dataclasses.asdict`` gave."""
    drugs = molecule_domain.Domain.from_details(details['drugs'])
    return cls(drugs, tuple(details['targets']), details['new_targets'])

  @property
  def about(self) -> str:
    """Where the domain ends."""
    also = 'any target' if self.new_targets else 'targets that were trained on'
    return f'{self.drugs.about}; {also}'

  def place(self, arrays: Mapping[str, np.ndarray]) -> tuple[dict[str, str], bool]:
    """See ``medjax.data.domain.Domain``; ``arrays`` hold 'counts' [bits] and 'tokens' [L]."""
    cells, inside = self.drugs.place(arrays)
    known = _digest(arrays['tokens']) in self.targets
    inside = inside and (known or self.new_targets)
    target = 'known' if known else 'new'
    cells = {**cells, 'target': target, 'domain': 'inside' if inside else 'outside'}
    return {name: cells[name] for name in self.columns}, inside


def fit(
  bits: np.ndarray,
  tokens: np.ndarray,
  drug: np.ndarray,
  target: np.ndarray,
  where: Sequence[str],
  share: float,
) -> PairDomain:
  """The domain of a model that is trained and validated on N pairs.

  Args:
    bits: of each drug, 0 and 1, uint8 [D, bits].
    tokens: of each target, uint8 [T, L], padded.
    drug: number of each pair's drug, int [N].
    target: of its target, likewise.
    where: split of each pair.
    share: of validation drugs that are to lie outside.
  """
  split = np.asarray(where)
  drugs = {name: np.unique(drug[split == name]) for name in ('train', 'val')}
  numbers = np.concatenate(list(drugs.values()))
  names = [name for name, of in drugs.items() for _ in of]
  train, val = (np.unique(target[split == name]) for name in ('train', 'val'))
  return PairDomain(
    molecule_domain.fit(bits[numbers], names, share),
    tuple(sorted({_digest(tokens[number]) for number in train})),
    bool(np.setdiff1d(val, train).size),
  )


def _digest(tokens: np.ndarray) -> str:
  """Twelve hexadecimal digits of a chain, whatever padding follows."""
  return hashlib.blake2b(tokens[tokens != PADDING].tobytes(), digest_size=6).hexdigest()
