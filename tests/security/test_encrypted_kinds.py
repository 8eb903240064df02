"""Every kind of data is the same set, read in clear or encrypted."""

import csv

import numpy as np
import pytest

from experiments import (
  chest_xray,
  drug_activity,
  ecg_rnn,
  genome_regulation,
  gi_polyps,
  medmnist,
  tabular_mlp,
)
from medjax.data import source_files
from medjax.security import making


def _changed(module, **settings):
  config = module.Config() if hasattr(module, 'Config') else module.config()
  for name, value in settings.items():
    setattr(config.data, name, value)
  return module.build(config).data


@pytest.fixture
def same(owner, tmp_path):
  """Sees that a source gives one data set, in clear and encrypted."""

  def check(module, path, name='source', **settings):
    making.encrypt(path, tmp_path / 'set.vault', owner)
    clear = _changed(module, **settings, **{name: str(path)})
    hidden = _changed(module, **settings, **{name: str(tmp_path / 'set.vault')})
    assert source_files._open  # it was not read in another way
    assert {s: len(split) for s, split in hidden.splits.items()} == {
      s: len(split) for s, split in clear.splits.items()
    }
    for split, of_clear in clear.splits.items():
      rows = range(min(len(of_clear), 12))
      for one, other in zip(
        of_clear.read(rows).items(), hidden.splits[split].read(rows).items(), strict=True
      ):
        assert one[0] == other[0]
        np.testing.assert_array_equal(one[1], other[1])
    return clear, hidden

  return check


@pytest.fixture
def images(make_images, tmp_path):
  folder = tmp_path / 'images'
  names = make_images(folder, 40)
  return folder, names


def test_images_in_folders_of_classes(same, images):
  clear, hidden = same(chest_xray, images[0], image_size=24)
  assert clear.fingerprint == hidden.fingerprint


def test_images_with_a_table(same, images):
  folder, names = images
  with open(folder / 'labels.csv', 'w', newline='') as file:
    rows = [[name, name.split('/')[0], f'p{i // 2}', i % 70] for i, name in enumerate(names)]
    csv.writer(file).writerows([['file', 'label', 'patient', 'age'], *rows])
  clear, hidden = same(chest_xray, folder, image_size=24)
  assert clear.fingerprint == hidden.fingerprint
  assert clear.splits['test'].metadata == hidden.splits['test'].metadata


def test_masks(same, shared_data):
  folder = shared_data('gi_polyps')
  if not (folder / 'labels.csv').exists():
    pytest.skip('no table of masks beside this checkout')
  same(gi_polyps, folder, image_size=24)


def test_medmnist(same, tmp_path):
  random = np.random.default_rng(0)
  arrays = {}
  for split, count in (('train', 20), ('val', 8), ('test', 8)):
    arrays[f'{split}_images'] = random.integers(0, 255, (count, 28, 28), np.uint8)
    arrays[f'{split}_labels'] = (np.arange(count) % 2)[:, None]
  np.savez(tmp_path / 'pneumoniamnist.npz', **arrays)
  same(medmnist, tmp_path / 'pneumoniamnist.npz', image_size=28)


def test_a_table(same, shared_data):
  clear, hidden = same(
    tabular_mlp, shared_data('tabular_heart') / 'heart.csv', label_column='target'
  )
  assert (clear.name, clear.fingerprint) == (hidden.name, hidden.fingerprint)


def test_a_table_in_a_folder_of_several(owner, shared_data, tmp_path):
  path = shared_data('tabular_heart') / 'heart.csv'
  making.encrypt(path.parent, tmp_path / 'set.vault', owner)
  hidden = _changed(
    tabular_mlp, source=str(tmp_path / 'set.vault' / 'heart.csv'), label_column='target'
  )
  assert (
    hidden.fingerprint == _changed(tabular_mlp, source=str(path), label_column='target').fingerprint
  )


def test_beats_of_records(same, shared_data, tmp_path):
  pytest.importorskip('wfdb')
  for path in shared_data('series_ecg').glob('100.*'):
    (tmp_path / 'ecg').mkdir(exist_ok=True)
    (tmp_path / 'ecg' / path.name).write_bytes(path.read_bytes())
  same(ecg_rnn, tmp_path / 'ecg', patients='ignore')


def test_beats_of_a_table(same, shared_data):
  same(ecg_rnn, shared_data('series_ecg') / 'ecg5000_train.txt.gz')


def test_molecules(same, shared_data):
  pytest.importorskip('rdkit')
  same(drug_activity, shared_data('drug_moleculenet') / 'bace.csv', label_column='Class')


def test_sequences_of_two_files(owner, shared_data, tmp_path):
  folder = tmp_path / 'clear'
  folder.mkdir()
  for name in ('ecoli_prom', 'ecoli_non_prom'):
    path = shared_data('genome_promoters') / f'{name}.fa.gz'
    (folder / path.name).write_bytes(path.read_bytes())
  making.encrypt(folder, tmp_path / 'set.vault', owner)

  def load(where):
    names = ','.join(str(where / f'{name}.fa.gz') for name in ('ecoli_non_prom', 'ecoli_prom'))
    return _changed(genome_regulation, source=names)

  clear, hidden = load(folder), load(tmp_path / 'set.vault')
  assert clear.fingerprint == hidden.fingerprint
