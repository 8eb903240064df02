"""Concentrations as labels: remarked on, or taken as their logarithm."""

import made_molecules
import numpy as np
import pytest

from medjax.errors import UserError

pytest.importorskip('rdkit')


@pytest.fixture
def table(tmp_path):
  """A table whose column IC50_nM has these cells, and 1 to 10,000 in the others."""

  def write(**cells):
    rows = made_molecules.made_rows()
    numbers = np.geomspace(1, 1e4, len(rows))
    found = [
      {'smiles': row['smiles'], 'IC50_nM': cells.get(f'row_{i + 2}', f'{number:.6g}')}
      for i, (row, number) in enumerate(zip(rows, numbers, strict=True))
    ]
    return made_molecules.write(tmp_path / 'assay.csv', found)

  return write


def labels(data):
  return {name: label for name, (_, label, _) in made_molecules.read_all(data).items()}


def test_concentrations_are_remarked_on_and_their_logarithm_is_predicted_if_asked_for(table):
  path = table(row_5='>50,000')
  plain = made_molecules.load(path)
  said = made_molecules.noted(plain, 'orders of magnitude')
  assert said.startswith('IC50_nM goes from 1 to 50000, over 5 orders of magnitude')
  assert 'config.data.numbers=minus_log10_nM predicts' in said
  data = made_molecules.load(path, numbers='minus_log10_nM')
  assert 'predicted: 9 - log10 of IC50_nM in nM' in data.notes
  before, after = labels(plain), labels(data)
  assert before.keys() == after.keys()
  expected = [9 - np.log10(before[name]) for name in before]
  np.testing.assert_allclose([after[name] for name in before], expected, rtol=1e-5)
  assert after['row-5'] == pytest.approx(9 - np.log10(50_000))
  assert data.details['label_scale'] < 3


def test_what_has_no_logarithm_is_named(table):
  with pytest.raises(UserError, match=r'assay\.csv row 7: IC50_nM is 0; expected a number of nM'):
    made_molecules.load(table(row_7='0'), numbers='minus_log10_nM')


@pytest.mark.parametrize(
  ('settings', 'problem'),
  [
    ({'labels': 'classes'}, r'^config\.data\.numbers=minus_log10_nM: expected one column'),
    ({'label_columns': ('label', 'pIC50')}, r'expected one column, of numbers$'),
    ({'label_column': 'label'}, r'numbers=minus_log10_nM: label is one of classes$'),
  ],
)
def test_classes_have_no_logarithm(settings, problem, tmp_path):
  path = made_molecules.write(tmp_path / 'made.csv', made_molecules.made_rows())

  def load():
    config = {'source': path, 'numbers': 'minus_log10_nM'} | settings
    made_molecules.molecules.Config(**config).validate()
    made_molecules.load(**config)

  with pytest.raises(UserError, match=problem):
    load()


def test_a_logarithm_is_not_taken_twice_without_a_word(tmp_path):
  path = made_molecules.write(tmp_path / 'made.csv', made_molecules.made_rows())
  data = made_molecules.load(path, label_column='pIC50', numbers='minus_log10_nM')
  assert made_molecules.noted(data, 'which may be a logarithm already')
