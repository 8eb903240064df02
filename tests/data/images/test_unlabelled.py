"""Images without labels: folders of any names, or a table that names none."""

import numpy as np
import pytest
from PIL import Image

from medjax.data import images
from medjax.data.simulate import radiograph
from medjax.errors import UserError


def _load(folder, **settings):
  config = images.Config(source=str(folder), labels='none', image_size=16, channels=1, **settings)
  return images.load(config, simulator=radiograph.simulate, classes=('no cancer', 'cancer'))


def _write(path, seed):
  path.parent.mkdir(parents=True, exist_ok=True)
  pixels = np.random.default_rng(seed).integers(0, 255, (16, 16), np.uint8)
  Image.fromarray(pixels).save(path)


def test_images_at_any_depth_are_one_kind_whatever_their_folders_are_called(tmp_path):
  for i in range(20):
    _write(tmp_path / ('', 'ward', 'ward/2019')[i % 3] / f'{i}.png', i)
  (tmp_path / 'list.xlsx').write_bytes(b'PK')
  data = _load(tmp_path)
  assert data.classes == ('image',)
  names = [name for split in data.splits.values() for name in split.id]
  assert len(names) == 20
  assert 'ward/2019/2.png' in names
  assert any('1 files left out, which are no images' in note for note in data.notes)


def test_folders_of_splits_are_kept_and_others_are_none(tmp_path):
  for i in range(12):
    _write(tmp_path / 'a' / ('train', 'val')[i % 4 == 0] / 'x' / f'{i}.png', i)
  assert {n: len(s) for n, s in _load(tmp_path / 'a').splits.items()} == {'train': 9, 'val': 3}
  _write(tmp_path / 'a' / 'unsorted' / 'y.png', 99)
  splits = _load(tmp_path / 'a').splits
  assert sum(map(len, splits.values())) == 13
  assert set(splits) == {'train', 'val', 'test'}


def test_a_table_may_name_patients_and_splits_and_no_label(tmp_path):
  lines = ['file,patient,split']
  for i in range(12):
    _write(tmp_path / f'{i}.png', i)
    lines.append(f'{i}.png,p{i // 2},{"val" if i < 4 else "train"}')
  (tmp_path / 'labels.csv').write_text('\n'.join(lines))
  data = _load(tmp_path)
  assert {name: len(split) for name, split in data.splits.items()} == {'train': 8, 'val': 4}
  assert set(data.splits['val'].group) == {'p0', 'p1'}


def test_no_images_and_findings_without_labels_are_refused(tmp_path):
  (tmp_path / 'readme.txt').write_text('x')
  with pytest.raises(UserError, match=r'expected images in .*; found'):
    _load(tmp_path)
  with pytest.raises(UserError, match=r'config\.data\.findings: expected config\.data\.labels'):
    images.Config(labels='none', findings=('mass', 'effusion')).validate()
