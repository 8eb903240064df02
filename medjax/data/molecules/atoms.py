"""What an atom and a bond are to a network: small numbers, and the features that they stand for.

The features are those that Chemprop 2 has by default, in the same order, so that weights can be
carried over: 72 of an atom (``MultiHotAtomFeaturizer.v2``) and 14 of a bond
(``MultiHotBondFeaturizer``).

Source:
  Heid et al. (2024), Chemprop: a machine learning package for chemical property prediction,
  J. Chem. Inf. Model. 64(1):9-17.
"""

from typing import Any

import jax
import jax.numpy as jnp

ATOM_FEATURES, BOND_FEATURES = 72, 14

# Choices of each property of an atom; what is none of them has a feature of its own.
_ELEMENTS = (*range(1, 37), 53)
_DEGREES = tuple(range(6))
_CHARGES = (-1, -2, 1, 2, 0)
_CHIRALITIES = tuple(range(4))
_HYDROGENS = tuple(range(5))
_HYBRIDISATIONS = ('S', 'SP', 'SP2', 'SP2D', 'SP3', 'SP3D', 'SP3D2')
_ATOM_SIZES = tuple(
  len(choices) + 1
  for choices in (_ELEMENTS, _DEGREES, _CHARGES, _CHIRALITIES, _HYDROGENS, _HYBRIDISATIONS)
)
ELEMENTS = _ATOM_SIZES[0]  # choices; the last is of all others, and of an unknown atom
ATOM_CODES = len(_ATOM_SIZES) + 1  # the last one: aromatic

# A bond that is none of these, such as a dative one, has no feature for its type.
_BOND_TYPES = ('SINGLE', 'DOUBLE', 'TRIPLE', 'AROMATIC')
_STEREO = 6  # kinds; what is none of them has a feature of its own
BOND_CODES = 4  # type, conjugated, in a ring, stereo


def atom_codes(atom: Any) -> list[int]:
  """The ``ATOM_CODES`` numbers of an RDKit atom: which choice of each property, from 0.

  The first one, of the element, counts from 1: 0 is no atom.

  Example:
    >>> atom_codes(Chem.MolFromSmiles('C').GetAtomWithIdx(0))         # doctest: +SKIP
    [6, 4, 4, 0, 4, 4, 0]
  """
  return [
    _number(_ELEMENTS, atom.GetAtomicNum()) + 1,
    _number(_DEGREES, atom.GetTotalDegree()),
    _number(_CHARGES, atom.GetFormalCharge()),
    _number(_CHIRALITIES, int(atom.GetChiralTag())),
    _number(_HYDROGENS, int(atom.GetTotalNumHs())),
    _number(_HYBRIDISATIONS, atom.GetHybridization().name),
    int(atom.GetIsAromatic()),
  ]


def bond_codes(bond: Any) -> list[int]:
  """The ``BOND_CODES`` numbers of an RDKit bond; the type counts from 1: 0 is no bond."""
  return [
    _number(_BOND_TYPES, bond.GetBondType().name) + 1,
    int(bond.GetIsConjugated()),
    int(bond.IsInRing()),
    min(int(bond.GetStereo()), _STEREO),
  ]


def atom_features(codes: jax.Array, mass: jax.Array) -> jax.Array:
  """Features float32 [..., 72] of atoms; zeros for no atom.

  Args:
    codes: integers [..., 7] of ``atom_codes``.
    mass: [...] in daltons.
  """
  choice = jnp.asarray(codes, jnp.int32).at[..., 0].add(-1)
  chosen = [jax.nn.one_hot(choice[..., k], size) for k, size in enumerate(_ATOM_SIZES)]
  aromatic = choice[..., -1:].astype(jnp.float32)
  features = jnp.concatenate([*chosen, aromatic, 0.01 * mass[..., None]], axis=-1)
  return jnp.where(codes[..., :1] > 0, features, 0)


def bond_features(codes: jax.Array) -> jax.Array:
  """Features float32 [..., 14] of bonds; zeros for no bond.

  Args:
    codes: integers [..., 4] of ``bond_codes``.
  """
  kind = jnp.asarray(codes, jnp.int32)
  chosen = jax.nn.one_hot(kind[..., 0], len(_BOND_TYPES) + 1)
  chosen = chosen.at[..., 0].set(0)  # Chemprop's feature for no bond, which a graph has none of
  stereo = jax.nn.one_hot(kind[..., 3], _STEREO + 1)
  features = jnp.concatenate([chosen, kind[..., 1:3].astype(jnp.float32), stereo], axis=-1)
  return jnp.where(codes[..., :1] > 0, features, 0)


def _number(choices: tuple, value: Any) -> int:
  """The place of a value among choices, or as many as there are."""
  return choices.index(value) if value in choices else len(choices)
