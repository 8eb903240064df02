"""A folder of images whose table names a mask for each."""

import numpy as np
import pytest
from PIL import Image

from medjax.data import images
from medjax.data.images import MaskConfig
from medjax.data.simulate import endoscopy
from medjax.errors import UserError


@pytest.fixture
def folder(tmp_path):
  """Twelve images of six patients with masks beside them, of which the last shows nothing."""
  rng = np.random.default_rng(0)
  lines = ['file,mask,patient,split,age']
  for name in ('images', 'masks'):
    (tmp_path / name).mkdir()
  for i in range(12):
    mask = np.zeros((20, 30), np.uint8)
    if i < 11:
      mask[5 : 10 + i % 4, 6:18] = 255
    pixels = rng.integers(0, 90, (20, 30, 3)).astype(np.uint8) + mask[..., None] // 2
    Image.fromarray(pixels).save(tmp_path / 'images' / f'{i}.png')
    Image.fromarray(mask).save(tmp_path / 'masks' / f'{i}.png')
    split = ('train', 'train', 'val', 'test')[i // 2 % 4] if i < 8 else 'train'
    lines.append(f'images/{i}.png,masks/{i}.png,p{i // 2},{split},{i}')
  (tmp_path / 'labels.csv').write_text('\n'.join(lines) + '\n')
  return tmp_path


@pytest.fixture
def load(folder, monkeypatch):
  monkeypatch.setenv('MEDJAX_CACHE', str(folder / 'cache'))

  def loaded(**settings):
    config = MaskConfig(source=str(folder), image_size=16, channels=1, **settings)
    config.validate()
    return images.load_masks(config, simulator=endoscopy.simulate, structures=('polyp',))

  return loaded


def _edit(folder, old, new):
  table = folder / 'labels.csv'
  text = table.read_text()
  assert old in text
  table.write_text(text.replace(old, new))


def test_images_come_with_their_masks_groups_splits_and_columns(load):
  data = load(resize='letterbox')
  assert data.classes == ('background', 'polyp')
  assert {name: len(split) for name, split in data.splits.items()} == {
    'train': 8, 'val': 2, 'test': 2,
  }  # fmt: skip
  train = data.splits['train']
  assert train.label.dtype == np.uint8
  assert train.label.shape == (8, 16, 16)
  batch = train.read([0, 1, 2])
  for row, name in enumerate(train.id[:3]):
    i = int(name.split('/')[1].removesuffix('.png'))
    assert train.group[row] == f'p{i // 2}'
    assert train.metadata['age'][row] == str(i)
    # Bright where the mask is, in the letterbox of 16 x 11 pixels.
    bright = batch['image'][row, ..., 0] > 108
    assert (bright == batch['label'][row]).mean() > 0.95
    assert batch['label'][row, :2].max() == 0
  assert 'images that show polyp: 7 of 8 in train' in ' '.join(data.notes)
  counts = data.summary()['splits']['train']
  assert counts['classes']['polyp'] == int(train.label.sum())
  assert counts['positions'] == 8 * 256


def test_images_without_a_mask_are_left_out_and_said(load, folder):
  _edit(folder, 'masks/3.png', '')
  data = load()
  assert len(data.splits['train']) == 7
  assert '1 rows without mask left out' in ' '.join(data.notes)


def test_a_mask_that_changes_is_stored_again(load, folder):
  before = load().splits['test'].label.sum()
  Image.fromarray(np.full((20, 30), 255, np.uint8)).save(folder / 'masks' / '6.png')
  assert load().splits['test'].label.sum() > before


def test_several_structures_are_the_numbers_in_a_mask(load, folder):
  for i in range(12):
    with Image.open(folder / 'masks' / f'{i}.png') as mask:
      numbers = (np.asarray(mask) > 0).astype(np.uint8)
    numbers[0, :8] = 2
    Image.fromarray(numbers).save(folder / 'masks' / f'{i}.png')
  data = load(structures=('polyp', 'instrument'))
  assert data.classes == ('background', 'polyp', 'instrument')
  assert set(np.unique(data.splits['train'].label)) == {0, 1, 2}


def test_two_masks_of_one_image_are_refused_and_copies_count_once(load, folder):
  for kind in ('images', 'masks'):
    (folder / kind / 'copy.png').write_bytes((folder / kind / '0.png').read_bytes())
  with open(folder / 'labels.csv', 'a') as table:
    table.write('images/copy.png,masks/copy.png,p0,train,1\n')
  data = load()
  assert len(data.splits['train']) == 8
  assert 'each image is counted once' in ' '.join(data.notes)
  Image.fromarray(np.full((20, 30), 255, np.uint8)).save(folder / 'masks' / 'copy.png')
  with pytest.raises(UserError, match=r'are the same image, labelled .mask masks/0\.png'):
    load()


def _without_table(folder):
  (folder / 'labels.csv').unlink()


def _without_file(folder):
  (folder / 'masks' / '3.png').unlink()


def _other_shape(folder):
  Image.fromarray(np.zeros((30, 20), np.uint8)).save(folder / 'masks' / '3.png')


def _nothing_shown(folder):
  for path in (folder / 'masks').iterdir():
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(path)


@pytest.mark.parametrize(
  ('change', 'reason'),
  [
    (_without_table, r'labels\.csv: no such file; expected a table with file,mask'),
    (_without_file, r'mask of images/3\.png: masks/3\.png is neither in .*masks; expected a mask'),
    (_other_shape, r'3\.png: the mask has 20 x 30 pixels and its image 30 x 20'),
    (_nothing_shown, r'no mask of a training image shows polyp'),
    (lambda folder: _edit(folder, 'file,mask', 'file,outline'), r"no column 'mask'"),
  ],
)
def test_what_is_wrong_with_masks_is_said_in_one_line(load, folder, change, reason):
  change(folder)
  with pytest.raises(UserError, match=reason) as raised:
    load(max_broken=0.0)
  assert '\n' not in str(raised.value)


@pytest.mark.parametrize(
  ('settings', 'reason'),
  [
    ({'source': 'tfds:mnist'}, 'has no masks'),
    ({'source': 'a.npz'}, 'has no masks'),
    ({'structures': ('a', 'A')}, 'expected different names'),
    ({'structures': ('background',)}, 'expected different names'),
  ],
)
def test_settings_without_masks_are_refused(settings, reason):
  with pytest.raises(UserError, match=reason):
    MaskConfig(**settings).validate()
