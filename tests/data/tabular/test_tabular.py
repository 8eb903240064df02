"""Tables as people have them: labels, splits, patients, preprocessing, and errors by name."""

import collections
import csv

import numpy as np
import pytest
import sklearn.datasets
from made_table import COUNT, inputs_of, load_table, made_columns, splits_of, write_table

from medjax.data import tabular
from medjax.errors import UserError


@pytest.mark.parametrize(
  ('delimiter', 'encoding'), [(',', 'utf-8-sig'), (';', 'utf-8'), ('\t', 'utf-8-sig')]
)
def test_delimiters_and_byte_order_marks_change_nothing(tmp_path, delimiter, encoding):
  plain = load_table(write_table(tmp_path / 'plain.csv', made_columns()))
  data = load_table(write_table(tmp_path / 'other.csv', made_columns(), delimiter, encoding))
  assert data.fingerprint == plain.fingerprint
  for name, row in inputs_of(data).items():
    np.testing.assert_array_equal(row, inputs_of(plain)[name])


def test_classes_inputs_and_metadata(tmp_path):
  columns = made_columns()
  data = load_table(write_table(tmp_path / 'clinic.csv', columns))
  assert (data.name, data.simulated) == ('clinic', False)
  assert data.classes == ('healthy', 'ill')
  assert "positive class: ill (as 'healthy' is its absence, or a normal case)" in data.notes
  assert data.input_shape == (len(data.details['inputs']),)
  assert set(data.splits) == {'train', 'val', 'test'}
  found = {}
  for split in data.splits.values():
    for i, name in enumerate(split.id):
      row = int(name.removeprefix('row-')) - 2
      found[row] = split
      assert data.classes[split.label[i]] == columns['label'][row]
      assert {k: v[i] for k, v in split.metadata.items()} == {
        k: cells[row] for k, cells in columns.items() if k != 'label'
      }
  assert sorted(found) == list(range(COUNT))
  batch = data.splits['val'].read([2, 0])
  assert (batch['values'].dtype, batch['label'].dtype) == (np.float32, np.int32)
  np.testing.assert_array_equal(data.modality.inputs(batch), batch['values'])


def test_preprocessing_is_fitted_on_training_rows(tmp_path):
  columns = made_columns()
  data = load_table(write_table(tmp_path / 'clinic.csv', columns))
  where, values = splits_of(data), np.array(columns['age'], float)
  train = np.array([where[f'row-{i + 2}'] == 'train' for i in range(COUNT)])
  expected = (values - values[train].mean()) / values[train].std()
  found = np.array([inputs_of(data)[f'row-{i + 2}'][0] for i in range(COUNT)])
  assert data.details['inputs'][0] == 'age'
  np.testing.assert_allclose(found, expected, atol=1e-5)
  # Whatever stands in the other rows has no part in it.
  ages = [age if t else 1e6 + i for i, (age, t) in enumerate(zip(values, train, strict=True))]
  columns |= {'age': ages, 'split': [where[f'row-{i + 2}'] for i in range(COUNT)]}
  other = load_table(write_table(tmp_path / 'clinic.csv', columns))
  assert other.details['preprocessing'] == data.details['preprocessing']


def test_folds_test_every_row_once_and_fit_to_their_own_training_rows(tmp_path):
  columns = made_columns()
  columns['patient'] = [f'p{i // 2}' for i in range(COUNT)]
  columns['label'] = ['ill' if i // 2 % 3 else 'healthy' for i in range(COUNT)]
  source = write_table(tmp_path / 'clinic.csv', columns)
  values, tested, means = np.array(columns['age'], float), collections.Counter(), set()
  for fold in range(4):
    data = load_table(source, folds=4, fold=fold)
    where = splits_of(data)
    assert len(where) == COUNT
    tested.update(name for name, split in where.items() if split == 'test')
    by_patient = collections.defaultdict(set)
    for name, split in where.items():
      by_patient[columns['patient'][int(name[4:]) - 2]].add(split)
    assert all(len(splits) == 1 for splits in by_patient.values())
    train = values[[where[f'row-{i + 2}'] == 'train' for i in range(COUNT)]]
    column = data.details['preprocessing']['columns'][0]
    assert column['mean'] == pytest.approx(train.mean())
    assert column['scale'] == pytest.approx(train.std())
    means.add(column['mean'])
    assert f'fold {fold} of 4 tests' in data.notes
  assert tested == {f'row-{i + 2}': 1 for i in range(COUNT)}
  assert len(means) == 4


def test_rows_with_the_same_measurements_stay_together(tmp_path):
  columns = {k: cells * 3 for k, cells in made_columns(40).items()}
  for seed in range(3):
    data = load_table(write_table(tmp_path / 'clinic.csv', columns), seed=seed)
    where = splits_of(data)
    for i in range(40):
      assert len({where[f'row-{i + 2 + 40 * copy}'] for copy in range(3)}) == 1
  groups = {g for split in data.splits.values() for g in split.group}
  assert len(groups) == 40


def test_rows_with_the_same_measurements_in_two_given_splits_are_named(tmp_path):
  columns = {k: cells * 2 for k, cells in made_columns(20).items()}
  columns['split'] = ['train'] * 30 + ['val'] * 5 + ['test'] * 5
  source = write_table(tmp_path / 'clinic.csv', columns)
  with pytest.raises(UserError, match="10 groups are in two splits, the first 'row-12' in train"):
    load_table(source)
  data = load_table(source, allow_group_overlap=True)
  assert any(note.startswith('LEAK ALLOWED: 10 groups') for note in data.notes)
  assert data.summary()['groups_in_two_splits'] == 10


def test_given_splits_are_kept(tmp_path):
  columns = made_columns()
  given = ['Training'] * 40 + ['dev'] * 10 + ['test'] * 10
  data = load_table(
    write_table(tmp_path / 'clinic.csv', columns | {'Part': given}), split_column='Part'
  )
  assert {name: len(split) for name, split in data.splits.items()} == {
    'train': 40, 'val': 10, 'test': 10
  }  # fmt: skip
  assert list(data.splits['val'].id) == [f'row-{i}' for i in range(42, 52)]
  assert 'Part' not in data.details['inputs']
  given[3] = 'trian'
  source = write_table(tmp_path / 'clinic.csv', columns | {'Part': given})
  with pytest.raises(UserError, match=r"clinic.csv row 5: split is 'trian'.*did you mean train"):
    load_table(source, split_column='Part')
  given[3] = ''
  source = write_table(tmp_path / 'clinic.csv', columns | {'Part': given})
  with pytest.raises(UserError, match='1 rows have no split'):
    load_table(source, split_column='Part')


def test_a_patient_in_two_splits_is_an_error_unless_allowed(tmp_path):
  columns = made_columns() | {'split': ['train'] * 40 + ['val'] * 10 + ['test'] * 10}
  columns['patient'] = [f'p{i}' for i in range(COUNT)]
  columns['patient'][55] = 'p3'
  source = write_table(tmp_path / 'clinic.csv', columns)
  with pytest.raises(UserError, match="1 groups are in two splits, the first 'p3' in train and te"):
    load_table(source)
  assert 'LEAK ALLOWED' in ' '.join(load_table(source, allow_group_overlap=True).notes)
  data = load_table(source, group_column='', drop=('patient',))
  assert data.summary()['groups_in_two_splits'] == 0


def test_patients_stay_together_and_one_missing_is_an_error(tmp_path):
  columns = made_columns() | {'Patient': [f'p{i // 3}' for i in range(COUNT)]}
  data = load_table(write_table(tmp_path / 'clinic.csv', columns))
  by_patient = collections.defaultdict(set)
  for name, split in splits_of(data).items():
    by_patient[columns['Patient'][int(name[4:]) - 2]].add(split)
  assert {len(splits) for splits in by_patient.values()} == {1}
  columns['Patient'][7] = 'NA'
  with pytest.raises(
    UserError, match=r'clinic.csv row 9: no Patient; expected one in every row or'
  ):
    load_table(write_table(tmp_path / 'clinic.csv', columns))
  columns['Patient'] = [''] * COUNT
  assert len(set(splits_of(load_table(write_table(tmp_path / 'clinic.csv', columns))))) == COUNT


def test_dropped_columns_are_no_inputs_however_they_are_spelled(tmp_path):
  columns = made_columns() | {'Result': ['1', '2'] * 30, 'Code': ['1', '2', '3'] * 20}
  data = load_table(
    write_table(tmp_path / 'c.csv', columns), drop=('result', 'AGE'), categorical=('code',)
  )
  assert data.details['inputs'][-3:] == ['Code=3', 'Code=1', 'Code=2']
  assert not any(name.startswith(('Result', 'age')) for name in data.details['inputs'])
  assert 'Result' not in data.splits['train'].metadata
  for setting in ('drop', 'categorical'):
    with pytest.raises(UserError, match=r"no column 'agee', did you mean age|no column 'agee'"):
      load_table(tmp_path / 'c.csv', **{setting: ('agee',)})


def test_columns_with_one_value_are_left_out_and_named(tmp_path):
  columns = made_columns() | {'unit': ['mg'] * COUNT, 'empty': [''] * COUNT}
  data = load_table(write_table(tmp_path / 'clinic.csv', columns))
  assert 'columns with one value, left out: unit, empty' in data.notes


def test_ids_are_names_of_rows(tmp_path):
  columns = {'ID': [f'case {i}' for i in range(COUNT)]} | made_columns()
  data = load_table(write_table(tmp_path / 'clinic.csv', columns))
  assert set(splits_of(data)) == set(columns['ID'])
  columns['ID'][5] = 'case 2'
  with pytest.raises(UserError, match=r"clinic.csv: ID 'case 2' stands in several rows"):
    load_table(write_table(tmp_path / 'clinic.csv', columns))


@pytest.mark.parametrize('missing', ['', 'NA', '?', 'nan'])
def test_rows_without_a_label_are_left_out(tmp_path, missing):
  columns = made_columns()
  columns['label'][4] = columns['label'][9] = missing
  data = load_table(write_table(tmp_path / 'clinic.csv', columns))
  assert set(splits_of(data)) == {f'row-{i + 2}' for i in range(COUNT)} - {'row-6', 'row-11'}
  assert f'2 rows without label left out (2 {missing or "empty"})' in data.notes
  columns['label'] = [missing] * COUNT
  with pytest.raises(UserError, match=r"clinic.csv: no row has a value in column 'label'"):
    load_table(write_table(tmp_path / 'clinic.csv', columns))


def test_none_is_a_class_among_names_and_missing_among_numbers(tmp_path):
  columns = made_columns()
  columns['label'] = [['none', 'mild', 'severe'][i % 3] for i in range(COUNT)]
  assert load_table(write_table(tmp_path / 'a.csv', columns)).classes == ('mild', 'none', 'severe')
  columns['label'] = [['None', '0', '1'][i % 3] for i in range(COUNT)]
  data = load_table(write_table(tmp_path / 'b.csv', columns))
  assert data.classes == ('0', '1')
  assert "column 'label' is one of numbers: missing: 20 None" in data.notes


def test_labels_with_many_numbers_are_numbers(tmp_path):
  columns = made_columns()
  columns['label'] = [str(1.5 * i - 20) for i in range(COUNT)]
  source = write_table(tmp_path / 'clinic.csv', columns)
  data = load_table(source)
  assert data.classes == ()
  for split in data.splits.values():
    expected = [1.5 * (int(name[4:]) - 2) - 20 for name in split.id]
    np.testing.assert_allclose(split.label, expected)
    assert split.label.dtype == np.float32
    # Small and large numbers are in every split.
    quarters = np.searchsorted(np.quantile(np.arange(COUNT), [0.25, 0.5, 0.75]),
                               [int(name[4:]) - 2 for name in split.id])  # fmt: skip
    assert set(quarters) == {0, 1, 2, 3}
  train = [1.5 * (int(name[4:]) - 2) - 20 for name in data.splits['train'].id]
  assert data.details['label_mean'] == pytest.approx(np.mean(train))
  assert data.details['label_scale'] == pytest.approx(np.std(train))
  columns['label'] = [str(i // 4) for i in range(COUNT)]
  source = write_table(tmp_path / 'clinic.csv', columns)
  assert load_table(source).classes == ()
  assert load_table(source, labels='classes').classes == tuple(map(str, range(15)))
  columns['label'] = [str(i % 4) for i in range(COUNT)]
  source = write_table(tmp_path / 'clinic.csv', columns)
  assert load_table(source).classes == ('0', '1', '2', '3')
  assert load_table(source, labels='numbers').classes == ()


@pytest.mark.parametrize('odd', ['high', 'inf', '1_0'])
def test_a_label_that_is_no_number_is_named(tmp_path, odd):
  columns = made_columns()
  columns['label'] = [str(i) for i in range(COUNT)]
  columns['label'][7] = odd
  source = write_table(tmp_path / 'clinic.csv', columns)
  with pytest.raises(
    UserError, match=f"clinic.csv: column 'label' holds '{odd}'; expected numbers"
  ):
    load_table(source, labels='numbers')


def test_numbers_may_be_larger_in_test_than_in_training(tmp_path):
  columns = made_columns() | {'label': [str(i) for i in range(COUNT)]}
  columns['split'] = ['train'] * 30 + ['val'] * 10 + ['test'] * 20
  data = load_table(write_table(tmp_path / 'clinic.csv', columns))
  assert data.splits['train'].label.max() == 29
  assert data.splits['test'].label.min() == 40


def test_a_text_among_numbers_of_another_split_names_its_row(tmp_path):
  columns = made_columns() | {'split': ['train'] * 40 + ['val'] * 10 + ['test'] * 10}
  columns['age'][58] = 'old'
  with pytest.raises(
    UserError, match=r"clinic.csv row 60: age is 'old', one of 1 texts among 59 numbers; expec"
  ):
    load_table(write_table(tmp_path / 'clinic.csv', columns))


def test_files_that_are_no_table(tmp_path):
  path = tmp_path / 'clinic.csv'
  with pytest.raises(UserError, match=r'clinic.csv: no such file; expected a CSV file'):
    load_table(path)
  path.write_text(' \n')
  with pytest.raises(UserError, match=r'clinic.csv: is empty; expected a CSV file'):
    load_table(path)
  path.write_text('age,label\n')
  with pytest.raises(UserError, match=r'clinic.csv: has a header and no rows'):
    load_table(path)
  path.write_bytes('größe,label\n1,2\n'.encode('latin-1'))
  with pytest.raises(
    UserError, match=r'clinic.csv: is no UTF-8 text: byte 3 is 0xf6; expected a CSV file'
  ):
    load_table(path)
  path.write_text('age,lable\n1,a\n')
  message = r"clinic.csv: no column 'label'.*lable.*; config.data.label_column names it"
  with pytest.raises(UserError, match=message):
    load_table(path)
  path.write_text('age,label\n1,a\n2,a\n')
  with pytest.raises(UserError, match="every example is 'a'; expected at least two classes"):
    load_table(path)
  with pytest.raises(UserError, match='source=simulated: this experiment has no simulated table'):
    load_table('simulated')


def test_a_simulator_stands_behind_simulated(tmp_path):
  def simulator(seed, count):
    columns = made_columns(count, seed)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

  config = tabular.Config(seed=3, simulated_rows=70)
  data = tabular.load(config, simulator=simulator)
  assert data.simulated
  assert data.name == 'simulated (test_tabular)'
  same = load_table(write_table(tmp_path / 'clinic.csv', made_columns(70, 3)), seed=3)
  assert data.details == same.details
  assert sum(map(len, data.splits.values())) == 70


def test_sets_that_scikit_learn_ships():
  data = load_table('sklearn:breast_cancer')
  assert (data.name, data.classes) == ('breast_cancer', ('benign', 'malignant'))
  found = sklearn.datasets.load_breast_cancer()
  for split in data.splits.values():
    rows = [int(name[4:]) - 2 for name in split.id]
    np.testing.assert_array_equal(split.label, found.target[rows] == 0)  # 0 is malignant there
    np.testing.assert_array_equal(
      [float(x) for x in split.metadata['mean radius']], found.data[rows, 0]
    )
  data = load_table('sklearn:diabetes', label_column='progression')
  assert (data.classes, len(data.details['inputs'])) == ((), 10)
  target = sklearn.datasets.load_diabetes().target
  for split in data.splits.values():
    np.testing.assert_array_equal(split.label, target[[int(name[4:]) - 2 for name in split.id]])
  assert load_table('sklearn:iris').classes == ('setosa', 'versicolor', 'virginica')
  assert len(load_table('sklearn:wine').details['inputs']) == 13
  with pytest.raises(
    UserError, match=r'source=sklearn:digits: expected sklearn: and breast_cancer,'
  ):
    load_table('sklearn:digits')


def test_heart_disease(shared_data):
  path = shared_data('tabular_heart') / 'heart.csv'
  data = load_table(path, label_column='target')
  assert path.read_bytes().startswith(b'\xef\xbb\xbf')
  assert sum(map(len, data.splits.values())) == 303
  assert data.classes == ('0', '1')
  assert data.details['inputs'][0] == 'age'
  assert len(data.details['inputs']) == 13
  with open(path, newline='', encoding='utf-8-sig') as file:
    rows = list(csv.DictReader(file))
  where = splits_of(data)
  train = [row for i, row in enumerate(rows) if where[f'row-{i + 2}'] == 'train']
  expected = np.array([[float(row[c]) for c in data.details['inputs']] for row in train])
  expected = (expected - expected.mean(0)) / expected.std(0)
  np.testing.assert_allclose(
    data.splits['train'].read(range(len(train)))['values'], expected, atol=1e-5
  )
  for name in ('train', 'val', 'test'):
    ill = data.splits[name].label.mean()
    assert ill == pytest.approx(sum(row['target'] == '1' for row in rows) / 303, abs=0.03)
  coded = load_table(path, label_column='target', categorical=('cp', 'thal'), reference=True)
  assert [n for n in coded.details['inputs'] if n.startswith('cp=')] == ['cp=2', 'cp=1', 'cp=3']
  # One patient stands in the file twice.
  assert sum(split['groups'] for split in data.summary()['splits'].values()) == 302


def test_joined_names_are_classes_where_the_user_says_so_and_a_note_does(tmp_path):
  label = [('fracture, patella', 'fracture, sternum', 'normal')[i % 3] for i in range(COUNT)]
  source = write_table(tmp_path / 'bones.csv', made_columns() | {'label': label})
  with pytest.raises(UserError, match=r"label 'fracture, patella' looks like several .*joined_n"):
    load_table(source)
  data = load_table(source, joined_names=True)
  assert data.classes == ('fracture, patella', 'fracture, sternum', 'normal')
  note = "label 'fracture, patella' is taken as one class, as config.data.joined_names says"
  assert note in data.notes
  plain = write_table(tmp_path / 'plain.csv', made_columns())
  assert not any('joined_names' in note for note in load_table(plain, joined_names=True).notes)
