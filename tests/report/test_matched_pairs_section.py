"""The section on matched pairs: what is written, and what the page says of each kind of label."""

import csv
import dataclasses
import pathlib
import types

import numpy as np
import pytest

pytest.importorskip('rdkit')

from rdkit import Chem

from medjax import evaluation, outcomes
from medjax.data.molecules.features import Features, written
from medjax.data.molecules.modality import Molecules
from medjax.data.molecules.standard import Standard
from medjax.plots import html
from medjax.report import matched_pairs
from medjax.workdir import Workdir

SMILES = [f'{one}c1ccc2ccccc2c1' for one in ('', 'F', 'Cl', 'Br', 'C', 'CC', 'N', 'O')]
NAMES = np.array(['<b>mine</b>', '=2+2', *(f'row-{i}' for i in range(2, 8))])
LABEL = np.array([0.0, 0.1, 0.2, 0.1, 0.0, 3.0, 0.2, np.nan])
PREDICTION = np.array([0.5, 0.1, 0.2, 0.3, 0.4, 0.45, 0.0, 0.0])
TEMPLATE = pathlib.Path(matched_pairs.__file__).parent / 'matched_pairs.html'


@dataclasses.dataclass
class Split:
  id: np.ndarray
  smiles: list[str]

  def read(self, rows):
    mols = [Chem.MolFromSmiles(self.smiles[row]) for row in rows]
    return {'smiles': np.stack([written(mol) for mol in mols]), 'label': np.zeros(len(rows))}


@pytest.fixture
def write(tmp_path):
  """Writes the files of a run with these predictions, and gives values and the page's text."""

  def made(outcome, table, smiles=SMILES):
    modality = Molecules(Standard(), Features())
    # In another order than the predictions.
    split = Split(NAMES[: len(smiles)][::-1], smiles[::-1])
    experiment = types.SimpleNamespace(
      data=types.SimpleNamespace(modality=modality, splits={'test': split}),
      task=types.SimpleNamespace(outcome=outcome),
    )
    workdir = Workdir(tmp_path)
    workdir.write(workdir.config, {})
    workdir.write(workdir.data, {'fingerprint': '1'})
    values = matched_pairs.write(experiment, {'test': table}, workdir)
    page = None if values is None else html.render(TEMPLATE, matched_pairs=values)
    return values, page, workdir

  return made


def columns(count=8):
  return {'id': NAMES[:count], 'group': NAMES[:count], 'split': 'test'}


def numbers(count=8):
  return evaluation.Numbers(label=LABEL[:count], prediction=PREDICTION[:count], **columns(count))


def test_numbers(write):
  values, page, workdir = write(outcomes.Number(), numbers())
  assert (values['pairs'], values['cases'], values['series']) == (21, 7, 1)
  (label,) = values['labels']
  # Ethyl alone is far from the others, of which naphthalene alone is predicted above it.
  assert label['cliffs'] == 6
  assert label['ordered']['value'] == pytest.approx(5 / 6)
  assert [pair['right'] for pair in values['shown']] == [False] + 5 * [True]
  cases = values['shown'][0]['cases']
  assert {one['part'] for one in cases} == {'[H][*:1]', '[*:1]CC'}
  assert {(one['label'], one['prediction']) for one in cases} == {('0', '0.5'), ('3', '0.45')}
  assert 'Correlation of differences' in page
  assert 'all pairs share a case' in page
  assert '&lt;b&gt;mine' in page
  assert '<b>mine' not in page
  assert page.count('data:image/svg+xml') == 12
  assert workdir.read(workdir.matched_pairs)['labels'] == values['labels']


def test_the_table_has_a_row_for_each_pair(write):
  _, _, workdir = write(outcomes.Number(), numbers())
  with open(workdir.folder / 'matched_pairs.csv', newline='') as file:
    rows = list(csv.DictReader(file))
  assert len(rows) == 21
  first = rows[0]
  assert first['id_1'] == '<b>mine</b>'
  assert first['id_2'] != '=2+2'  # no formula in a spreadsheet
  assert (first['part_1'], first['part_2']) == ('[H][*:1]', '[*:1]F')
  assert (first['label_1'], first['prediction_2'], first['cliff']) == ('0.0', '0.1', 'no')
  assert sum(row['cliff'] == 'yes' for row in rows) == 6
  assert {row['ordered'] for row in rows if row['cliff'] == 'no'} == {''}


def test_two_classes(write):
  label = np.array([0, 1, 0, 1, 0, 1, 0, 1])
  table = evaluation.Predictions(
    label=label, probability=PREDICTION, classes=('weak', 'strong'), **columns()
  )
  values, page, _ = write(outcomes.Classes(), table)
  (figures,) = values['labels']
  assert figures['cliffs'] == 16
  ordered = [PREDICTION[i] > PREDICTION[j] for i in (1, 3, 5, 7) for j in (0, 2, 4, 6)]
  assert figures['ordered']['value'] == np.mean(ordered)
  assert 'probability of strong' in page
  assert [pair['right'] for pair in values['shown']] == 3 * [False] + 3 * [True]


def test_several_labels_have_a_row_each(write):
  label = np.stack([[0, 1, 0, 1, 0, 1, 0, 1], 8 * [np.nan]], 1)
  label[0, 1] = 1
  probability = np.stack([PREDICTION, PREDICTION], 1)
  table = evaluation.Labels(
    label=label, probability=probability, classes=('one', 'other'), **columns()
  )
  values, page, _ = write(outcomes.LabelSet(), table)
  assert [label['cliffs'] for label in values['labels']] == [16, 0]
  assert 'undefined: there is no cliff' in page
  assert {pair['label'] for pair in values['shown']} == {'one'}


def test_many_classes_are_in_no_order(write):
  table = evaluation.Predictions(
    label=np.arange(8) % 3, probability=np.full((8, 3), 1 / 3), classes=('a', 'b', 'c'), **columns()
  )
  values, page, _ = write(outcomes.Classes(), table)
  assert values['labels'] == values['shown'] == []
  assert 'more than two classes' in page


def test_a_few_pairs_are_no_section(write):
  values, _, workdir = write(outcomes.Number(), numbers(3), SMILES[:3])
  assert values is None
  assert not workdir.matched_pairs.exists()
