"""What a network sees of a molecule: a fingerprint or a graph, and descriptors beside it."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from medjax.data.molecules import graphs, toolkit
from medjax.data.molecules.descriptors import Descriptors

_MOST = 255  # of a count
_CHARACTERS = 512  # of a SMILES that is kept for people


@dataclasses.dataclass(frozen=True)
class Features:
  """Counts of circular substructures (ECFP) and, where fitted, RDKit's descriptors.

  Attributes:
    radius: bonds around an atom.
    bits: places that substructures are folded to.
    counts: what the network sees at a place: log(1 + count), the count, or 1.
    descriptors: fitted to training molecules; None for none.
    graph: whether the network sees the graph; the fingerprint is for simple models then.
    fingerprint_too: whether it sees the fingerprint beside the graph.

  Source:
    Rogers, D. and Hahn, M. (2010), Extended-connectivity fingerprints, J. Chem. Inf. Model. 50:742.
  """

  radius: int = 2
  bits: int = 2048
  counts: Literal['log1p', 'counts', 'bits'] = 'log1p'
  descriptors: Descriptors | None = None
  graph: bool = False
  fingerprint_too: bool = False

  @classmethod
  def from_details(cls, details: Mapping[str, Any]) -> 'Features':
    """What ``details`` gave."""
    fitted = details['descriptors']
    return cls(**{**details, 'descriptors': Descriptors(**fitted) if fitted else None})

  def details(self) -> dict[str, Any]:
    """JSON values, which ``from_details`` reads back."""
    return dataclasses.asdict(self)

  def arrays(self, mol: Any, smiles: str = '', where: str = 'molecule') -> dict[str, np.ndarray]:
    """What travels to the device: 'counts' uint8 [bits], 'descriptors' float32 [D] if there are,
    and the arrays of ``graphs.graph`` for a network that sees it; and 'smiles', which no network
    sees, for people.

    Args:
      mol: an ``rdkit.Chem.Mol`` in standard form.
      smiles: its canonical SMILES where it is known, which need not be made again then.
      where: names it in errors.

    Raises:
      UserError: it has no graph; see there.
    """
    arrays = {'counts': self.fingerprint(mol), 'smiles': written(mol, smiles)}
    if self.graph:
      arrays |= graphs.graph(mol, where)
    if self.descriptors:
      arrays['descriptors'] = self.descriptors.scaled(self.descriptors.values(mol))
    return arrays

  def fingerprint(self, mol: Any) -> np.ndarray:
    """How often each substructure is there, uint8 [bits], 255 for more."""
    found = generator(self.radius, self.bits).GetCountFingerprintAsNumPy(mol)
    return np.minimum(found, _MOST).astype(np.uint8)

  def inputs(self, batch: dict[str, Any]) -> Any:
    """float32 [B, bits + D]; or what ``graphs.inputs`` gives, 'descriptors' [B, D] and
    'fingerprint' [B, bits]."""
    if self.graph:
      beside = {'descriptors': batch['descriptors']} if self.descriptors else {}
      beside |= {'fingerprint': self.shown(batch['counts'])} if self.fingerprint_too else {}
      return graphs.inputs(batch) | beside
    shown = self.shown(batch['counts'])
    return jnp.concatenate([shown, batch['descriptors']], axis=1) if self.descriptors else shown

  def shown(self, counts: Any) -> jax.Array:
    """What a network sees of counts, float32 [B, bits]."""
    counts = counts.astype(jnp.float32)
    return {'log1p': jnp.log1p, 'counts': lambda x: x, 'bits': jnp.sign}[self.counts](counts)

  def plain(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """What simple models see, float32 [N, bits + D]: counts as they are, and descriptors."""
    counts = arrays['counts'].astype(np.float32)
    if not self.descriptors:
      return counts
    return np.concatenate([counts, arrays['descriptors']], axis=1)


def written(mol: Any, smiles: str = '') -> np.ndarray:
  """Canonical SMILES, ``smiles`` if known, in UTF-8, uint8 [512]; all zeros where it is longer."""
  text = (smiles or toolkit.chem().MolToSmiles(mol)).encode()
  found = np.zeros(_CHARACTERS, np.uint8)
  if len(text) <= _CHARACTERS:
    found[: len(text)] = np.frombuffer(text, np.uint8)
  return found


def read_back(text: np.ndarray) -> Any:
  """The ``rdkit.Chem.Mol`` that was ``written``; None where it was too long."""
  smiles = bytes(text).rstrip(b'\0').decode()
  return toolkit.chem().MolFromSmiles(smiles) if smiles else None


@functools.cache
def generator(radius: int, bits: int) -> Any:
  """RDKit's, of Morgan fingerprints."""
  toolkit.chem()
  from rdkit.Chem import rdFingerprintGenerator

  return rdFingerprintGenerator.GetMorganGenerator(radius=radius, fpSize=bits)
