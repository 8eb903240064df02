"""A new kind of data takes two functions: point clouds in .npy files with a table of labels."""

import dataclasses
import pathlib

import numpy as np
import pytest
import reseal

from medjax.config import check, setting
from medjax.data import examples, labels, modality, settings, split, tables
from medjax.errors import UserError


@dataclasses.dataclass
class Config(settings.ColumnSettings):
  """Which point clouds."""

  source: str = setting('clouds', 'A folder with labels.csv and .npy files, float [points, 3].')
  points: int = setting(8, 'Points that the network sees, the first of each cloud.', low=1)


def load(config):
  return examples.load(config, Clouds.from_details, lambda: read(config))


@dataclasses.dataclass(frozen=True)
class Clouds(modality.Modality):
  """Point clouds, float32 [points, 3]."""

  points: int

  @classmethod
  def from_details(cls, details):
    return cls(details['points'])

  def inputs(self, batch):
    return batch['cloud']

  def open(self, names):
    return modality.opened(names, self._of_file)

  def _of_file(self, name):
    cloud = read_cloud(pathlib.Path(name), self.points)
    return [modality.Case(name, lambda: {'cloud': cloud})]


def read(config):
  table = pathlib.Path(config.source) / 'labels.csv'
  header, every = tables.parse(table.read_text(), table)
  file, label = (tables.column(table, header, name) for name in ('file', 'label'))
  group = tables.optional_column(table, header, config.group_column, 'patient')
  given = tables.optional_column(table, header, config.split_column, 'split')
  rows, notes = labels.labelled_rows(every, label, table)
  texts = [row[label] for _, row in rows]
  clouds = [read_cloud(table.parent / row[file], config.points) for _, row in rows]
  first = {}
  copies = [
    first.setdefault(cloud.tobytes(), row[file])
    for cloud, (_, row) in zip(clouds, rows, strict=True)
  ]
  classes = labels.class_names(texts, config.positive, table, joined=config.joined_names)
  found = examples.Examples(
    'clouds',
    [row[file] for _, row in rows],
    texts,
    [row[group] for _, row in rows] if group else copies,
    [split.in_row(row, given, f'{table} row {line}') for line, row in rows],
    [{k: v for k, v in row.items() if k not in (file, label, group, given)} for _, row in rows],
    classes,
    origin=f'column {given!r} of {table}',
    notes=(
      *notes,
      f'{len(rows)} clouds of which {config.points} points are seen',
    ),
  )
  found = found.with_splits(config)
  stacked = np.stack(clouds)
  return found.to_dataset(
    {'cloud': stacked},
    labels.encode(texts, classes),
    Clouds(config.points),
    details={'points': config.points},
  )


def read_cloud(path, points):
  try:
    return np.load(path)[:points].astype(np.float32)
  except (OSError, ValueError) as error:
    raise UserError(f'{path}: is no point cloud: {error}') from None


@pytest.fixture
def clouds(tmp_path):
  """40 clouds of 20 patients, each of which has two; of each patient's two one is ill."""

  def make(*columns):
    lines = [','.join(['file', 'label', 'age', *columns])]
    for i in range(40):
      np.save(tmp_path / f'{i}.npy', np.random.default_rng(i).normal(size=(12, 3)))
      more = {'patient': f'p{i // 2}', 'split': ('train', 'train', 'valid', 'test')[i // 2 % 4]}
      lines.append(','.join([f'{i}.npy', ('ill', 'well')[i % 2], str(i), *map(more.get, columns)]))
    (tmp_path / 'labels.csv').write_text('\n'.join(lines))
    return str(tmp_path)

  return make


def splits_of(data):
  return {name: split for split, part in data.splits.items() for name in part.id.tolist()}


def test_drawn_splits_keep_patients_together(clouds):
  data = load(Config(source=clouds('patient')))
  assert data.notes == (
    '40 clouds of which 8 points are seen',
    'no split given: 70/15/15 for train, val and test, by group, stratified',
    "positive class: ill (as 'well' is its absence, or a normal case)",
  )
  where = splits_of(data)
  assert sorted(where) == sorted(f'{i}.npy' for i in range(40))
  assert all(where[f'{i}.npy'] == where[f'{i + 1}.npy'] for i in range(0, 40, 2))
  part = data.splits['val']
  assert (data.classes, data.input_shape) == (('well', 'ill'), (8, 3))
  for row, name in enumerate(part.id.tolist()):
    i = int(name.removesuffix('.npy'))
    expected = np.random.default_rng(i).normal(size=(12, 3))[:8].astype(np.float32)
    np.testing.assert_array_equal(data.modality.inputs(part.read([row]))[0], expected)
    assert (part.label[row], part.metadata['age'][row]) == ((i + 1) % 2, str(i))


def test_given_splits_are_taken_and_a_patient_in_two_is_refused(clouds):
  source = clouds('patient', 'split')
  where = splits_of(load(Config(source=source)))
  assert [where[f'{i}.npy'] for i in (0, 2, 4, 6)] == ['train', 'train', 'val', 'test']
  table = pathlib.Path(source, 'labels.csv')
  table.write_text(table.read_text().replace('p3,test', 'p0,test', 1))
  with pytest.raises(UserError, match="1 groups are in two splits, the first 'p0' in train and"):
    load(Config(source=source))
  data = load(Config(source=source, allow_group_overlap=True))
  assert any(note.startswith('LEAK ALLOWED: 1 groups') for note in data.notes)
  assert splits_of(load(Config(source=source, split_column=''))) != where


def test_identical_clouds_stay_together_without_patients(clouds):
  source = clouds()
  for i in range(0, 40, 4):
    np.save(pathlib.Path(source, f'{i + 3}.npy'), np.load(pathlib.Path(source, f'{i}.npy')))
  where = splits_of(load(Config(source=source)))
  assert all(where[f'{i}.npy'] == where[f'{i + 3}.npy'] for i in range(0, 40, 4))


def test_folds_test_every_cloud_once(clouds):
  source = clouds('patient')
  rounds = [load(Config(source=source, folds=4, fold=fold)) for fold in range(4)]
  tested = [name for data in rounds for name in data.splits['test'].id.tolist()]
  assert sorted(tested) == sorted(f'{i}.npy' for i in range(40))
  assert rounds[2].notes[1] == 'fold 2 of 4 tests'
  assert len({data.fingerprint for data in rounds}) == 4
  with pytest.raises(UserError, match=r'config\.data\.fold=4: expected 0 to 3'):
    load(Config(source=source, folds=4, fold=4))


@pytest.mark.parametrize('change', ['points', 'label', 'name', 'split'])
def test_the_fingerprint_changes_with_anything_that_is_stored(clouds, change):
  source = clouds('patient', 'split')
  before = load(Config(source=source)).fingerprint
  assert load(Config(source=source)).fingerprint == before
  table = pathlib.Path(source, 'labels.csv')
  text = table.read_text()
  if change == 'points':
    np.save(pathlib.Path(source, '7.npy'), np.zeros((12, 3)))
  elif change == 'label':
    table.write_text(text.replace('7.npy,well', '7.npy,ill'))
  elif change == 'name':
    pathlib.Path(source, '7.npy').rename(pathlib.Path(source, '7b.npy'))
    table.write_text(text.replace('7.npy', '7b.npy', 1).replace('37b.npy', '37.npy'))
  else:
    table.write_text(text.replace('p3,test', 'p3,train'))
  assert load(Config(source=source)).fingerprint != before


def test_a_run_opens_new_clouds_from_its_folder_alone(clouds, tmp_path):
  data = load(Config(source=clouds('patient'), points=5))
  config = Config(source='nowhere')
  config.stored = reseal.described(tmp_path, data)
  later = load(dataclasses.replace(config, seed=3))  # copies keep what is stored
  assert (later.splits, later.classes, later.input_shape) == ({}, data.classes, (5, 3))
  assert later.examples('test') == data.examples('test')
  good, missing = later.modality.open([str(tmp_path / '3.npy'), 'none.npy'])
  assert good.load()['cloud'].shape == (5, 3)
  with pytest.raises(UserError, match=r'none\.npy: is no point cloud'):
    missing.load()


def test_what_is_stored_is_no_setting():
  config = Config(stored={'source': 'x'})
  assert 'stored' not in [field.name for field in dataclasses.fields(config)]
  assert 'stored' not in dataclasses.asdict(config)
  check(config)
