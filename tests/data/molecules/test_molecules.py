"""Molecules from files to data sets: labels, copies, splits, inputs, and bad input by row."""

import dataclasses
import json
import sys

import numpy as np
import pytest

pytest.importorskip('rdkit')

from made_molecules import load, made_rows, noted, read_all, write
from rdkit import Chem
from rdkit.Chem import Descriptors, rdFingerprintGenerator
from rdkit.Chem.Scaffolds import MurckoScaffold

from medjax.data.molecules import Config, Molecules, toolkit
from medjax.data.simulate import assay
from medjax.errors import SeveralErrors, UserError


@pytest.fixture
def table(tmp_path):
  """Writes a table and gives its path."""
  return lambda rows, name='mols.csv': write(tmp_path / name, rows)


def test_a_table_becomes_fingerprints_and_classes(table):
  rows = made_rows()
  data = load(table(rows), label_column='label')
  assert (data.name, data.classes, data.simulated) == ('mols', ('inactive', 'active'), False)
  assert (
    noted(data, 'positive class')
    == "positive class: active (as 'inactive' is its absence, or a normal case)"
  )
  assert sum(len(split) for split in data.splits.values()) == 60
  generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2**32 - 1)
  given = {Chem.CanonSmiles(row['smiles']): row['label'] for row in rows}
  for split in data.splits.values():
    batch = split.read(range(len(split)))
    inputs = np.asarray(data.modality.inputs(batch))
    for i, smiles in enumerate(split.metadata['smiles']):
      assert given[smiles] == data.classes[split.label[i]]
      expected = np.zeros(2048)
      whole = generator.GetSparseCountFingerprint(Chem.MolFromSmiles(smiles))
      for place, count in whole.GetNonzeroElements().items():
        expected[place % 2048] += count
      np.testing.assert_allclose(inputs[i], np.log1p(expected), rtol=1e-6)


def test_what_stands_at_a_place_is_a_setting(table):
  source = table(made_rows())
  shown = {}
  for counts in ('counts', 'bits', 'log1p'):
    data = load(source, label_column='label', counts=counts, radius=1, bits=512)
    assert data.input_shape == (512,)
    shown[counts] = np.asarray(data.modality.inputs(data.splits['train'].read(range(20))))
  np.testing.assert_allclose(np.log1p(shown['counts']), shown['log1p'], rtol=1e-6)
  np.testing.assert_array_equal(shown['counts'] > 0, shown['bits'] == 1)
  assert shown['counts'].max() > 1


def test_descriptors_are_standardised_by_training_molecules(table):
  data = load(table(made_rows()[:30]), label_column='label', descriptors=True, split='random')
  fitted = data.modality.features.descriptors
  train = [Chem.MolFromSmiles(one) for one in data.splits['train'].metadata['smiles']]
  name = 'MolLogP'
  values = np.array([Descriptors.MolLogP(mol) for mol in train])
  place = list(fitted.names).index(name)
  for split in data.splits.values():
    found = split.read(range(len(split)))['descriptors'][:, place]
    raw = [Descriptors.MolLogP(Chem.MolFromSmiles(one)) for one in split.metadata['smiles']]
    expected = np.clip((np.array(raw) - values.mean()) / values.std(), -5, 5)
    np.testing.assert_allclose(found, expected, atol=1e-5)
  # A dummy atom has no partial charge: 0 stands there, the training mean.
  arrays = data.modality.features.arrays(Chem.MolFromSmiles('*CC'))
  assert np.isfinite(arrays['descriptors']).all()
  assert arrays['descriptors'][list(fitted.names).index('MaxPartialCharge')] == 0
  assert data.input_shape == (2048 + len(fitted.names),)
  broken = dataclasses.replace(fitted, names=['NoSuch', *fitted.names[1:]])
  with pytest.raises(UserError, match='descriptor NoSuch: this version of RDKit has none'):
    broken.values(train[0])


def test_a_run_keeps_how_molecules_are_read(table):
  data = load(table(made_rows()), label_column='label', descriptors=True, stereo='drop', radius=3)
  stored = json.loads(json.dumps(data.details))
  again = Molecules.from_details(stored)
  (case,) = again.open(['[Na+].C[C@H](N)C(=O)[O-]'])
  assert case.note == 'has several fragments: the largest is taken'
  expected = data.modality.features.arrays(Chem.MolFromSmiles('CC(N)C(=O)O'))
  for name, array in case.load().items():
    np.testing.assert_array_equal(array, expected[name])


def test_numbers_are_scaled_and_split_alike(table):
  data = load(table(made_rows()), label_column='pIC50', split='random')
  assert data.classes == ()
  train = data.splits['train'].label
  assert data.details['label_mean'] == pytest.approx(train.astype(float).mean())
  assert data.details['label_scale'] == pytest.approx(train.astype(float).std())


def test_decimal_commas_are_numbers(table):
  rows = [row | {'pIC50': row['pIC50'].replace('.', ',')} for row in made_rows()]
  found = read_all(load(table(rows), label_column='pIC50'))
  expected = read_all(load(table(made_rows()), label_column='pIC50'))
  assert {one[:2] for one in found.values()} == {one[:2] for one in expected.values()}


def test_several_labels_at_once_with_blanks(table):
  answers = [('1', 'yes'), ('0', 'no'), ('', 'yes'), ('1.0', 'NA')]
  rows = [
    {'smiles': row['smiles'], 'id': f'm{i}', 'AR': answers[i % 4][0], 'toxic': answers[i % 4][1]}
    for i, row in enumerate(made_rows())
  ]
  rows.append({'smiles': 'CCCCCCCC', 'id': 'last', 'AR': '', 'toxic': ''})
  data = load(table(rows), label_columns=('all',))
  assert data.classes == ('AR', 'toxic')
  assert '30 of 122 labels are blank: not measured' not in data.notes
  assert noted(data, 'blank') == '32 of 122 labels are blank: not measured'
  assert noted(data, 'nothing is known') == '1 rows of which nothing is known are left out'
  assert noted(data, "column 'toxic'").startswith("column 'toxic': 'yes' is 1")
  expected = [[1, 1], [0, 0], [np.nan, 1], [1, np.nan]]
  for name, (_, label, _) in read_all(data).items():
    np.testing.assert_array_equal(label, expected[int(name[1:]) % 4])


def test_copies_are_merged_and_conflicts_named(table):
  rows = made_rows()
  rows += [rows[0], rows[1] | {'label': 'inactive' if rows[1]['label'] == 'active' else 'active'}]
  rows.append(
    {'smiles': f'[Na+].[Cl-].{rows[2]["smiles"]}', 'label': rows[2]['label'], 'pIC50': '9'}
  )
  data = load(table(rows), label_column='label', split='random')
  assert noted(data, 'copies') == '3 rows are copies of a molecule: 60 molecules are left'
  assert noted(data, 'different') == (
    '1 molecules have different labels, which are left out: rows 3 and 63'
  )
  assert set(read_all(data)) == {f'row-{i}' for i in range(2, 62)} - {'row-3'}
  assert data.copies == {'row-62': 'row-2', 'row-64': 'row-4'}
  with pytest.raises(UserError, match='1 molecules have different labels: rows 3 and 63; expected'):
    load(table(rows), label_column='label', conflicts='refuse')
  with pytest.raises(UserError, match='conflicts=average: expected numbers'):
    load(table(rows), label_column='label', conflicts='average')
  numbers = load(table(rows), label_column='pIC50', split='random')
  given = float(rows[2]['pIC50'])
  assert read_all(numbers)['row-4'][1] == pytest.approx((given + 9) / 2)
  assert 'averaged: rows 4 and 64' in noted(numbers, 'different')
  left = load(table(rows), label_column='pIC50', conflicts='leave_out')
  assert 'row-4' not in read_all(left)


def test_labels_of_copies_complete_each_other(table):
  rows = [
    {'smiles': row['smiles'], 'a': str(i % 2), 'b': str(i // 2 % 2)}
    for i, row in enumerate(made_rows())
  ]
  rows[0] = rows[0] | {'a': '0', 'b': ''}
  rows.append(rows[0] | {'a': '1', 'b': '1'})
  data = load(table(rows), label_columns=('a', 'b'))
  np.testing.assert_array_equal(read_all(data)['row-2'][1], [np.nan, 1])
  assert 'taken as not known: rows 2 and 62' in noted(data, 'different')


def test_near_copies_stay_together_in_every_drawn_split(table):
  rows = [
    {'smiles': f'C[C{chirality}H](O){row["smiles"]}', 'label': row['label']}
    for row in made_rows()[::2]
    for chirality in ('', '@')
  ]
  source = table(rows)
  for settings in (
    {'split': 'random'}, {'split': 'random', 'seed': 1}, {'split': 'scaffold'},
    {'split': 'balanced_scaffold'}, {'split': 'cluster'}, {'folds': 3, 'fold': 1},
  ):  # fmt: skip
    data = load(source, **settings)
    where = {}
    for smiles, _, split in read_all(data).values():
      plain = Chem.CanonSmiles(smiles, useChiral=0)
      assert where.setdefault(plain, split) == split
    assert set(where.values()) == {'train', 'val', 'test'}
    assert not any('LEAK' in note for note in data.notes)


def test_scaffolds_are_in_one_split(table):
  for settings in ({'split': 'scaffold'}, {'split': 'balanced_scaffold'}):
    data = load(table(made_rows()), label_column='label', **settings)
    where = {}
    for split in data.splits.values():
      for smiles, group in zip(split.metadata['smiles'], split.group, strict=True):
        scaffold = MurckoScaffold.MurckoScaffoldSmiles(smiles)
        assert where.setdefault(scaffold, (group, split.name)) == (group, split.name)
    assert len(where) == len(set(where.values())) == 10
    assert noted(data, 'groups by') == '60 molecules in 10 groups by scaffold, the largest of 6'
  assert 'nearest training molecule of a test molecule' in noted(data, 'Tanimoto')


def test_given_splits_are_kept_and_what_straddles_is_noted(table, tmp_path):
  rows = made_rows()
  rows += [
    {'smiles': smiles, 'label': 'active', 'pIC50': '5'}
    for smiles in ('C[C@H](F)Cl', 'C[C@@H](F)Cl', 'CCO')
  ]
  rows.append(rows[-1])
  split = ['train'] * 50 + ['val'] * 6 + ['test'] * 4 + ['train', 'test', 'train', 'test']
  by_column = table([row | {'Part': of} for row, of in zip(rows, split, strict=True)], 'column.csv')
  parts = {name: [i for i, of in enumerate(split) if of == name] for name in set(split)}
  (tmp_path / 'splits.json').write_text(json.dumps({'mols': parts}))
  by_file = table(rows)
  for source, settings in (
    (by_column, {'split_column': 'Part'}),
    (by_file, {'split_file': str(tmp_path / 'splits.json')}),
  ):
    data = load(source, label_column='label', **settings)
    found = {name: of for name, (_, _, of) in read_all(data).items()}
    assert found == {f'row-{i + 2}': of for i, of in enumerate(split)}
    assert noted(data, 'LEAK') == (
      'LEAK ALLOWED: 2 molecules have copies or near copies in two splits: rows 62 and 63; rows 64 '
      'and 65'
    )
    with pytest.raises(UserError, match='2 molecules have copies or near copies in two splits'):
      load(source, label_column='label', allow_group_overlap=False, **settings)
  (tmp_path / 'splits.json').write_text(json.dumps(parts | {'val': parts['val'][1:]}))
  data = load(by_file, label_column='label', split_file=str(tmp_path / 'splits.json'))
  assert noted(data, 'are in no split').endswith('left out: row 52')


def test_the_latest_molecules_are_tested(table):
  rows = [row | {'date': f'20{i:02d}-03-01'} for i, row in enumerate(made_rows())]
  data = load(table(rows), label_column='label', split='time')
  assert set(data.splits['test'].metadata['date']) == {f'20{i}-03-01' for i in range(54, 60)}
  assert noted(data, 'splits by') == 'splits by date: val from 2048-03-01, test from 2054-03-01'
  rows[3]['date'] = 'soon'
  with pytest.raises(UserError, match="row 5: date is 'soon'; expected a date such as 2021-03-04"):
    load(table(rows), label_column='label', split='time')
  same = [row | {'date': '2020-01-01'} for row in rows]
  with pytest.raises(UserError, match="column 'date' has too few different dates to split by"):
    load(table(same), label_column='label', split='time')
  with pytest.raises(UserError, match="no column 'date'"):
    load(table(made_rows()), label_column='label', split='time')


def test_unreadable_rows_are_listed_and_unusual_ones_noted(table):
  rows = made_rows()
  for place, smiles in {
    1: 'C1CC', 2: 'C' * 5000, 10: '[Na+].OC(=O)CCC[O-]', 11: 'CCCCO.CCCCN', 12: '[CH2]CCF',
    13: 'C[Sn](C)(C)C', 14: '[13CH3]CCl', 15: '*CCC',
  }.items():  # fmt: skip
    rows[place]['smiles'] = smiles
  data = load(table(rows), label_column='label', split='random')
  assert noted(data, 'cannot be read, left out').startswith(
    "2 molecules cannot be read, left out: row 3: SMILES 'C1CC' cannot be read"
  )
  assert set(data.details['left_out']) == set(data.unreadable) == {'row 3', 'row 4'}
  assert 'row 4: 5000 heavy atoms; expected at most 500' in noted(data, 'cannot be read, left out')
  for words, row in (
    ('several fragments', 12), ('mixtures', 13), ('radicals', 14), ('metal', 15), ('isotopes', 16),
    ('unknown atom', 17),
  ):  # fmt: skip
    assert noted(data, words).endswith(f'(row {row})')
  with pytest.raises(SeveralErrors) as error:
    load(table(rows), label_column='label', max_broken=0.02)
  lines = str(error.value).splitlines()
  assert lines[0] == (
    '2 molecules cannot be used (of 60; config.data.max_broken=0.02 leaves out at most 1)'
  )
  assert 'mols.csv row 3: SMILES' in lines[1]


@pytest.mark.parametrize(
  ('settings', 'change', 'message'),
  [
    ({'label_column': 'x'}, {}, "no column 'x'"),
    ({'label_columns': ('label', 'label')}, {}, 'expected two or more different columns'),
    ({'label_columns': ('label', 'pIC50')}, {}, "pIC50 is '5.00'; expected 1, 0 or nothing"),
    ({'label_column': 'label'}, {'label': ''}, "no row has a value in column 'label'"),
    ({'label_column': 'label'}, {'smiles': 'C1CC'}, '60 molecules cannot be used (of 60; config'),
    ({'label_column': 'label', 'split_column': 'part'}, {}, "no column 'part'"),
    ({'label_column': 'label'}, {'split': ''}, ''),
    ({'split_file': 'none.json', 'label_column': 'label'}, {}, 'none.json: no such file'),
  ],
)
def test_mistakes_are_one_line(table, settings, change, message):
  source = table([row | change for row in made_rows()])
  if not message:  # an empty column of splits draws them
    assert len(load(source, **settings).splits) == 3
    return
  with pytest.raises(UserError) as error:
    load(source, **settings)
  assert message in str(error.value).splitlines()[0]


def test_the_only_other_column_is_the_label(table):
  rows = [
    {'id': f'm{i}', 'mol': row['smiles'], 'Class': row['label']}
    for i, row in enumerate(made_rows())
  ]
  data = load(table(rows))
  assert 'label: Class' in data.notes
  assert "column 'mol' holds the SMILES, as its cells say" in data.notes
  with pytest.raises(UserError, match='which column is the label'):
    load(table([row | {'dose': '1'} for row in rows]))
  with pytest.raises(UserError, match='no column beside the SMILES; expected one with labels'):
    load(table([{'smiles': row['mol'], 'id': row['id']} for row in rows]))
  with pytest.raises(UserError, match='label_columns=all: expected two or more columns'):
    load(table(rows), label_columns=('all',))


def test_rows_without_a_given_split_are_named(table):
  rows = [row | {'split': 'test' if i % 5 == 0 else 'train'} for i, row in enumerate(made_rows())]
  rows[4]['split'] = ''
  with pytest.raises(UserError, match='no split in row 6; expected one'):
    load(table(rows), label_column='label')


@pytest.mark.parametrize(
  ('settings', 'message'),
  [
    ({'label_column': 'a', 'label_columns': ('b', 'c')}, 'label_column and label_columns: expec'),
    ({'folds': 3, 'split': 'time'}, 'config.data.folds and config.data.split=time'),
    ({'folds': 3, 'split_file': 'a.json'}, 'config.data.folds and config.data.split_file'),
    ({'labels': 'numbers', 'label_columns': ('b', 'c')}, 'several numbers at once are not'),
    ({'conflicts': 'average', 'label_columns': ('b', 'c')}, 'classes have no average'),
  ],
)
def test_settings_that_contradict_each_other(settings, message):
  with pytest.raises(UserError, match=message):
    Config(**settings).validate()


def test_without_rdkit_one_line_says_what_to_install(table, monkeypatch):
  toolkit.chem.cache_clear()
  monkeypatch.setitem(sys.modules, 'rdkit', None)
  with pytest.raises(UserError, match=r"molecules need the package rdkit .*'medjax\[drug\]'"):
    load(table(made_rows()), label_column='label')


def test_files_are_opened_with_a_case_for_each_molecule(table, tmp_path):
  data = load(table(made_rows()), label_column='label')
  (tmp_path / 'new.smi').write_text('CCO a\nC1CC b\n')
  cases = data.modality.open([str(tmp_path / 'new.smi'), 'c1ccccc1', 'none.csv', 'rubbish'])
  assert [case.name.removeprefix(f'{tmp_path}/') for case in cases] == [
    'new.smi line 1', 'new.smi line 2', 'c1ccccc1', 'none.csv', 'rubbish'
  ]  # fmt: skip
  assert cases[0].load()['counts'].sum() == cases[2].load()['counts'].sum() - 12
  for case, message in (
    (cases[1], 'line 2: SMILES .C1CC. cannot be read'),
    (cases[3], 'none.csv: no such file'),
    (cases[4], 'rubbish: SMILES .rubbish. cannot be read'),
  ):
    with pytest.raises(UserError, match=message):
      case.load()


def test_simulated_molecules_are_active_by_their_pharmacophore():
  rows = assay.simulate(0, 400)
  assert assay.simulate(0, 3) == rows[:3]
  halves = [Chem.MolFromSmarts(assay.HINGE), Chem.MolFromSmarts(assay.POCKET)]
  right, counts = [], set()
  for row in rows:
    mol = Chem.MolFromSmiles(row['smiles'])
    count = sum(mol.HasSubstructMatch(half) for half in halves)
    counts.add(count)
    right.append((count == 2) == (row['label'] == 'active'))
  assert 0.95 < np.mean(right) < 1
  assert counts == {0, 1, 2}
