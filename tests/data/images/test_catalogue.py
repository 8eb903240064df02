"""Sets of the TFDS catalogue: here one that is prepared in a local folder, as a user's cache is."""

import io
import socket
import time
import types
import urllib.error
import urllib.request

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from medjax.data import images
from medjax.data.images import catalogue, prepare
from medjax.errors import UserError


class TinyImages(tfds.core.GeneratorBasedBuilder):
  """Grey images of different sizes in three classes, with the split names of the catalogue."""

  VERSION = tfds.core.Version('1.0.0')

  def _info(self):
    features = {
      'image': tfds.features.Image(shape=(None, None, 1)),
      'label': tfds.features.ClassLabel(names=['a', 'b', 'c']),
    }
    return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

  SIZES = types.MappingProxyType({'train': 24, 'test': 9})
  DARK = 0
  HIDDEN = 0  # examples of each split whose label is kept secret

  def _split_generators(self, dl_manager):
    return {name: self._generate_examples(count) for name, count in self.SIZES.items()}

  def _generate_examples(self, count):
    for i in range(count):
      buffer = io.BytesIO()
      Image.fromarray(np.full((20 + i, 30), 40 * (i % 3) + self.DARK, np.uint8)).save(buffer, 'PNG')
      buffer.seek(0)
      yield i, {'image': buffer, 'label': -1 if i < self.HIDDEN else i % 3}


class ExtraImages(TinyImages):
  """With a split that is none of train, val and test."""

  VERSION = tfds.core.Version('1.0.0')
  SIZES = types.MappingProxyType({'train': 24, 'test': 9, 'extra': 6})


class FoldedImages(TinyImages):
  """Without any split whose name is known."""

  VERSION = tfds.core.Version('1.0.0')
  SIZES = types.MappingProxyType({'fold1': 12, 'fold2': 12})


def test_a_prepared_set_is_read_and_completed(tmp_path, monkeypatch):
  monkeypatch.setenv('TFDS_DATA_DIR', str(tmp_path))
  source = catalogue.load('tiny_images', images.Config(), data_dir=tmp_path)
  assert source.classes == ('a', 'b', 'c')
  splits = [record.split for record in source.records]
  assert splits.count('test') == 9
  assert splits.count('train') + splits.count('val') == 24
  assert splits.count('val') >= 3
  data = prepare.prepare(source, images.Images(16, 16, 3), tmp_path / 'cache')
  test = data.splits['test']
  np.testing.assert_array_equal(test.read([0])['image'][0], 40 * test.label[0])


def test_an_unknown_split_is_left_out_and_the_official_test_set_kept(tmp_path):
  source = catalogue.load('extra_images', images.Config(), data_dir=tmp_path)
  assert {r.id for r in source.records if r.split == 'test'} == {f'test/{i}' for i in range(9)}
  assert {r.id.split('/')[0] for r in source.records} == {'train', 'test'}
  left = 'split extra left out, being none of train, val and test: 6 examples'
  assert source.notes[-1] == left


def test_without_known_splits_all_examples_are_split(tmp_path):
  source = catalogue.load('folded_images', images.Config(), data_dir=tmp_path)
  assert len(source.records) == 24
  assert {r.split for r in source.records} == {'train', 'val', 'test'}


def test_examples_without_a_label_are_left_out(tmp_path, monkeypatch):
  monkeypatch.setattr(TinyImages, 'HIDDEN', 2)
  source = catalogue.load('tiny_images', images.Config(), data_dir=tmp_path)
  assert len(source.records) == 24 + 9 - 4
  assert source.notes[-1] == '4 examples without a label left out'


def test_other_pixels_in_a_set_of_the_same_name_change_the_fingerprint(tmp_path, monkeypatch):
  first, again = (
    catalogue.load('tiny_images', images.Config(), data_dir=tmp_path / 'a') for _ in range(2)
  )
  assert first.fingerprint == again.fingerprint
  monkeypatch.setattr(TinyImages, 'DARK', 1)
  other = catalogue.load('tiny_images', images.Config(), data_dir=tmp_path / 'b')
  assert other.fingerprint != first.fingerprint


def test_folds_take_the_place_of_the_splits_of_the_catalogue(tmp_path):
  stored, tested = set(), []
  for fold in range(3):
    source = catalogue.load('tiny_images', images.Config(folds=3, fold=fold), data_dir=tmp_path)
    tested += [record.id for record in source.records if record.split == 'test']
    stored.add(source.content)
    assert 'the splits that were given are not used' in source.notes[1]
  assert sorted(tested) == sorted(
    [f'train/{i}' for i in range(24)] + [f'test/{i}' for i in range(9)]
  )
  assert stored == {catalogue.load('tiny_images', images.Config(), data_dir=tmp_path).content}


def test_unknown_names_are_one_line(tmp_path):
  with pytest.raises(UserError, match=r'config.data.source=tfds:no_such_images: ') as caught:
    catalogue.load('no_such_images', images.Config(), data_dir=tmp_path)
  assert '\n' not in str(caught.value)


def test_the_same_pixels_in_two_splits_are_refused_unless_allowed_and_all_kept(tmp_path):
  config = images.Config(image_size=16, channels=1)
  source = catalogue.load('tiny_images', config, data_dir=tmp_path)
  shape, cache = images.Images(16, 16, 1), tmp_path / 'cache'
  with pytest.raises(UserError, match='3 images are in two splits, the first as train/'):
    prepare.prepare(source, shape, cache, settings=config)
  config.allow_group_overlap = True
  data = prepare.prepare(source, shape, cache, settings=config)
  assert sum(len(part) for part in data.splits.values()) == 24 + 9  # nobody here can mend the set
  assert any(note.startswith('LEAK ALLOWED: 3 images are in two') for note in data.notes)


class FarImages(TinyImages):
  """Which would be fetched."""

  VERSION = tfds.core.Version('1.0.0')
  HOST = 'nowhere.invalid'  # RFC 2606: no name server has it

  @property
  def url_infos(self):
    return {f'https://{self.HOST}/a.zip': None, f'https://{self.HOST}/b.zip': None}

  def download_and_prepare(self, **kwargs):
    raise AssertionError('TFDS would try again for minutes')


def test_without_a_network_it_is_said_at_once(tmp_path):
  start = time.monotonic()
  text = rf'tfds:far_images: is not in {tmp_path}/.* and cannot be fetched, as https://nowhere.in'
  with pytest.raises(UserError, match=text) as caught:
    catalogue.load('far_images', images.Config(), data_dir=tmp_path)
  assert '\n' not in str(caught.value)
  assert time.monotonic() - start < 30


def test_a_host_that_never_answers_is_not_waited_for(tmp_path, monkeypatch):
  with socket.create_server(('127.0.0.1', 0)) as silent:
    host = f'127.0.0.1:{silent.getsockname()[1]}'
    monkeypatch.setattr(FarImages, 'HOST', host)
    monkeypatch.setattr(catalogue, '_PATIENCE', 0.3)
    monkeypatch.setenv('no_proxy', '*')
    with pytest.raises(UserError, match=f'as https://{host} cannot be reached; expected a network'):
      catalogue.load('far_images', images.Config(), data_dir=tmp_path)


def test_a_host_that_answers_is_left_to_tfds(tmp_path, monkeypatch):
  def answer(url, timeout):
    assert url == 'https://nowhere.invalid'
    raise urllib.error.HTTPError(url, 404, 'Not Found', {}, None)

  monkeypatch.setattr(urllib.request, 'urlopen', answer)
  with pytest.raises(UserError, match='TFDS would try again for minutes'):
    catalogue.load('far_images', images.Config(), data_dir=tmp_path)
