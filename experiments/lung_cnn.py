"""Lung cancer on chest X-rays with a small convolutional network.

python -m experiments.lung_cnn
"""

import dataclasses
from typing import Literal

import optax

import medjax
from medjax import models, tasks
from medjax.config import setting
from medjax.data import augment, images
from medjax.data.simulate import radiograph


@dataclasses.dataclass
class Config(medjax.Config):
  """Settings of this experiment."""

  data: images.Config = dataclasses.field(default_factory=images.Config)
  features: tuple[int, ...] = setting((32, 64, 128), 'Channels of each convolution.')
  hidden: int = setting(512, 'Units of the dense layer; 0 leaves it out.', low=0)
  dropout: float = setting(0.0, 'Dropout rate after the dense layer.', low=0.0, high=0.95)
  augment: Literal['none', 'radiograph'] = setting('none', 'Random changes of training images.')


def build(config: Config) -> medjax.Experiment:
  data = images.load(config.data, simulator=radiograph.simulate, classes=('no cancer', 'cancer'))
  task = tasks.classification(data.classes)
  return medjax.Experiment(
    data=data,
    model=models.CNN(
      features=config.features,
      hidden=config.hidden,
      outputs=task.outputs,
      dropout=config.dropout,
    ),
    task=task,
    optimizer=optax.adam(config.learning_rate),
    augment=augment.preset(config.augment),
  )


if __name__ == '__main__':
  medjax.main(Config(), build)
