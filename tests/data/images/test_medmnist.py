"""MedMNIST files: splits, labels and names as they have them."""

import io

import numpy as np
import pytest

from medjax.data import images
from medjax.data.images import loader, medmnist, medmnist_names
from medjax.errors import UserError

SIZES = {'train': 24, 'val': 8, 'test': 12}


def _arrays(classes=2, columns=1, shape=(28, 28)):
  rng = np.random.default_rng(0)
  made = {}
  for split, count in SIZES.items():
    label = np.arange(count)[:, None] % classes
    if columns > 1:
      label = rng.integers(0, 2, (count, columns))
    made[f'{split}_images'] = rng.integers(0, 256, (count, *shape), np.uint8)
    made[f'{split}_labels'] = label.astype(np.uint8)
  return made


def _load(path, arrays, **settings):
  np.savez_compressed(path, **arrays)
  config = images.Config(**({'source': str(path), 'image_size': 28, 'channels': 1} | settings))
  return loader.load(config, simulator=None, classes=('no', 'yes'))


def _by_id(split):
  return np.argsort([int(name.split('/')[1]) for name in split.id])


@pytest.mark.parametrize(
  ('name', 'classes', 'names'),
  [
    ('pneumoniamnist.npz', 2, ('normal', 'pneumonia')),
    ('PneumoniaMNIST_28.npz', 2, ('normal', 'pneumonia')),
    ('breastmnist.npz', 2, ('normal, benign', 'malignant')),  # which is 0 in the file
    ('octmnist.npz', 4, medmnist_names.names('octmnist', 4)),
    ('retinamnist.npz', 5, ('0', '1', '2', '3', '4')),
    ('mine.npz', 2, ('0', '1')),
    ('octmnist.npz', 3, ('0', '1', '2')),  # no OCTMNIST
  ],
)
def test_images_labels_and_splits_are_those_of_the_file(tmp_path, name, classes, names):
  arrays = _arrays(classes)
  data = _load(tmp_path / name, arrays)
  assert data.classes == names
  numbered = medmnist_names.names(medmnist_names.set_name(name[:-4]), classes)
  for split, count in SIZES.items():
    found = data.splits[split]
    order = _by_id(found)
    assert len(order) == count
    batch = found.read(order)
    np.testing.assert_array_equal(batch['image'][..., 0], arrays[f'{split}_images'])
    labels = [numbered[number] for number in arrays[f'{split}_labels'][:, 0]]
    assert [data.classes[number] for number in batch['label']] == labels
  assert ('grades are taken as classes without an order' in data.notes) == (classes == 5)


def test_several_labels_are_a_column_each(tmp_path):
  arrays = _arrays(columns=14, shape=(64, 64))
  data = _load(tmp_path / 'chestmnist_64.npz', arrays, image_size=64)
  assert data.classes[:3] == ('atelectasis', 'cardiomegaly', 'effusion')
  assert data.example['label'].shape == (14,)
  for split in SIZES:
    found = data.splits[split]
    order = _by_id(found)
    np.testing.assert_array_equal(found.label[order], arrays[f'{split}_labels'])
    np.testing.assert_array_equal(found.read(order)['image'][..., 0], arrays[f'{split}_images'])
  folds = _load(tmp_path / 'chestmnist_64.npz', arrays, image_size=64, folds=3, fold=1)
  assert folds.fingerprint != data.fingerprint
  assert sum(map(len, folds.splits.values())) == sum(SIZES.values())


def test_colours_and_other_sizes(tmp_path):
  arrays = _arrays(3, shape=(28, 28, 3))
  data = _load(tmp_path / 'a.npz', arrays, channels=3)
  found = data.splits['val']
  np.testing.assert_array_equal(found.read(_by_id(found))['image'], arrays['val_images'])
  large = _load(tmp_path / 'a.npz', arrays, image_size=56, channels=1)
  assert large.input_shape == (56, 56, 1)


@pytest.mark.parametrize(
  ('changed', 'message'),
  [
    ({'train_images': None}, 'has no train_images, as MedMNIST files have; it has '),
    ({'test_labels': None}, 'has no test_labels'),
    ({'val_images': np.zeros((8, 28, 28, 28), np.uint8)}, r'are volumes, \[8, 28, 28, 28\]; '),
    ({'val_images': np.zeros((8, 28, 28), np.float32)}, r'val_images are float32 numbers of '),
    ({'val_images': np.zeros((8, 4, 4), np.uint8)}, '4x4 pixels; expected at least 8x8'),
    ({'val_labels': np.zeros((7, 1), np.uint8)}, r'val_labels are uint8 numbers of \[7, 1\]'),
    ({'val_labels': np.zeros((8, 1))}, 'val_labels are float64 numbers'),
    ({'val_labels': np.full((8, 1), -1)}, 'val_labels are from -1 to -1; expected 0 to 999'),
    ({'val_labels': np.full((8, 2), 3)}, 'val_labels are from 3 to 3; expected 0 to 1'),
    ({'val_labels': np.zeros((8, 3), np.uint8)}, r'labels of the splits have \[1, 3\] columns'),
    ({'val_labels': np.array([None] * 8)}, 'val_labels'),
  ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(tmp_path, changed, message):
  arrays = {name: a for name, a in (_arrays() | changed).items() if a is not None}
  with pytest.raises(UserError, match=f'set.npz: {message}|set.npz.*{message}') as caught:
    _load(tmp_path / 'set.npz', arrays)
  assert '\n' not in str(caught.value)


def test_damaged_files_are_refused_in_one_line(tmp_path):
  buffer = io.BytesIO()
  np.savez_compressed(buffer, **_arrays())
  whole = buffer.getvalue()
  flipped = bytearray(whole)
  flipped[2000:2040] = bytes(40)
  for content in (b'', b'PK\x03\x04', whole[:-200], bytes(flipped)):
    (tmp_path / 'set.npz').write_bytes(content)
    config = images.Config(source=str(tmp_path / 'set.npz'), image_size=28, channels=1)
    with pytest.raises(UserError, match=r'set.npz: .*cannot be read') as caught:
      loader.load(config, simulator=None, classes=('no', 'yes'))
    assert len(str(caught.value).splitlines()) < 13


def test_a_share_of_them_may_leave_out_a_copy(tmp_path):
  """Two images that are the same, of which one is not trained on, are in no two splits."""
  arrays = _arrays()
  arrays['train_images'][1:6] = arrays['train_images'][0]
  arrays['train_labels'][1:6] = arrays['train_labels'][0]
  whole = _load(tmp_path / 'a.npz', arrays)
  for draw in range(3):
    part = _load(tmp_path / 'a.npz', arrays, train_share=0.5, train_draw=draw)
    assert len(part.splits['train']) == pytest.approx(len(whole.splits['train']) / 2, abs=2)
    assert part.splits.keys() == whole.splits.keys()


def test_a_damaged_header_is_one_line(tmp_path):
  """Found by tests/fuzz: deflate says zlib.error, which is no OSError."""
  path, refused = tmp_path / 'set.npz', []
  np.savez_compressed(path, **_arrays())
  whole = path.read_bytes()
  start = whole.index(b'train_images.npy') + len(b'train_images.npy')
  for place in range(start, start + 60):
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
    try:
      medmnist.load(path, images.Config(source=str(path), image_size=28, channels=1))
    except UserError as error:
      refused.append(str(error))
  assert len(refused) > 20
  assert all(len(line.splitlines()) == 1 for line in refused)


def test_an_array_that_is_packed_too_well_is_refused_before_it_is_read(tmp_path):
  path = tmp_path / 'set.npz'
  arrays = _arrays()
  arrays['train_images'] = np.zeros((24, 1024, 1024), np.uint8)
  np.savez_compressed(path, **arrays)
  with pytest.raises(UserError, match='train_images is more than 100 times larger than in the'):
    medmnist.load(path, images.Config(source=str(path), image_size=28, channels=1))
