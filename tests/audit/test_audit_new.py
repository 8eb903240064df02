"""New cases beside training cases: copies, blank ones, strangers, and columns that have moved."""

import dataclasses

import numpy as np
import PIL.Image
import pytest
from small_experiment import make

from medjax import sealed
from medjax.audit import cases, run
from medjax.data.dataset import Dataset
from medjax.errors import UserError


@pytest.fixture(scope='module')
def data():
  """Noise images, whose columns say an age of 40 to 49."""
  found = make(count=60).data
  splits = {
    name: dataclasses.replace(
      split, metadata={'age': [f'{40 + i % 12}' for i in range(len(split))]}
    )
    for name, split in found.splits.items()
  }
  return dataclasses.replace(found, splits=splits)


def write(folder, data: Dataset, moved: int):
  """Twelve new images: a copy of a training case, a blank one, and noise."""
  folder.mkdir()
  images = np.random.default_rng(9).integers(0, 200, (12, 12, 12), np.uint8)
  images[0] = data.splits['train'].read([5])['image'][0, ..., 0]
  images[1] = 80
  lines = ['file,age']
  for i, image in enumerate(images):
    PIL.Image.fromarray(image).save(folder / f'{i}.png')
    lines.append(f'{i}.png,{40 + moved + i}')
  (folder / 'torn.png').write_bytes(b'\x89PNG\r\n\x1a\n')
  (folder / 'labels.csv').write_text('\n'.join(lines))
  return folder


def audited(data, folder, out):
  run.audit_new(data, 'made', [str(folder)], out / 'a.json', out / 'a.html')
  about, seal = sealed.read(out / 'a.json')
  assert seal['data'] == data.fingerprint
  return about, {check['name']: check['findings'] for check in about['checks']}


def test_findings_are_about_new_cases(data, tmp_path, capsys):
  folder = write(tmp_path / 'new', data, moved=30)
  about, found = audited(data, folder, tmp_path)
  assert about['cases'] == 12
  torn, blank = found['unreadable and blank cases']
  assert {row['case'] for row in torn['rows']} >= {str(folder / 'torn.png')}
  assert [row['case'] for row in blank['rows']] == [str(folder / '1.png')]
  (copy,) = found['copies']
  assert [(row['case'], row['copy'], row['splits']) for row in copy['rows']] == [
    ('train-5', str(folder / '0.png'), 'train, new')
  ]
  column = found['drift'][-1]
  assert not column['information']
  assert 'most age' in column['line']
  assert (tmp_path / 'a.html').read_text().count('<img') >= 3
  assert f'audit: {tmp_path}/a.html' in capsys.readouterr().out


def test_columns_as_in_training_are_no_drift(data, tmp_path):
  _, found = audited(data, write(tmp_path / 'new', data, moved=0), tmp_path)
  assert found['drift'][-1]['information']


def test_nothing_to_read_is_one_line(data, tmp_path):
  with pytest.raises(UserError, match=r'audit .*none\.png'):
    run.audit_new(data, 'made', [f'{tmp_path}/none.png'], tmp_path / 'a.json', tmp_path / 'a.html')
  (tmp_path / 'empty').mkdir()
  with pytest.raises(UserError, match='no image files there'):
    run.audit_new(data, 'made', [f'{tmp_path}/empty'], tmp_path / 'a.json', tmp_path / 'a.html')


def test_cases_of_several_classes_at_once_have_a_target_each(data):
  def several(split):
    label = np.stack([split.label, 1 - split.label], axis=1).astype(np.float32)
    label[0, 1] = np.nan
    return dataclasses.replace(split, label=label)

  both = dataclasses.replace(data, splits={k: several(v) for k, v in data.splits.items()})
  one, other = cases.of_dataset(both).targets
  assert (one.name, one.classes) == ('dark', ('no dark', 'dark'))
  assert one.label.tolist() == cases.of_dataset(data).targets[0].label.tolist()
  assert other.label[0] == -1
  assert not cases.of_dataset(dataclasses.replace(data, classes=())).targets
