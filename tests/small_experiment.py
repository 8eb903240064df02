"""A small experiment on arrays in memory, for tests of what trains."""

import numpy as np
import optax

from medjax import models, tasks
from medjax.data import dataset
from medjax.data.images import Images
from medjax.experiment import Experiment


class Stored(list):
  """Rows in memory with the interface of ``tfds.data_source``."""

  def __getitems__(self, keys):
    return [self[k] for k in keys]


def make_split(name, count, seed):
  """Noise images, brighter where the label is 1."""
  rng = np.random.default_rng(seed)
  label = np.arange(count, dtype=np.int32) % 2
  images = (
    rng.integers(0, 120, (count, 12, 12, 1), np.uint8)
    + (label * 120).astype(np.uint8)[:, None, None, None]
  )
  names = np.array([f'{name}-{i}' for i in range(count)])
  rows = Stored({'image': image} for image in images)
  return dataset.Split(name, rows, lambda row: row, names, label, names, {'age': ['40'] * count})


def make(optimizer=None, count=50, augment=None, **model):
  """The experiment with another optimiser, augmentation, model or number of training examples."""
  splits = {
    'train': make_split('train', count, 0),
    'val': make_split('val', 21, 1),
    'test': make_split('test', 19, 2),
  }
  return Experiment(
    data=dataset.Dataset(
      'made', splits, ('dark', 'bright'), f'made-{count}', True, Images(12, 12, 1)
    ),
    model=models.CNN(**({'features': (4,), 'hidden': 8} | model)),
    task=tasks.Binary(),
    optimizer=optimizer or optax.adam(1e-2),
    augment=augment,
  )
