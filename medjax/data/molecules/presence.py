"""What a network sees of a molecule some of whose atoms are absent."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from medjax.data import ragged
from medjax.data.molecules import graphs, toolkit
from medjax.data.molecules.features import Features, generator
from medjax.explain import Score
from medjax.explain.score import as_tree


class Presence:
  """Scores of molecules by which of their atoms are there.

  A substructure of a fingerprint is there as far as all of its atoms are. In a graph the features
  of an atom, and of its bonds, are taken as far as it is there, and no message goes along the bonds
  of one that is absent. Descriptors stay those of the whole molecule.

  Args:
    features: what the network sees of whole molecules.

  Source:
    Riniker, S. and Landrum, G. A. (2013), Similarity maps: a visualization strategy for molecular
    fingerprints and machine-learning methods, J. Cheminform. 5:43.
  """

  def __init__(self, features: Features):
    self._features = features

  def score(self, score: Score, mol: Any) -> tuple[Score, int]:
    """The score of presence [n, width] and class numbers, and the width: at least all atoms.

    Args:
      score: of inputs of the network.
      mol: an ``rdkit.Chem.Mol`` in standard form.
    """
    arrays = self._graph(mol) if self._features.graph else {}
    if self._features.fingerprint_too or not self._features.graph:
      arrays |= self._environments(mol)
    fitted = self._features.descriptors
    if fitted:
      arrays['descriptors'] = fitted.scaled(fitted.values(mol))[None]
    width = ragged.bucket(mol.GetNumAtoms())
    # One function for all molecules, so that one program serves those of similar size.
    return jax.tree_util.Partial(self._of, as_tree(score), arrays), width

  def of_atoms(self, score: Score, mol: Any) -> Score:
    """The score of presence [n, atoms, 1] and class numbers; arguments as for ``score``."""
    inner, width = self.score(score, mol)
    others = np.ones(width - mol.GetNumAtoms(), np.float32)
    return jax.tree_util.Partial(_of_atoms, inner, others)

  def _of(self, score: Score, arrays: dict[str, Any], z: Any, target: Any) -> Any:
    beside = _repeated(arrays, len(z))
    if not self._features.graph:
      return score(self._features.inputs({'counts': self._counts(arrays, z)} | beside), target)
    if self._features.fingerprint_too:
      beside['fingerprint'] = self._features.shown(self._counts(arrays, z))
    seen: Any = self._graph_of(arrays, z) | beside
    return score(seen, target)

  def _environments(self, mol: Any) -> dict[str, np.ndarray]:
    """The substructures behind the counts: their places, and which atoms each has."""
    found = environments(mol, self._features.radius, self._features.bits)
    width, rows = ragged.bucket(mol.GetNumAtoms()), ragged.bucket(len(found))
    there = np.zeros((rows, width), bool)
    place = np.full(rows, self._features.bits, np.int32)
    for row, (bit, atoms) in enumerate(found):
      place[row] = bit
      there[row, sorted(atoms)] = True
    return {'place': place, 'there': there}

  def _counts(self, arrays: dict[str, Any], z: Any) -> Any:
    whole = jnp.where(arrays['there'], z[:, None], 1).prod(axis=-1)
    none = jnp.zeros((len(z), self._features.bits))
    return none.at[:, arrays['place']].add(whole, mode='drop')

  def _graph(self, mol: Any) -> dict[str, np.ndarray]:
    one = graphs.graph(mol, 'molecule')
    widths = {axis: ragged.bucket(size) for axis, size in ragged.sizes(one, graphs.AXES).items()}
    widths['degree'] = max(8, one['incoming'].shape[1])
    return ragged.stack([one], graphs.AXES, widths)

  def _graph_of(self, arrays: dict[str, Any], z: Any) -> dict[str, Any]:
    graph = graphs.inputs(arrays)
    ends, incoming = graph['ends'][0], graph['incoming'][0]
    both = z[:, ends].prod(axis=-1)
    there = both > 0
    directed = jnp.repeat(there, 2, axis=1)
    entering = (incoming > 0) & directed[:, jnp.maximum(incoming - 1, 0)]
    return {
      'atoms': graph['atoms'] * z[..., None],
      'bonds': graph['bonds'] * both[..., None],
      'ends': jnp.where(there[..., None], ends, 0),
      'incoming': jnp.where(entering, incoming, 0),
    }


def _of_atoms(score: Score, others: Any, z: Any, target: Any) -> Any:
  filled = jnp.broadcast_to(others, (len(z), len(others)))
  return score(jnp.concatenate([z[..., 0], filled], axis=1), target)


def environments(mol: Any, radius: int, bits: int) -> list[tuple[int, frozenset[int]]]:
  """The substructures that a fingerprint counts: the place of each, and its atoms.

  Example:
    >>> from rdkit import Chem
    >>> sorted(len(atoms) for _, atoms in environments(Chem.MolFromSmiles('CCO'), 2, 2048))
    [1, 1, 1, 2, 2, 3]
  """
  toolkit.chem()
  from rdkit import Chem
  from rdkit.Chem import rdFingerprintGenerator

  more = rdFingerprintGenerator.AdditionalOutput()
  more.AllocateBitInfoMap()
  generator(radius, bits).GetCountFingerprint(mol, additionalOutput=more)
  found = []
  for bit, centres in more.GetBitInfoMap().items():
    for centre, reach in centres:
      bonds = Chem.FindAtomEnvironmentOfRadiusN(mol, reach, centre) if reach else ()
      ends = (mol.GetBondWithIdx(bond) for bond in bonds)
      atoms = {end for bond in ends for end in (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())}
      found.append((bit, frozenset(atoms | {centre})))
  return found


def _repeated(arrays: dict[str, Any], count: int) -> dict[str, Any]:
  """The descriptors, if there are, [count, D]."""
  if 'descriptors' not in arrays:
    return {}
  return {'descriptors': jnp.repeat(arrays['descriptors'], count, axis=0)}
