"""Images of several classes at once, as in ChestMNIST, get the task for them."""

import numpy as np
import pytest

from experiments import lung_cnn
from medjax import tasks
from medjax.data import images
from medjax.errors import UserError


def _config(tmp_path, **settings):
  rng = np.random.default_rng(0)
  arrays = {}
  for split, count in (('train', 12), ('val', 6), ('test', 6)):
    arrays[f'{split}_images'] = rng.integers(0, 256, (count, 28, 28), np.uint8)
    arrays[f'{split}_labels'] = rng.integers(0, 2, (count, 14), np.uint8)
  np.savez(tmp_path / 'chestmnist.npz', **arrays)
  source = str(tmp_path / 'chestmnist.npz')
  return lung_cnn.Config(data=images.Config(source=source, image_size=28), **settings)


def test_a_set_of_several_labels_is_a_task_of_as_many_classes(tmp_path):
  experiment = lung_cnn.build(_config(tmp_path))
  assert experiment.task == tasks.Multilabel(14)
  assert experiment.data.classes[-1] == 'hernia'
  assert experiment.model.outputs == 14


def test_weights_of_classes_are_refused_there(tmp_path):
  with pytest.raises(UserError, match=r'config.class_weight: expected 0'):
    lung_cnn.build(_config(tmp_path, class_weight=1.0))
