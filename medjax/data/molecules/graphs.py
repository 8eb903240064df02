"""Molecules as graphs: arrays of their atoms and bonds, as long as each molecule is."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from medjax.data import ragged
from medjax.data.molecules import atoms
from medjax.errors import UserError

# Directed bonds have 16-bit numbers; the largest molecules that are read are far smaller.
MOST_BONDS = 16_000

AXES: ragged.Axes = {
  'atoms': ('atoms', None),
  'mass': ('atoms',),
  'bonds': ('bonds', None),
  'ends': ('bonds', None),
  'incoming': ('atoms', 'degree'),
}


def graph(molecule: Any, where: str) -> dict[str, np.ndarray]:
  """The arrays of one molecule.

  Bond k of RDKit is two directed ones, 2 k from its first atom to its second and 2 k + 1 back.

  Args:
    molecule: an RDKit molecule.
    where: names it in errors, such as file and row.

  Returns:
    ``atoms``: uint8 [A, 7], see ``atoms.atom_codes``.
    ``mass``: float32 [A], in daltons.
    ``bonds``: uint8 [K, 4], see ``atoms.bond_codes``.
    ``ends``: int16 [K, 2], first and second atom of each bond.
    ``incoming``: int16 [A, D], the directed bonds that enter each atom, counted from 1; then 0.
      D is at least 1.

  Raises:
    UserError: there is no atom, or there are more than ``MOST_BONDS`` bonds.

  Example:
    >>> graph(Chem.MolFromSmiles('CO'), 'methanol')['incoming']       # doctest: +SKIP
    array([[2], [1]], dtype=int16)
  """
  if not molecule.GetNumAtoms():
    raise UserError(f'{where}: a molecule without atoms; expected one or more')
  if molecule.GetNumBonds() > MOST_BONDS:
    raise UserError(
      f'{where}: a molecule of {molecule.GetNumBonds()} bonds; expected at most {MOST_BONDS}'
    )
  codes = [atoms.atom_codes(atom) for atom in molecule.GetAtoms()]
  mass = [atom.GetMass() for atom in molecule.GetAtoms()]
  kinds, ends = [], []
  entering: list[list[int]] = [[] for _ in codes]
  for number, bond in enumerate(molecule.GetBonds()):
    first, second = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
    kinds.append(atoms.bond_codes(bond))
    ends.append((first, second))
    entering[second].append(2 * number + 1)
    entering[first].append(2 * number + 2)
  incoming = np.zeros((len(codes), max(1, *map(len, entering))), np.int16)
  for row, numbers in enumerate(entering):
    incoming[row, : len(numbers)] = numbers
  return {
    'atoms': np.array(codes, np.uint8),
    'mass': np.array(mass, np.float32),
    'bonds': np.array(kinds, np.uint8).reshape(-1, atoms.BOND_CODES),
    'ends': np.array(ends, np.int16).reshape(-1, 2),
    'incoming': incoming,
  }


def stack(
  graphs: Sequence[dict[str, np.ndarray]],
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
  """All N graphs as arrays [N, ...] padded with zeros, and the sizes of their axes, int [N] each.

  They are ``rows`` and ``sizes`` of a data set (with ``AXES``), whose batches are then of molecules
  of similar size.
  """
  sizes = [ragged.sizes(one, AXES) for one in graphs]
  return ragged.stack(graphs, AXES), {axis: np.array([s[axis] for s in sizes]) for axis in sizes[0]}


def inputs(batch: dict[str, Any]) -> dict[str, jax.Array]:
  """What graph networks see of a device batch; inside a compiled call.

  Args:
    batch: arrays [B, ...] of ``graph``, padded.

  Returns:
    ``atoms``: float32 [B, A, 72], zeros for padding.
    ``bonds``: float32 [B, K, 14], zeros for padding.
    ``ends``: int32 [B, K, 2].
    ``incoming``: int32 [B, A, D], from 1; 0 for none.
  """
  return {
    'atoms': atoms.atom_features(batch['atoms'], batch['mass']),
    'bonds': atoms.bond_features(batch['bonds']),
    'ends': batch['ends'].astype(jnp.int32),
    'incoming': batch['incoming'].astype(jnp.int32),
  }
