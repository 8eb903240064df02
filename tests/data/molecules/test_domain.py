"""The applicability domain against RDKit's similarities."""

import dataclasses
import json

import numpy as np
import pytest

pytest.importorskip('rdkit')

from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from medjax.data.molecules import domain, similarity
from medjax.data.simulate import assay
from medjax.evaluation.decision import ABSTAIN
from medjax.outcomes.label_set import LabelRows
from medjax.outcomes.number import NumberRows

WHERE = ['train'] * 60 + ['val'] * 20 + ['test'] * 20


@pytest.fixture(scope='module')
def mols():
  return [Chem.MolFromSmiles(row['smiles']) for row in assay.simulate(3, 100)]


@pytest.fixture(scope='module')
def nearest(mols):
  """The highest similarity of each molecule to another one that is trained on, by RDKit."""
  generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
  prints = [generator.GetFingerprint(mol) for mol in mols]
  return np.array([
    max(DataStructs.BulkTanimotoSimilarity(one, prints[:60][:i] + prints[:60][i + 1 :]))
    for i, one in enumerate(prints)
  ])  # fmt: skip


def test_similarities_are_those_of_rdkit(mols, nearest):
  bits = similarity.ecfp4(mols)
  fitted = domain.fit(bits, WHERE, 0.1)
  counts = bits.astype(np.uint8) * 3
  np.testing.assert_allclose(fitted.nearest(counts[60:]), nearest[60:], atol=1e-12)
  np.testing.assert_allclose(similarity.nearest_other(bits[:60]), nearest[:60], atol=1e-6)


def test_a_share_of_validation_molecules_is_outside(mols, nearest):
  bits = similarity.ecfp4(mols)
  for share in (0.0, 0.1, 0.25):
    fitted = domain.fit(bits, WHERE, share)
    outside = sum(not fitted.place({'counts': one})[1] for one in bits[60:80])
    least = np.sort(nearest[60:80])
    assert outside == (nearest[60:80] < least[int(share * 19)]).sum()


def test_without_validation_the_limit_is_that_of_training_molecules(mols, nearest):
  fitted = domain.fit(similarity.ecfp4(mols[:60]), ['train'] * 60, 0.0)
  assert fitted.limit == pytest.approx(nearest[:60].min(), abs=2e-6)
  alone = domain.fit(similarity.ecfp4(mols[:1]), ['train'], 0.0)
  assert alone.limit == 0


def test_many_training_molecules_are_drawn_from(mols, monkeypatch):
  monkeypatch.setattr(domain, 'MOST', 5)
  bits = similarity.ecfp4(mols)
  fitted = domain.fit(bits, WHERE, 0.0)
  assert (fitted.nearest(bits[:60]) == 1).sum() == 5


def test_it_survives_json_at_any_length_of_fingerprint():
  random = np.random.default_rng(0)
  bits = (random.random((30, 100)) < 0.2).astype(np.uint8)
  fitted = domain.fit(bits, ['train'] * 20 + ['val'] * 10, 0.05)
  again = domain.Domain.from_details(json.loads(json.dumps(dataclasses.asdict(fitted))))
  assert again == fitted
  np.testing.assert_array_equal(again.nearest(bits), fitted.nearest(bits))
  np.testing.assert_array_equal(fitted.nearest(bits[:20]), 1)
  assert fitted.nearest(np.zeros((1, 100), np.uint8)).tolist() == [0]


def test_outside_nothing_is_decided():
  row = {'call': 'a', 'probability_a': '0.9', 'prediction': '1.0', 'low': '0.5', 'high': '1.5'}
  assert LabelRows.undecided(None, row) == {**row, 'call': ABSTAIN}
  assert NumberRows.undecided(None, row) == {**row, 'low': '', 'high': ''}
