"""One image counts once, has one label and is in one split, however it is spelled or saved."""

import os
import pathlib
import shutil

import pytest
from PIL import Image

from medjax.data import images
from medjax.data.images import folder, identical, loader
from medjax.errors import UserError

AS_ROW = {
  'dot': ('./a.png', None),
  'up and down': ('sub/../a.png', None),
  'link': ('link.png', lambda at: (at / 'link.png').symlink_to(at / 'a.png')),
  'linked folder': ('again/a.png', lambda at: (at / 'again').symlink_to(at)),
  'hard link': ('hard.png', lambda at: os.link(at / 'a.png', at / 'hard.png')),
  'absolute': (None, None),
}


def _load(at, **options):
  return folder.load(pathlib.Path(at), images.Config(**options))


def _cohort(at, make_images, extra, label):
  """20 images with a table, and a row more."""
  names = make_images(at, 20)
  (at / 'sub').mkdir()
  shutil.move(at / names[0], at / 'a.png')
  names[0] = 'a.png'
  rows = [f'{name},{i % 2}' for i, name in enumerate(names)] + [f'{extra},{label}']
  (at / 'labels.csv').write_text('\n'.join(['file,label', *rows]))


@pytest.mark.parametrize('label', [0, 1])
@pytest.mark.parametrize('how', AS_ROW)
def test_one_file_in_two_rows_is_refused(tmp_path, make_images, how, label):
  name, make = AS_ROW[how]
  name = name or str(tmp_path / 'a.png')
  _cohort(tmp_path, make_images, name, label)
  if make:
    make(tmp_path)
  with pytest.raises(UserError, match=r'row 22: .* was already in row 2 as a.png; expected each f'):
    _load(tmp_path)


def test_a_copy_with_another_label_is_refused_and_with_the_same_counted_once(tmp_path, make_images):
  _cohort(tmp_path, make_images, 'copy.png', 1)
  shutil.copy(tmp_path / 'a.png', tmp_path / 'copy.png')
  text = r"labels.csv: a.png and copy.png are the same image, labelled '0' and '1'; expected one la"
  with pytest.raises(UserError, match=text) as caught:
    _load(tmp_path)
  assert '\n' not in str(caught.value)
  table = tmp_path / 'labels.csv'
  table.write_text(table.read_text().replace('copy.png,1', 'copy.png,0'))
  source = _load(tmp_path)
  assert [record.id for record in source.records].count('a.png') == 1
  assert len(source.records) == 20
  (note,) = [note for note in source.notes if 'counted once' in note]
  assert note.endswith('1 copies left out, the first copy.png, which is the image a.png')


def test_the_same_bytes_in_two_class_folders_are_refused(tmp_path, make_images):
  make_images(tmp_path, 20)
  shutil.copy(tmp_path / 'ill' / '001.png', tmp_path / 'normal' / 'other.png')
  (tmp_path / 'normal' / 'link.png').symlink_to(tmp_path / 'ill' / '003.png')
  with pytest.raises(UserError, match=r"'ill' and 'normal' \(and 1 more\); expected one label"):
    _load(tmp_path)


@pytest.mark.parametrize('patients', [False, True])
def test_a_copy_in_another_given_split_is_refused_unless_allowed(tmp_path, make_images, patients):
  names = make_images(tmp_path, 12)
  shutil.copy(tmp_path / names[0], tmp_path / 'copy.png')
  rows = [f'{name},{i % 2},{("train", "val", "test")[i // 4]},p{i}' for i, name in enumerate(names)]
  rows += ['copy.png,0,test,p99']
  column = ',patient' if patients else ',age'
  (tmp_path / 'labels.csv').write_text('\n'.join([f'file,label,split{column}', *rows]))
  text = r'1 image is in two splits, the first as normal/000.png in train and copy.png in test'
  with pytest.raises(UserError, match=text + r'; .*config.data.allow_group_overlap=true'):
    _load(tmp_path)
  source = _load(tmp_path, allow_group_overlap=True)
  assert len(source.records) == 13
  assert source.records[0].group == source.records[12].group
  assert any(note.startswith(f'LEAK ALLOWED: {text}') for note in source.notes)
  # Folds draw other splits, in which the image is once.
  assert len(_load(tmp_path, folds=3).records) == 12


def _saved_anew(at, name, new):
  """The same pixels in another file."""
  with Image.open(at / name) as image:
    image.save(at / new)


def _prepared(at, **options):
  config = images.Config(source=str(at), image_size=24, channels=1, **options)
  return loader.load(config, simulator=None, classes=('no', 'yes'))


def test_the_same_pixels_in_another_format_are_the_same_image(tmp_path, make_images):
  _cohort(tmp_path, make_images, 'anew.bmp', 1)
  _saved_anew(tmp_path, 'a.png', 'anew.bmp')
  text = r"a.png and anew.bmp are the same image, labelled '0' and '1'; expected one label"
  with pytest.raises(UserError, match=text):
    _prepared(tmp_path)
  table = tmp_path / 'labels.csv'
  split = ['split', *(['train'] * 12 + ['val'] * 4 + ['test'] * 4), 'train']
  lines = table.read_text().replace('anew.bmp,1', 'anew.bmp,0').splitlines()
  lines = [f'{line},{where}' for line, where in zip(lines, split, strict=True)]
  table.write_text('\n'.join(lines))
  data = _prepared(tmp_path)
  assert sorted(len(part) for part in data.splits.values()) == [4, 4, 12]
  assert any('1 copies left out, the first anew.bmp' in note for note in data.notes)
  table.write_text('\n'.join([*lines[:-1], 'anew.bmp,0,test']))
  with pytest.raises(UserError, match=r'1 image is in two splits, the first as a.png in train and'):
    _prepared(tmp_path)
  data = _prepared(tmp_path, allow_group_overlap=True)
  assert any('LEAK ALLOWED: 1 image is in two splits' in note for note in data.notes)
  assert data.summary()['groups_in_two_splits'] == 1


@pytest.mark.parametrize('options', [{}, {'folds': 3, 'fold': 1}, {'seed': 5}])
def test_from_drawn_splits_the_same_pixels_are_left_out(tmp_path, make_images, options):
  names = make_images(tmp_path, 30)
  for i, name in enumerate(names):
    if i % 2:  # all of a class, so that some would be in two splits
      _saved_anew(tmp_path, name, name.replace('.png', '.bmp'))
  data = _prepared(tmp_path, **options)
  assert sum(len(part) for part in data.splits.values()) == 30
  assert any('15 copies left out' in note for note in data.notes)
  assert data.summary()['groups_in_two_splits'] == 0


def test_copies_are_of_the_group_of_the_first():
  assert identical.groups(['p1', 'p2', 'p3', 'p2'], ['x', 'y', 'x', 'z']) == [
    'p1',
    'p2',
    'p1',
    'p2',
  ]
