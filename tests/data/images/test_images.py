"""Which source a setting names, its folds, and images without examples."""

import collections

import numpy as np
import pytest
import reseal

from medjax.data import images
from medjax.data.images import simulated, store
from medjax.data.simulate import radiograph
from medjax.errors import UserError


@pytest.mark.parametrize(
  ('source', 'message'),
  [
    ('~nosuch-user/images', r'config.data.source=~nosuch-user/images: no such home folder'),
    ('nowhere/images', r'config.data.source=nowhere/images: no such folder'),
  ],
)
def test_a_source_that_is_not_there_is_one_line(source, message):
  with pytest.raises(UserError, match=message):
    images.load(images.Config(source=source), simulator=None, classes=('no', 'yes'))


def test_the_key_of_simulated_images_follows_from_their_own_simulator_alone():
  names = {path.name for path in simulated._sources_of(radiograph.simulate)}
  assert names == {'radiograph.py', 'anatomy.py', 'findings.py', 'projection.py', 'skeleton.py'}


CLASSES = ('no cancer', 'cancer')
SMALL = {
  'image_size': 32, 'channels': 1,
  'simulated_train': 30, 'simulated_val': 6, 'simulated_test': 6,
}  # fmt: skip


def _simulated(**settings):
  config = images.Config(**(SMALL | settings))
  return images.load(config, simulator=radiograph.simulate, classes=CLASSES)


def _no_more(monkeypatch):
  """From here on nothing may be decoded and stored."""

  def fail(*_):
    raise AssertionError('stored again')

  monkeypatch.setattr(store, '_store', fail)


def test_folds_of_simulated_images_test_each_once_and_store_them_once(monkeypatch):
  whole = _simulated()
  _no_more(monkeypatch)
  label_of = {
    name: label
    for split in whole.splits.values()
    for name, label in zip(split.id.tolist(), split.label.tolist(), strict=True)
  }
  ill = sum(label_of.values())
  tested, fingerprints = collections.Counter(), {whole.fingerprint}
  for fold in range(3):
    data = _simulated(folds=3, fold=fold)
    assert data.notes == (f'fold {fold} of 3 tests', 'positive class: cancer')
    assert set(data.splits) == {'train', 'val', 'test'}
    assert sum(len(split) for split in data.splits.values()) == 42
    test = data.splits['test']
    assert len(test) == 14
    assert abs(test.label.sum() - ill / 3) < 1  # strata by class
    for split in data.splits.values():
      assert split.label.tolist() == [label_of[name] for name in split.id]
    case = radiograph.simulate(0, int(test.metadata['index'][3]), 32)
    np.testing.assert_array_equal(test.read([3])['image'][0, ..., 0], case.image)
    np.testing.assert_array_equal(data.truth('test', 3), case.mask)
    tested.update(test.id.tolist())
    fingerprints.add(data.fingerprint)
  assert tested == dict.fromkeys(label_of, 1)
  assert len(fingerprints) == 4


def test_folds_of_a_folder_keep_patients_together_and_store_images_once(
  tmp_path, make_images, monkeypatch
):
  names = make_images(tmp_path, 48)
  rows = [f'{name},{name.split("/")[0]},p{i // 4},train' for i, name in enumerate(names)]
  (tmp_path / 'labels.csv').write_text('\n'.join(['file,label,patient,split', *rows]))
  patient_of = {name: f'p{i // 4}' for i, name in enumerate(names)}
  tested = collections.Counter()
  for fold in range(3):
    config = images.Config(source=str(tmp_path), image_size=8, channels=1, folds=3, fold=fold)
    data = images.load(config, simulator=radiograph.simulate, classes=CLASSES)
    _no_more(monkeypatch)
    assert data.summary()['groups_in_two_splits'] == 0
    for split in data.splits.values():
      assert split.group.tolist() == [patient_of[name] for name in split.id]
    assert any('the splits that were given are not used' in note for note in data.notes)
    tested.update(data.splits['test'].id.tolist())
  assert tested == dict.fromkeys(names, 1)


def test_images_without_examples_open_files_as_the_run_did(tmp_path, make_images):
  data = _simulated()
  stored = reseal.described(tmp_path, data)
  later = _simulated(source='nowhere', stored=stored)
  assert later.splits == {}
  assert (later.classes, later.input_shape) == (CLASSES, (32, 32, 1))
  assert later.examples('train') == 30
  make_images(tmp_path / 'new', 1)
  (case,) = later.modality.open([str(tmp_path / 'new')])
  assert case.load()['image'].shape == (32, 32, 1)
