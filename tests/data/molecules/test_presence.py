"""Molecules some of whose atoms are absent, and what is said of atoms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip('rdkit')

from rdkit import Chem

from medjax.data.molecules import explained, graphs
from medjax.data.molecules.descriptors import Descriptors
from medjax.data.molecules.features import Features, read_back, written
from medjax.data.molecules.presence import Presence, environments
from medjax.data.simulate import assay

SMILES = [row['smiles'] for row in assay.simulate(5, 6)] + ['C', 'CC', 'OCC(=O)[O-].[Na+]']


@pytest.fixture(scope='module')
def mols():
  return [Chem.MolFromSmiles(smiles) for smiles in SMILES]


def _seen(features, mol, z):
  """Inputs of the network, as numbers that a score gives back one at a time."""
  seen = []

  def score(inputs, target):
    seen.append(inputs)
    return jnp.zeros(len(z))

  of_presence, width = Presence(features).score(score, mol)
  padded = np.ones((len(z), width), np.float32)
  padded[:, : z.shape[1]] = z
  of_presence(padded, np.zeros(len(z), int))
  return jax.tree.map(np.asarray, seen[0])


def test_substructures_are_those_that_a_fingerprint_counts(mols):
  features = Features()
  for mol in mols:
    counts = np.zeros(2048, int)
    for place, atoms in environments(mol, 2, 2048):
      counts[place] += 1
      assert atoms <= set(range(mol.GetNumAtoms()))
    np.testing.assert_array_equal(counts, features.fingerprint(mol))


@pytest.mark.parametrize('counts', ['log1p', 'counts', 'bits'])
def test_a_whole_molecule_is_what_the_network_sees(mols, counts):
  fitted = Descriptors(['MolWt', 'TPSA'], [100.0, 20.0], [50.0, 10.0])
  features = Features(bits=256, counts=counts, descriptors=fitted)
  for mol in mols[:2] + mols[-3:]:
    batch = {name: value[None] for name, value in features.arrays(mol).items()}
    found = _seen(features, mol, np.ones((2, mol.GetNumAtoms())))
    np.testing.assert_allclose(found, np.repeat(features.inputs(batch), 2, axis=0), atol=1e-6)


def test_a_fingerprint_beside_a_graph_is_of_the_same_atoms(mols):
  mol = mols[0]
  z = np.concatenate([np.ones((1, mol.GetNumAtoms())), 1 - np.eye(mol.GetNumAtoms())])
  settings = {'bits': 256, 'descriptors': Descriptors(['MolWt'], [100.0], [50.0])}
  found = _seen(Features(graph=True, fingerprint_too=True, **settings), mol, z)
  alone = _seen(Features(**settings), mol, z)
  beside = np.concatenate([found.pop('fingerprint'), found['descriptors']], axis=1)
  np.testing.assert_array_equal(beside, alone)
  graph = _seen(Features(graph=True, **settings), mol, z)
  jax.tree.map(np.testing.assert_array_equal, found, graph)


def test_without_an_atom_no_substructure_has_it(mols):
  mol = mols[0]
  z = 1 - np.eye(mol.GetNumAtoms())
  found = _seen(Features(counts='counts'), mol, z)
  for atom, counts in enumerate(found):
    expected = np.zeros(2048)
    for place, atoms in environments(mol, 2, 2048):
      expected[place] += atom not in atoms
    np.testing.assert_array_equal(counts, expected)


def test_no_message_comes_from_an_absent_atom():
  mol = Chem.MolFromSmiles('CC(=O)NC1CC1')
  count = mol.GetNumAtoms()
  features = Features(graph=True)
  whole = graphs.inputs({n: v[None] for n, v in graphs.graph(mol, 'molecule').items()})
  z = np.concatenate([np.ones((1, count)), 1 - np.eye(count)])
  found = _seen(features, mol, z)
  for name, part in whole.items():
    rows, columns = part.shape[1], part.shape[2]
    np.testing.assert_array_equal(found[name][0, :rows, :columns], part[0], err_msg=name)
  ends = np.asarray(whole['ends'][0])
  for atom in range(count):
    atoms, bonds = found['atoms'][1 + atom], found['bonds'][1 + atom]
    assert not atoms[atom].any()
    gone = (ends == atom).any(axis=1)
    assert not bonds[: len(ends)][gone].any()
    np.testing.assert_array_equal(bonds[: len(ends)][~gone], whole['bonds'][0][~gone])
    assert not found['ends'][1 + atom, : len(ends)][gone].any()
    entering = found['incoming'][1 + atom]
    assert not entering[atom].any()
    assert not gone[(entering[entering > 0] - 1) // 2].any()


@pytest.mark.parametrize('graph', [False, True])
def test_what_atoms_add_is_right_for_a_sum(mols, graph):
  """A network that counts fluorine, by its substructure of radius 0 or its element."""
  mol = Chem.MolFromSmiles('OCC(F)(F)Cl')
  features = Features(graph=graph, radius=0, counts='counts')
  if graph:
    row = graphs.inputs({n: v[None] for n, v in graphs.graph(mol, 'molecule').items()})['atoms'][0]
    only = np.flatnonzero((np.asarray(row[3]) > 0) & ~(np.asarray(row)[[0, 1, 2, 5]] > 0).any(0))
    score = lambda inputs, target: inputs['atoms'][:, :, only[0]].sum(axis=1) * 3  # noqa: E731
  else:
    place = next(place for place, atoms in environments(mol, 0, 2048) if atoms == {3})
    score = lambda inputs, target: inputs[:, place] * 3  # noqa: E731
  for name, method in explained.methods(Presence(features)).items():
    parts, notes = method(score, [mol, None], np.zeros(2, int))
    assert notes == {}
    assert np.isnan(parts[1]).all()
    expected = [0, 0, 0, 3, 3, 0]
    if name == 'substructures':  # this molecule has no bond to break
      expected = [6] * 6
    np.testing.assert_allclose(parts[0], expected, atol=1e-4, err_msg=name)


def test_parts_are_rings_chains_and_what_chemists_put_together():
  found = explained.substructures(Chem.MolFromSmiles('CC(=O)Nc1ccc(CCO)cc1'))
  assert found.tolist() == [0, 0, 0, 1, 2, 2, 2, 2, 3, 3, 3, 2, 2]


def test_smiles_are_kept_unless_too_long(mols):
  for mol in mols:
    assert Chem.MolToSmiles(read_back(written(mol))) == Chem.MolToSmiles(mol)
  assert read_back(written(Chem.MolFromSmiles('C' * 513))) is None


def test_the_pharmacophore_is_known_where_both_halves_are():
  for row in assay.simulate(0, 40):
    mol = Chem.MolFromSmiles(row['smiles'])
    atoms = assay.pharmacophore(mol)
    hinge, pocket = (
      mol.GetSubstructMatch(Chem.MolFromSmarts(s)) for s in (assay.HINGE, assay.POCKET)
    )
    assert atoms.any() == bool(hinge and pocket)
    if atoms.any():
      assert atoms[list(pocket)].all()
      assert atoms.sum() == len(set(hinge) | set(pocket)) - 1
