"""Molecules that a split keeps together: near copies, and those of one scaffold or cluster."""

from collections.abc import Hashable, Sequence

import numpy as np
from scipy import sparse

from medjax.data.molecules import similarity, toolkit
from medjax.data.molecules.standard import Molecule


def near_copies(molecules: Sequence[Molecule]) -> list[str]:
  """A key that is the same for near copies: the first block of the InChIKey.

  It is the same for stereoisomers, isotopes and most tautomers. Where there is none, as of unknown
  atoms, the SMILES without stereochemistry and isotopes takes its place.

  Example:
    >>> from medjax.data.molecules.standard import Standard
    >>> near_copies([Standard().molecule(one) for one in ('C[C@H](O)F', 'CC(O)F', 'CC(O)*')])
    ['OGBOTYGRYZDLMG', 'OGBOTYGRYZDLMG', '*C(C)O']
  """
  chem = toolkit.chem()
  return [
    chem.MolToInchiKey(one.mol).partition('-')[0] or chem.MolToSmiles(one.mol, isomericSmiles=False)
    for one in molecules
  ]


def scaffolds(molecules: Sequence[Molecule]) -> list[str]:
  """The Bemis-Murcko scaffold of each: rings and what links them; '' without a ring.

  Source:
    Bemis, G. W. and Murcko, M. A. (1996), The properties of known drugs. 1. Molecular frameworks,
    J. Med. Chem. 39:2887.

  Example:
    >>> from medjax.data.molecules.standard import Standard
    >>> scaffolds([Standard().molecule('CCc1ccccc1'), Standard().molecule('CCO')])
    ['c1ccccc1', '']
  """
  chem = toolkit.chem()
  from rdkit.Chem.Scaffolds import MurckoScaffold

  return [
    chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(one.mol), isomericSmiles=False)
    for one in molecules
  ]


def clusters(molecules: Sequence[Molecule], threshold: float) -> list[int]:
  """The Butina cluster of each; see ``similarity.butina``."""
  bits = similarity.ecfp4([one.mol for one in molecules])
  return similarity.butina(bits, threshold).tolist()


def together(*keys: Sequence[Hashable]) -> np.ndarray:
  """Groups of examples that are equal in any of several keys, in chains.

  Args:
    keys: each of N examples.

  Returns:
    int64 [N], numbered from 0 as they first appear.

  Example:
    >>> together(['a', 'a', 'b', 'c'], [1, 2, 2, 3]).tolist()
    [0, 0, 0, 1]
  """
  count = len(keys[0])
  nodes = [np.arange(count), *(np.array(_numbered(key), np.int64) for key in keys)]
  starts = np.cumsum([len(nodes[0]), *(int(of.max(initial=-1)) + 1 for of in nodes[1:])])
  rows = np.tile(nodes[0], len(keys))
  columns = np.concatenate([of + start for of, start in zip(nodes[1:], starts[:-1], strict=True)])
  size = int(starts[-1])
  graph = sparse.coo_array((np.ones(len(rows), bool), (rows, columns)), shape=(size, size))
  found = sparse.csgraph.connected_components(graph, directed=False)[1][:count]
  return np.array(_numbered(found.tolist()), np.int64)


def _numbered(keys: Sequence[Hashable]) -> list[int]:
  """Numbers from 0 for equal keys, as they first appear."""
  number: dict[Hashable, int] = {}
  return [number.setdefault(key, len(number)) for key in keys]
