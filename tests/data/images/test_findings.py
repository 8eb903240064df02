"""Several findings of one image: joined in a cell, as NIH has them, or in columns, as CheXpert."""

import numpy as np
import pytest
from PIL import Image

from medjax.data import images
from medjax.data.simulate import radiograph
from medjax.errors import UserError


def _load(folder, lines, **settings):
  folder.mkdir(exist_ok=True)
  for number in range(1, len(lines)):
    pixels = np.random.default_rng(number).integers(0, 255, (12, 12), np.uint8)
    Image.fromarray(pixels).save(folder / f'{number}.png')
  (folder / 'labels.csv').write_text('\n'.join(lines) + '\n')
  config = images.Config(source=str(folder), image_size=12, labels='several', **settings)
  return images.load(config, simulator=radiograph.simulate, classes=('a', 'b'))


def _labels(data):
  """The row of labels of each file."""
  return {
    name: [None if np.isnan(v) else int(v) for v in row]
    for split in data.splits.values()
    for name, row in zip(split.id.tolist(), split.label, strict=True)
  }


NIH = [
  'file,label,split',
  '1.png,Effusion|Mass,train',
  '2.png,No Finding,train',
  '3.png,Mass,val',
  '4.png, Effusion ; Hernia ,test',
]
CHEXPERT = [
  'file,Edema,Pleural Effusion,split',
  '1.png,1.0,0.0,train',
  '2.png,-1.0,1.0,train',
  '3.png,,1,val',
  '4.png,0,-1,test',
  '5.png,,-1.0,test',
]


def test_names_in_one_cell(tmp_path):
  data = _load(tmp_path / 'nih', NIH)
  assert data.classes == ('Effusion', 'Hernia', 'Mass')
  assert _labels(data) == {
    '1.png': [1, 0, 1],
    '2.png': [0, 0, 0],
    '3.png': [0, 0, 1],
    '4.png': [1, 1, 0],
  }
  assert any('No Finding (1 rows) is no finding' in note for note in data.notes)


def test_a_column_a_finding_with_what_is_not_known(tmp_path):
  names = ('Edema', 'Pleural Effusion')
  data = _load(tmp_path / 'chexpert', CHEXPERT, findings=names)
  assert data.classes == names
  assert _labels(data) == {
    '1.png': [1, 0],
    '2.png': [None, 1],
    '3.png': [None, 1],
    '4.png': [0, None],
  }
  notes = '\n'.join(data.notes)
  assert '3 findings are uncertain (-1)' in notes
  assert '2 findings are empty cells, taken for not known' in notes
  assert '1 rows of which nothing is known are left out' in notes
  assert 'Edema' not in data.splits['train'].metadata  # the answer is no column of the patient
  absent = _load(tmp_path / 'chexpert', CHEXPERT, findings=names, blank_finding='absent')
  assert _labels(absent)['3.png'] == [0, 1]
  assert _labels(absent)['5.png'] == [0, None]
  assert absent.fingerprint != data.fingerprint


@pytest.mark.parametrize(
  ('lines', 'settings', 'said'),
  [
    (CHEXPERT, {'findings': ('Edema', 'Mass')}, r'labels\.csv: .*Mass'),
    (CHEXPERT, {'findings': ('Edema', 'edema')}, r'Edema stands there twice'),
    (
      [*CHEXPERT[:2], '2.png,maybe,1,val', '3.png,1,1,test'],
      {'findings': ('Edema', 'Pleural Effusion')},
      r'row 3: Edema is maybe; expected 1 \(present\), 0 \(absent\), -1 or nothing',
    ),
    (
      ['file,A,B', '1.png,-1,', '2.png,,'],
      {'findings': ('A', 'B')},
      'nothing is known of any row in',
    ),
    (['file,label', '1.png,Mass', '2.png,Mass'], {}, r'1 findings \(Mass\); expected two or more'),
  ],
)
def test_mistakes_in_one_line(tmp_path, lines, settings, said):
  with pytest.raises(UserError, match=said):
    _load(tmp_path / 'wrong', lines, **settings)


def test_several_need_a_table_and_columns_need_several(tmp_path, make_images):
  make_images(tmp_path / 'folders', 6, 12)
  config = images.Config(source=str(tmp_path / 'folders'), image_size=12, labels='several')
  with pytest.raises(UserError, match=r'labels=several: .*labels\.csv is missing'):
    images.load(config, simulator=radiograph.simulate, classes=('a', 'b'))
  with pytest.raises(UserError, match=r'findings: expected config\.data\.labels=several too'):
    images.Config(findings=('a', 'b')).validate()
