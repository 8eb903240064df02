"""Structures in two dimensions, and discs behind their atoms."""

import xml.etree.ElementTree

import numpy as np
import pytest

from medjax.plots import molecule

Chem = pytest.importorskip('rdkit.Chem')
_SVG = '{http://www.w3.org/2000/svg}'


def circles(svg):
  """(radius, fill) of every disc."""
  root = xml.etree.ElementTree.fromstring(svg)
  return [(float(one.get('r')), one.get('fill')) for one in root.iter(f'{_SVG}circle')]


def test_areas_are_in_proportion_and_colours_say_the_sign():
  mol = Chem.MolFromSmiles('CCNO')
  (one, red), (other, blue) = circles(molecule.svg(mol, [4.0, -1.0, 0.0, np.nan]))
  assert one == pytest.approx(2 * other, abs=0.11)
  assert (red, blue) == (molecule._RED, molecule._BLUE)
  # Of a scale that molecules share; what is beyond it has the largest disc.
  (small, _), (full, _) = circles(molecule.svg(mol, [4.0, 32.0, 0.0, 0.0], largest=16.0))
  assert small == pytest.approx(full / 2, abs=0.11)
  assert full == pytest.approx(one, abs=0.11)


def test_discs_lie_at_their_atoms_and_behind_them():
  svg = molecule.svg(Chem.MolFromSmiles('C(O)C'), [1.0, 1.0, 1.0])
  assert svg.rindex('<circle') < svg.index('<path')
  root = xml.etree.ElementTree.fromstring(svg)
  middle, left, right = (
    np.array([float(one.get('cx')), float(one.get('cy'))]) for one in root.iter(f'{_SVG}circle')
  )
  bond = np.linalg.norm(left - middle)
  assert bond == pytest.approx(np.linalg.norm(right - middle), rel=0.02)
  assert np.linalg.norm(left - right) == pytest.approx(3**0.5 * bond, rel=0.02)  # at 120 degrees
  assert molecule._SHADES[8].upper() not in svg
  assert molecule._SHADES[8].upper() in molecule.svg(Chem.MolFromSmiles('C(O)C'))


@pytest.mark.parametrize('weights', [None, [0.0, 0.0, 0.0], [np.inf, np.nan, 0.0]])
def test_nothing_is_drawn_behind_atoms_without_weights(weights):
  assert circles(molecule.svg(Chem.MolFromSmiles('CCO'), weights)) == []


def test_a_page_may_hold_it():
  named = Chem.MolFromSmiles('CCO |$<script>;;_AP1$,atomProp:0.atomNote.<script>|')
  svg = molecule.svg(named, title='<script>"')
  assert 'aria-label="&lt;script&gt;&quot;"' in svg
  assert '<script' not in svg
  assert '<rect' not in svg
  assert 'currentColor' in svg
  # What a file writes at atoms is not drawn.
  bare = molecule.svg(Chem.MolFromSmiles('CCO'))
  assert bare == molecule.svg(named)
  assert named.GetAtomWithIdx(0).HasProp('atomNote')


def test_other_numbers_of_weights_are_refused():
  with pytest.raises(ValueError, match=r'weights are \(2,\), atoms \(3,\)'):
    molecule.svg(Chem.MolFromSmiles('CCO'), [1.0, 2.0])
