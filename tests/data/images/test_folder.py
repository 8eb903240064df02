"""Folders of images as people have them, and what is said when they are not right."""

import pathlib
import shutil

import pytest

from medjax.data import images
from medjax.data.images import folder, prepare
from medjax.errors import UserError


def _load(path, **options):
  return folder.load(pathlib.Path(path), images.Config(**options))


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
  positive = "positive class: ill (as 'normal' is its absence, or a normal case)"
  assert source.notes == ('6 patients in 12 images', positive)


def test_other_column_names_and_delimiters(tmp_path, make_images):
  names = make_images(tmp_path, 20)
  rows = [f'{n}; {i % 2}; {i}' for i, n in enumerate(names)]
  _table(tmp_path, '\n'.join(['Image; Finding; Case', *rows]))
  options = {'file_column': 'Image', 'label_column': 'Finding', 'group_column': 'Case'}
  source = _load(tmp_path, **options)
  assert source.classes == ('0', '1')
  assert {r.split for r in source.records} == {'train', 'val', 'test'}
  assert _load(tmp_path, **options, positive='0').classes == ('1', '0')


def test_columns_are_found_but_for_case_and_never_ignored(cohort):
  table = cohort / 'labels.csv'
  text = table.read_text('utf-8-sig')
  exact = _load(cohort)
  table.write_text(text.replace('file,label,patient,split', 'File,LABEL, Patient ,Split'))
  source = _load(cohort, label_column='Label')
  for name in ('split', 'group', 'id'):
    assert [getattr(r, name) for r in source.records] == [getattr(r, name) for r in exact.records]
  assert source.notes[:4] == (
    "column 'File' is taken for 'file'",
    "column 'LABEL' is taken for 'Label'",
    "column 'Patient' is taken for 'patient'",
    "column 'Split' is taken for 'split'",
  )
  assert source.records[0].read(8, 1)[2] == {'age': '40'}
  # The exact name wins over one that differs by case, which is then like any other column.
  table.write_text(text.replace('age', 'Split'))
  assert [r.split for r in _load(cohort).records] == [r.split for r in exact.records]
  assert _load(cohort).records[0].read(8, 1)[2] == {'Split': '40'}


def test_a_column_without_a_name_is_neither_patient_nor_split(tmp_path, make_images):
  rows = [f'{i},{name},{i % 2}' for i, name in enumerate(make_images(tmp_path, 20))]
  _table(tmp_path, '\n'.join([',file,label', *rows]))
  source = _load(tmp_path, group_column='', split_column='')
  assert {r.split for r in source.records} == {'train', 'val', 'test'}
  assert 'no patient column' in source.notes[0]


def test_class_folders(tmp_path, make_images):
  make_images(tmp_path, 20, classes=('PNEUMONIA', 'NORMAL'))
  source = _load(tmp_path)
  assert source.classes == ('NORMAL', 'PNEUMONIA')
  assert 'no patient column' in source.notes[0]
  assert 'no split given' in source.notes[1]


def test_class_folders_inside_split_folders(tmp_path, make_images):
  for name, count in [('train', 12), ('valid', 4), ('test', 6)]:
    make_images(tmp_path / name, count)
  (tmp_path / '__MACOSX' / 'train').mkdir(parents=True)
  (tmp_path / 'train' / 'ill' / '._001.png').write_bytes(b'left by macOS')
  (tmp_path / 'train' / 'ill' / '001.png').rename(tmp_path / 'train' / 'ill' / 'Ä chest.PNG')
  # The same files stand in all three folders.
  text = r'6 images are in two splits, the first as train/ill/Ä chest.PNG in train'
  with pytest.raises(
    UserError, match=f'{text} and valid/ill/001.png in val; .*allow_group_overlap=true'
  ):
    _load(tmp_path)
  source = _load(tmp_path, allow_group_overlap=True)
  assert [r.split for r in source.records].count('train') == 12
  assert [r.split for r in source.records].count('val') == 4
  assert sum('LEAK ALLOWED: 6 images are in two splits' in note for note in source.notes) == 1
  # One image is one group, so that whoever counts groups in two splits says the same.
  of = {where: {r.group for r in source.records if r.split == where} for where in ('train', 'test')}
  assert len(of['train'] & of['test']) == 6


def test_a_class_may_be_called_like_a_split(tmp_path, make_images):
  make_images(tmp_path, 20, classes=('valid', 'invalid'))
  source = _load(tmp_path)
  assert source.classes == ('invalid', 'valid')
  assert {r.split for r in source.records} == {'train', 'val', 'test'}


def test_folders_beside_splits_are_left_out_by_name(tmp_path, make_images):
  for size, name in enumerate(('train', 'val', 'test', 'chest_xray'), 20):
    make_images(tmp_path / name, 4, size)
  source = _load(tmp_path)
  assert len(source.records) == 12
  assert source.notes[0] == 'folders left out, which name no split: chest_xray'


def test_linked_folders_are_read_once(tmp_path, make_images):
  make_images(tmp_path / 'set', 20)
  make_images(tmp_path / 'elsewhere', 30, size=20)
  ill = tmp_path / 'set' / 'ill'
  (ill / 'more').symlink_to(tmp_path / 'elsewhere' / 'ill')
  (ill / 'twice').symlink_to(tmp_path / 'elsewhere' / 'ill')
  (tmp_path / 'elsewhere' / 'ill' / 'back').symlink_to(ill)
  (ill / 'all').symlink_to(tmp_path / 'set')
  ids = [r.id for r in _load(tmp_path / 'set').records]
  assert len(ids) == 20 + 15
  assert sum(name.startswith('ill/more/') for name in ids) == 15


def test_names_that_are_not_utf8(tmp_path, make_images):
  folder = tmp_path / 'images'
  for name in make_images(folder, 20):
    (folder / name).rename(folder / name.replace('.png', '\udce9.png'))  # the byte E9 on disk
  (folder / 'ill').rename(folder / 'ill\udce9')
  source = _load(folder)
  assert source.classes == ('normal', 'ill\\udce9')
  data = prepare.prepare(source, images.Images(8, 8, 1), tmp_path / 'cache')
  names = [str(name) for split in data.splits.values() for name in split.id]
  assert 'normal/000\\udce9.png' in names
  assert len(names) == 20
  assert data.splits['train'].read([0])['image'].shape == (1, 8, 8, 1)


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
    ('', {}, r'labels.csv: is empty; expected a table with file,label'),
    ('file,lable\na.png,1', {}, r"no column 'label'; did you mean lable\? \(it has file, lable\)"),
    ('file,label\n', {}, r'labels.csv: has a header and no rows'),
    ('file,label\na.png,', {}, r"labels.csv: no row has a value in column 'label'"),
    ('file,label\na.png', {}, r'labels.csv row 2: expected 2 cells'),
    ('file,label\nb.png,1', {}, r'labels.csv row 2: b.png is neither in'),
    ('file,label\na.png,1\na.png,0', {}, r'row 3: a.png was already in row 2'),
    ('file,label\na.png,1', {}, r"every example is '1'; expected at least two classes"),
    ('file,label,split\na.png,1,tset', {}, r"row 2: split is 'tset'.*did you mean test"),
    ('file,label\na.png,1', {'group_column': 'mrn'}, r"no column 'mrn'"),
    ('file,label\na.png,1', {'split_column': 'fold'}, r"no column 'fold'"),
    ('file,label,label\na.png,1,0', {}, r"labels.csv: has several columns 'label'"),
    (
      'file,label,Split,SPLIT\na.png,1,train,test',
      {},
      r"columns 'Split' and 'SPLIT' are both 'split' but for case",
    ),
    ('file,label\na.png,Sick\nc.png,sick', {}, r"classes 'Sick' and 'sick' differ only by case"),
    *[
      (f'file,label\nc.png,0\na.png,{word}', {}, r"every example is '0'; expected at least two cl")
      for word in ('nan', 'NA', 'n/a', 'NULL', 'None')
    ],
    (
      'file,label,split\na.png,1,train\nc.png,0,val',
      {},
      r"class '0' is in split train, only in val \(splits given by column 'split' of .*labels.csv",
    ),
    ('file,label\na.png,1\n"c.png,0\nb.png,0', {}, r'labels.csv row 3: unexpected end of data'),
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


@pytest.mark.parametrize(
  ('column', 'second', 'message'),
  [
    ('file', 'x' * 200_000, r'labels.csv row 3: field larger than field limit'),
    (
      'report',
      'a.png',
      r"row 2: x{77}\.\.\. is neither in .*; expected an image in column 'report'",
    ),
  ],
)
def test_long_texts_are_one_short_line(tmp_path, column, second, message):
  _table(tmp_path, f'file,label,report\na.png,1,{"x" * 300}\nb.png,0,{second}')
  (tmp_path / 'a.png').touch()
  with pytest.raises(UserError, match=message) as caught:
    _load(tmp_path, file_column=column)
  assert '\n' not in str(caught.value)


def test_missing_and_empty_folders(tmp_path):
  with pytest.raises(UserError, match='no such folder'):
    _load(tmp_path / 'nowhere')
  with pytest.raises(UserError, match='no such folder'):
    _load(tmp_path / ('x' * 300))
  with pytest.raises(UserError, match=r'expected labels.csv or one sub-folder'):
    _load(tmp_path)


@pytest.mark.parametrize(
  ('name', 'kind'),
  [('all.npz', 'NumPy'), ('a.dcm', 'DICOM'), ('b.nii.gz', 'NIfTI'), ('c.zip', 'archive')],
)
def test_a_file_where_a_folder_is_expected_is_called_what_it_is(tmp_path, name, kind):
  (tmp_path / name).write_bytes(bytes(400))
  text = rf'config.data.source=.*{name}: is no folder but a file \({kind}\); expected a folder of'
  with pytest.raises(UserError, match=text):
    _load(tmp_path / name)


def test_a_folder_without_images_says_what_it_holds(tmp_path):
  for name in ('ill/a.mha', 'ill/b.mha', 'well/c.mha', 'well/d.nrrd'):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(bytes(400))
  text = r'in DICOM, .*; found 3 MetaImage files \(a.mha, b.mha, c.mha\), 1 NRRD file \(d.nrr'
  with pytest.raises(UserError, match=text) as caught:
    _load(tmp_path)
  assert '\n' not in str(caught.value)


def test_files_that_are_left_out_are_noted(tmp_path, make_images):
  make_images(tmp_path, 20)
  (tmp_path / 'ill' / 'scan.mha').write_bytes(bytes(400))
  (tmp_path / 'ill' / 'notes.txt').touch()
  shutil.copy(tmp_path / 'ill' / '001.png', tmp_path / 'beside.png')
  source = _load(tmp_path)
  assert len(source.records) == 20
  assert source.notes[0] == (
    '3 files left out, which are no images of a class by their names and places: 1 image file '
    '(beside.png), 1 other file (notes.txt), 1 MetaImage file (scan.mha)'
  )


@pytest.mark.parametrize('first', ['', '  ', ',', ' ; ', '"",""', '\n\r\n'])
def test_rows_without_a_value_before_the_header_are_passed_over(tmp_path, make_images, first):
  names = make_images(tmp_path, 20)
  rows = [f'{name},{i % 2}' for i, name in enumerate(names)]
  table = tmp_path / 'labels.csv'
  table.write_text('\n'.join([f'\ufeff{first}', 'file,label', *rows]))
  assert len(_load(tmp_path).records) == 20
  line = 3 + first.count('\n')
  table.write_text('\n'.join([first, 'file,label', 'gone.png,1', *rows]))
  with pytest.raises(UserError, match=rf'labels.csv row {line}: gone.png is neither in'):
    _load(tmp_path)


@pytest.mark.parametrize('none', ['none', 'None', 'NONE'])
def test_a_class_may_be_called_none(tmp_path, make_images, none):
  names = make_images(tmp_path, 20)
  rows = [f'{name},{(none, "polyp")[i % 2]}' for i, name in enumerate(names)]
  (tmp_path / 'labels.csv').write_text('\n'.join(['file,label', *rows]))
  assert _load(tmp_path).classes == (none, 'polyp')


def test_all_rows_that_cannot_be_used_are_named(tmp_path, make_images):
  (first,) = make_images(tmp_path, 1)
  rows = [f'{first},1', ',0', f'{first},', f'{first},0', *(f'gone{i}.png,0' for i in range(9))]
  table = tmp_path / 'labels.csv'
  table.write_text('\n'.join(['file,label', *rows]))
  with pytest.raises(UserError) as caught:
    _load(tmp_path)
  lines = str(caught.value).splitlines()
  assert lines[0] == f'11 images in {table} cannot be used'
  for line, text in zip(
    lines[1:4],
    [
      'row 3: file is empty',
      f'row 5: {first} was already in row 2',
      'row 6: gone0.png is neither in',
    ],
    strict=True,
  ):
    assert line.startswith(f'  {table} {text}')
  assert len(lines) == 12
  assert lines[-1] == '  and 1 more'


def test_all_files_that_cannot_be_read_are_named(tmp_path, make_images):
  make_images(tmp_path, 4)
  paths = [tmp_path / 'normal' / 'gone.png', tmp_path / 'ill' / '001.png', tmp_path / 'no.png']
  with pytest.raises(UserError) as caught:
    folder._digests(paths)
  assert str(caught.value).splitlines() == [
    '2 images cannot be read',
    f'  {paths[0]}: cannot be read: No such file or directory',
    f'  {paths[2]}: cannot be read: No such file or directory',
  ]


def test_images_without_a_patient_column_are_not_called_patients(tmp_path, make_images):
  make_images(tmp_path, 20)
  source = _load(tmp_path)
  assert 'no patient column: every image is taken by itself' in source.notes
  assert sorted(record.group for record in source.records) == sorted(r.id for r in source.records)


@pytest.mark.parametrize(
  ('name', 'train', 'val', 'test'),
  [('chest_kermany', 3714, 715, 761), ('chest_nih', 697, 164, 138)],
)
def test_real_chest_folders(shared_data, name, train, val, test):
  splits = [record.split for record in _load(shared_data(name)).records]
  assert (splits.count('train'), splits.count('val'), splits.count('test')) == (train, val, test)
