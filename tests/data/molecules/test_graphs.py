"""Atoms, bonds and how they are joined, by hand."""

import jax
import numpy as np
import pytest

from medjax.data import ragged
from medjax.data.molecules import atoms, graphs
from medjax.errors import UserError

Chem = pytest.importorskip('rdkit.Chem')


compiled = jax.jit(graphs.inputs)


def graph(smiles):
  return graphs.graph(Chem.MolFromSmiles(smiles), 'here')


def inputs(*smiles):
  # One shape for all: it is compiled once.
  width = {'atoms': 7, 'bonds': 7, 'degree': 6}
  found = compiled(ragged.stack([graph(one) for one in smiles], graphs.AXES, width))
  return {name: np.asarray(array) for name, array in found.items()}


def ones(row):
  return np.flatnonzero(row).tolist()


# Chemprop's MultiHotAtomFeaturizer.v2: element at 0, degree 38, charge 45, chirality 51,
# hydrogens 56, hybridisation 62, aromatic 70, mass 71.
@pytest.mark.parametrize(
  ('smiles', 'expected', 'mass'),
  [
    ('C', [5, 42, 49, 51, 60, 66, 71], 12.011),
    ('[13CH4]', [5, 42, 49, 51, 60, 66, 71], 13.003),
    ('[Na+]', [10, 38, 47, 51, 56, 62, 71], 22.990),
    ('[O-]C', [7, 39, 45, 51, 56, 66, 71], 15.999),
    ('c1ccccc1', [5, 41, 49, 51, 57, 64, 70, 71], 12.011),
    ('N#N', [6, 39, 49, 51, 56, 63, 71], 14.007),
    ('[C@](F)(Cl)(Br)I', [5, 42, 49, 53, 56, 66, 71], 12.011),
    ('I', [36, 39, 49, 51, 57, 66, 71], 126.904),
    ('[Xe]', [37, 38, 49, 51, 56, 66, 71], 131.29),
    ('S(F)(F)(F)(F)(F)F', [15, 44, 49, 51, 56, 68, 71], 32.067),
    ('[Fe+4]', [25, 38, 50, 51, 56, 63, 71], 55.845),
  ],
)
def test_features_of_an_atom(smiles, expected, mass):
  row = inputs(smiles)['atoms'][0, 0]
  assert row.shape == (atoms.ATOM_FEATURES,)
  assert ones(row) == expected
  assert row[71] == pytest.approx(mass / 100, abs=1e-5)


# MultiHotBondFeaturizer: none at 0, type 1, conjugated 5, in a ring 6, stereo 7.
@pytest.mark.parametrize(
  ('smiles', 'expected'),
  [
    ('CC', [1, 7]),
    ('C=C', [2, 7]),
    ('C#C', [3, 7]),
    ('c1ccccc1', [4, 5, 6, 7]),
    ('C1CC1', [1, 6, 7]),
    ('N->[Fe]', [7]),
  ],
)
def test_features_of_a_bond(smiles, expected):
  row = inputs(smiles)['bonds'][0, 0]
  assert row.shape == (atoms.BOND_FEATURES,)
  assert ones(row) == expected


def test_stereo_of_double_bonds():
  kinds = [ones(inputs(s)['bonds'][0, 1])[-1] for s in ('C/C=C/C', 'C/C=C\\C')]
  assert kinds == [10, 9]  # E and Z of RDKit


def test_bonds_enter_and_leave_atoms():
  found = graph('CC(O)=N')
  assert found['ends'].tolist() == [[0, 1], [1, 2], [1, 3]]
  assert found['incoming'].tolist() == [[2, 0, 0], [1, 4, 6], [3, 0, 0], [5, 0, 0]]
  assert {name: array.dtype.name for name, array in found.items()} == {
    'atoms': 'uint8', 'mass': 'float32', 'bonds': 'uint8', 'ends': 'int16', 'incoming': 'int16',
  }  # fmt: skip


def test_graphs_are_stacked_with_sizes():
  rows, sizes = graphs.stack([graph('C'), graph('CC(O)=N')])
  assert {name: of.tolist() for name, of in sizes.items()} == {
    'atoms': [1, 4], 'bonds': [0, 3], 'degree': [1, 3],
  }  # fmt: skip
  assert rows['incoming'].shape == (2, 4, 3)
  features = inputs('C', 'CC(O)=N')
  assert not features['atoms'][0, 1:].any()
  assert not features['bonds'][0].any()
  np.testing.assert_array_equal(features['atoms'][0, 0], inputs('C')['atoms'][0, 0])


@pytest.mark.parametrize(
  ('molecule', 'message'),
  [
    (Chem.Mol(), 'here: a molecule without atoms; expected one or more'),
    (Chem.MolFromSmiles('C' * 8), 'here: a molecule of 7 bonds; expected at most 6'),
  ],
)
def test_what_is_no_graph_is_refused(molecule, message, monkeypatch):
  monkeypatch.setattr(graphs, 'MOST_BONDS', 6)
  with pytest.raises(UserError) as error:
    graphs.graph(molecule, 'here')
  assert str(error.value) == message
