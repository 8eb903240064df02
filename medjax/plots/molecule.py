"""Molecules as structures in two dimensions, as SVG."""

import functools
import html
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

SIZE = (300, 220)
"""Pixels, width and height."""
_RED, _BLUE = '#d62728', '#1f77b4'
# Elements in shades that can be read on white and on black; carbon is as the page's text.
_SHADES = {
  0: '#808080',
  7: '#4178f0',
  8: '#e0402f',
  9: '#2f9e44',
  15: '#c9701a',
  16: '#a98600',
  17: '#2f9e44',
  35: '#b0562d',
  53: '#9350c8',
}
_BOND = 28.0  # pixels, at most, so that small molecules are not blown up
_LARGEST_DISC = 0.6  # radius, as a share of the length of a bond
_LEAST_DISC = 0.5  # pixels; nobody sees smaller ones
_OF_RDKIT = re.compile(r" (?:class|xmlns:rdkit|xmlns:xlink|xml:space|baseProfile)='[^']*'")


def svg(
  mol: Any,
  weights: Sequence[float] | np.ndarray | None = None,
  size: tuple[int, int] = SIZE,
  *,
  largest: float | None = None,
  title: str = '',
) -> str:
  """A molecule, kekulised, without a background, and a disc behind each atom that has a weight.

  Lines are in the colour of the text where the element stands in a page, and black in an image.
  Elements have colours where atoms have no weights.

  Args:
    mol: an ``rdkit.Chem.Mol``, of which a copy is drawn.
    weights: of the atoms, in their order, [atoms]; positive ones are red, negative ones blue, and
      areas in proportion. None draws no discs; what is not finite has none.
    size: pixels, width and height.
    largest: weight of the largest disc; None takes the largest of this molecule. What is larger
      has the largest disc, too.
    title: what it shows, for who cannot see it.

  Returns:
    The SVG element.

  Raises:
    ValueError: there are more or fewer weights than atoms.

  Example:
    >>> from rdkit import Chem
    >>> svg(Chem.MolFromSmiles('CCO'), np.array([0.0, -0.5, 1.0])).count('<circle')
    2
  """
  from rdkit.Chem.Draw import rdMolDraw2D

  drawer = rdMolDraw2D.MolDraw2DSVG(*size)
  options = drawer.drawOptions()
  options.clearBackground = False
  options.padding = 0.08
  options.fixedBondLength = _BOND
  options.prepareMolsBeforeDrawing = False
  options.bondLineWidth = 1.6
  if weights is None:
    options.updateAtomPalette({number: _rgb(shade) for number, shade in _SHADES.items()})
  else:  # where colours say weights, elements have none
    options.useBWAtomPalette()
  prepared = _prepared(mol)
  drawer.DrawMolecule(prepared)
  places = [drawer.GetDrawCoords(i) for i in range(prepared.GetNumAtoms())]
  drawer.FinishDrawing()
  text = drawer.GetDrawingText()
  opening = text.index('>', text.index('<svg')) + 1
  body = text[opening:].replace('<!-- END OF HEADER -->', '').replace('#000000', 'currentColor')
  discs = '' if weights is None else _discs(prepared, places, weights, largest)
  label = f' role="img" aria-label="{html.escape(title, quote=True)}"' if title else ''
  return _OF_RDKIT.sub(
    '',
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" width="{size[0]}" '
    f'height="{size[1]}"{label}>{discs}{body.strip()}',
  )


def _prepared(mol: Any) -> Any:
  """A copy with coordinates, without names and numbers that a file gave its atoms."""
  from rdkit import Chem
  from rdkit.Chem.Draw import rdMolDraw2D

  bare = Chem.Mol(mol)
  for part in (*bare.GetAtoms(), *bare.GetBonds()):
    for name in part.GetPropNames(includePrivate=True, includeComputed=False):
      part.ClearProp(name)
  for atom in bare.GetAtoms():
    atom.SetAtomMapNum(0)
  bare.RemoveAllConformers()  # those of a file may be in three dimensions
  # No hydrogen is added, so that atoms and weights stay in step.
  prepare = functools.partial(rdMolDraw2D.PrepareMolForDrawing, bare, addChiralHs=False)
  try:
    return prepare(kekulize=True)
  except (RuntimeError, ValueError):  # an aromatic ring without a Kekulé form is drawn as it is
    return prepare(kekulize=False)


def _discs(
  mol: Any, places: Sequence[Any], weights: Sequence[float] | np.ndarray, largest: float | None
) -> str:
  """Circles the areas of which are in proportion to the weights of atoms."""
  given = np.asarray(weights, np.float64)
  if given.shape != (len(places),):
    raise ValueError(f'weights are {given.shape}, atoms {(len(places),)}')
  finite = np.where(np.isfinite(given), given, 0)
  top = np.abs(finite).max(initial=0) if largest is None else largest
  if not top > 0:
    return ''
  radius = _LARGEST_DISC * _bond_length(mol, places) * np.minimum(np.abs(finite) / top, 1) ** 0.5
  return ''.join(
    f'<circle cx="{place.x:.1f}" cy="{place.y:.1f}" r="{r:.1f}" '
    f'fill="{_RED if weight > 0 else _BLUE}" fill-opacity=".45"/>'
    for place, weight, r in zip(places, finite, radius, strict=True)
    if r >= _LEAST_DISC
  )


def _bond_length(mol: Any, places: Sequence[Any]) -> float:
  """Pixels, the median of all; that of an atom alone is the usual one."""
  ends = [(places[bond.GetBeginAtomIdx()], places[bond.GetEndAtomIdx()]) for bond in mol.GetBonds()]
  return float(np.median([math.dist((a.x, a.y), (b.x, b.y)) for a, b in ends] or [_BOND]))


def _rgb(color: str) -> tuple[float, ...]:
  return tuple(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
