"""Sets of the TFDS catalogue: here one that is prepared in a local folder, as a user's cache is."""

import io

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from medjax.data import catalogue, prepare
from medjax.errors import UserError


class TinyFilms(tfds.core.GeneratorBasedBuilder):
  """Grey images of different sizes in three classes, with the split names of the catalogue."""

  VERSION = tfds.core.Version('1.0.0')

  def _info(self):
    features = {
      'image': tfds.features.Image(shape=(None, None, 1)),
      'label': tfds.features.ClassLabel(names=['a', 'b', 'c']),
    }
    return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

  def _split_generators(self, dl_manager):
    return {'train': self._generate_examples(24), 'test': self._generate_examples(9)}

  def _generate_examples(self, count):
    for i in range(count):
      buffer = io.BytesIO()
      Image.fromarray(np.full((20 + i, 30), 40 * (i % 3), np.uint8)).save(buffer, 'PNG')
      buffer.seek(0)
      yield i, {'image': buffer, 'label': i % 3}


def test_a_prepared_set_is_read_and_completed(tmp_path, monkeypatch):
  monkeypatch.setenv('TFDS_DATA_DIR', str(tmp_path))
  source = catalogue.load('tiny_films', seed=0, data_dir=tmp_path)
  assert source.classes == ('a', 'b', 'c')
  splits = [record.split for record in source.records]
  assert splits.count('test') == 9
  assert splits.count('train') + splits.count('val') == 24
  assert splits.count('val') >= 3
  data = prepare.prepare(source, 16, 3, tmp_path / 'cache')
  test = data.splits['test']
  np.testing.assert_array_equal(test.read([0])['image'][0], 40 * test.label[0])


def test_unknown_names_are_one_line(tmp_path):
  with pytest.raises(UserError, match=r'config.data.source=tfds:no_such_films: ') as caught:
    catalogue.load('no_such_films', seed=0, data_dir=tmp_path)
  assert '\n' not in str(caught.value)
