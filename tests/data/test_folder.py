"""Folders of images as people have them, and what is said when they are not right."""

import pathlib
import shutil

import pytest

from medjax.data import folder
from medjax.errors import UserError

DEFAULTS = {
  'file_column': 'file',
  'label_column': 'label',
  'group_column': 'patient',
  'split_column': 'split',
  'positive': '',
  'seed': 0,
  'allow_group_overlap': False,
}


def _load(path, **options):
  return folder.load(pathlib.Path(path), **(DEFAULTS | options))


def _table(path, text, encoding='utf-8'):
  path.mkdir(parents=True, exist_ok=True)
  (path / 'labels.csv').write_text(text, encoding=encoding)


@pytest.fixture
def cohort(tmp_path, make_images):
  """12 images of 6 patients under images/, with splits and ages, behind a byte-order mark."""
  names = make_images(tmp_path / 'images', 12)
  splits = ['train', 'train', 'train', 'train', 'val', 'test']
  rows = [f'{n},{n.split("/")[0]},p{i // 2},{splits[i // 2]},{40 + i}' for i, n in enumerate(names)]
  _table(tmp_path, '\n'.join(['file,label,patient,split,age', *rows]), encoding='utf-8-sig')
  return tmp_path


def test_table_gives_labels_groups_splits_and_metadata(cohort):
  source = _load(cohort)
  assert source.classes == ('normal', 'ill')  # 'normal' is the negative class
  assert [r.split for r in source.records].count('train') == 8
  assert source.records[0].group == 'p0'
  pixels, label, metadata = source.records[1].read(16, 3)
  assert (pixels.shape, label, metadata) == ((16, 16, 3), 'ill', {'age': '41'})
  assert source.notes == ('positive class: ill',)


def test_other_column_names_and_delimiters(tmp_path, make_images):
  names = make_images(tmp_path, 20)
  rows = [f'{n}; {i % 2}; {i}' for i, n in enumerate(names)]
  _table(tmp_path, '\n'.join(['Image; Finding; Case', *rows]))
  options = {'file_column': 'Image', 'label_column': 'Finding', 'group_column': 'Case'}
  source = _load(tmp_path, **options)
  assert source.classes == ('0', '1')
  assert {r.split for r in source.records} == {'train', 'val', 'test'}
  assert _load(tmp_path, **options, positive='0').classes == ('1', '0')


def test_class_folders(tmp_path, make_images):
  make_images(tmp_path, 20, kinds=('PNEUMONIA', 'NORMAL'))
  source = _load(tmp_path)
  assert source.classes == ('NORMAL', 'PNEUMONIA')
  assert 'no patient column' in source.notes[0]
  assert 'no split given' in source.notes[1]


def test_class_folders_inside_split_folders(tmp_path, make_images):
  for name, count in [('train', 12), ('valid', 4), ('test', 6)]:
    make_images(tmp_path / name, count)
  (tmp_path / '__MACOSX' / 'train').mkdir(parents=True)
  (tmp_path / 'train' / 'ill' / '._001.png').write_bytes(b'left by macOS')
  (tmp_path / 'train' / 'ill' / '001.png').rename(tmp_path / 'train' / 'ill' / 'Ä film.PNG')
  source = _load(tmp_path)
  assert [r.split for r in source.records].count('train') == 12
  assert [r.split for r in source.records].count('val') == 4
  # The same files stand in all three folders.
  assert any('LEAK: 6 identical images' in note for note in source.notes)


def test_tables_from_windows_and_cells_with_line_breaks(tmp_path, make_images):
  names = make_images(tmp_path, 20)
  rows = [f'{n.replace("/", chr(92))},{i % 2},"two\r\nlines, {i}"' for i, n in enumerate(names)]
  (tmp_path / 'labels.csv').write_bytes('\r\n'.join(['file,label,note', *rows]).encode())
  source = _load(tmp_path)
  assert len(source.records) == 20
  assert source.records[3].read(16, 1)[2] == {'note': 'two\r\nlines, 3'}


def test_too_few_to_split_is_said(tmp_path, make_images):
  make_images(tmp_path, 2)
  with pytest.raises(UserError, match='2 groups are too few to split'):
    _load(tmp_path)


def test_identical_files_stay_in_one_split(tmp_path, make_images):
  names = make_images(tmp_path, 30)
  for i, name in enumerate(names):
    shutil.copy(tmp_path / name, tmp_path / name.replace('.png', f'-copy{i}.png'))
  where = {}
  for record in _load(tmp_path).records:
    where.setdefault(record.id.split('-')[0].removesuffix('.png'), set()).add(record.split)
  assert all(len(splits) == 1 for splits in where.values())


def test_many_classes_in_numerical_order(tmp_path, make_images):
  names = make_images(tmp_path, 36)
  rows = [f'{n},{i % 12}' for i, n in enumerate(names)]
  _table(tmp_path, '\n'.join(['file,label', *rows]))
  assert _load(tmp_path).classes == tuple(str(i) for i in range(12))


def test_a_changed_file_changes_the_fingerprint(cohort):
  before = _load(cohort).fingerprint
  assert _load(cohort).fingerprint == before
  path = cohort / 'images' / 'normal' / '000.png'
  path.write_bytes(path.read_bytes() + b'\0')
  assert _load(cohort).fingerprint != before


@pytest.mark.parametrize(
  ('text', 'options', 'message'),
  [
    ('', {}, r'labels.csv: is empty; expected a header with file,label'),
    ('file,lable\na.png,1', {}, r"no column 'label'; did you mean lable\? \(it has file, lable\)"),
    ('file,label\n', {}, r'labels.csv: has a header and no rows'),
    ('file,label\na.png,', {}, r'labels.csv row 2: label is empty'),
    ('file,label\na.png', {}, r'labels.csv row 2: expected 2 cells'),
    ('file,label\nb.png,1', {}, r'labels.csv row 2: b.png is neither in'),
    ('file,label\na.png,1\na.png,0', {}, r'row 3: a.png was already in row 2'),
    ('file,label\na.png,1', {}, r"every example is '1'; expected at least two classes"),
    ('file,label,split\na.png,1,tset', {}, r"row 2: split is 'tset'.*did you mean test"),
    ('file,label\na.png,1', {'group_column': 'mrn'}, r"no column 'mrn'"),
    ('file,label\na.png,1', {'split_column': 'fold'}, r"no column 'fold'"),
    (
      'file,label,patient,split\na.png,1,x,train\nc.png,0,x,test',
      {},
      r"the first 'x' in train and test",
    ),
    ('file,label,patient\na.png,1,x\nc.png,0,', {}, r'c.png has no patient'),
    ('file,label\na.png,1\nc.png,0', {'positive': '2'}, r'config.data.positive=2: expected one of'),
  ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, make_images, text, options, message):
  first, second = make_images(tmp_path, 2)
  (tmp_path / first).rename(tmp_path / 'a.png')
  (tmp_path / second).rename(tmp_path / 'c.png')
  _table(tmp_path, text)
  with pytest.raises(UserError, match=message) as caught:
    _load(tmp_path, **options)
  assert '\n' not in str(caught.value)


def test_missing_and_empty_folders(tmp_path):
  with pytest.raises(UserError, match='no such folder'):
    _load(tmp_path / 'nowhere')
  with pytest.raises(UserError, match=r'expected labels.csv or one sub-folder'):
    _load(tmp_path)


@pytest.mark.parametrize(
  ('name', 'train', 'val', 'test'),
  [('chest_kermany', 3729, 720, 767), ('chest_nih', 698, 164, 138)],
)
def test_real_chest_folders(shared_data, name, train, val, test):
  splits = [record.split for record in _load(shared_data(name)).records]
  assert (splits.count('train'), splits.count('val'), splits.count('test')) == (train, val, test)
