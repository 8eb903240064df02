"""Experiments that tell images apart: what they have in common, made of one config.

A new one is its docstring, the defaults that differ, and two lines: load the data, and
``experiment``.
"""

import dataclasses
from typing import Any, Literal

import flax.linen as nn

from medjax import config as config_lib
from medjax import models, optimizers, tasks, transfer
from medjax.config import setting
from medjax.data import augment, images
from medjax.data.dataset import Dataset
from medjax.errors import UserError
from medjax.experiment import Experiment


@dataclasses.dataclass
class Config(config_lib.ExplanationSettings, config_lib.ClassSettings, config_lib.Config):
  """Settings of experiments that tell images apart."""

  data: images.Config = dataclasses.field(default_factory=images.Config)
  model: transfer.WeightSettings = dataclasses.field(default_factory=transfer.WeightSettings)
  optimizer: optimizers.Settings = dataclasses.field(default_factory=optimizers.Settings)
  network: Literal['cnn', models.ImageNetwork] = setting(
    'cnn', 'The small network, to which the next three settings belong, or one by name.'
  )
  norm: models.Norm = setting(
    'batch', 'Normalise over the batch, or over groups of channels of each image.'
  )
  features: tuple[int, ...] = setting((32, 64, 128), 'Channels of each convolution.', low=1)
  hidden: int = setting(512, 'Units of the dense layer; 0 leaves it out.', low=0)
  dropout: float = setting(0.0, 'Dropout rate after the dense layer.', low=0.0, high=0.95)
  class_weight: float = setting(
    0.0, 'From 0, where examples weigh the same, to 1, where classes do.', low=0.0, high=1.0
  )
  balance: float = setting(
    0.0,
    'From 0, where each example is seen once an epoch, to 1, where classes are seen as often.',
    low=0.0,
    high=1.0,
  )
  smoothing: float = setting(
    0.0, 'Share of a label that is given to all classes alike.', low=0.0, high=0.9
  )
  augment: Literal['none', 'radiograph', 'histology', 'endoscopy'] = setting(
    'none', 'Random changes of training images.'
  )
  mix: Literal['none', 'mixup', 'cutmix'] = setting(
    'none', 'Mixtures of two training images: of all pixels, or a part of one in the other.'
  )
  average: float = setting(
    0.0,
    'Decay of the moving average of the weights that is evaluated; 0 for the weights themselves.',
    low=0.0,
    high=0.99999,
  )
  views: Literal['none', 'flip', 'symmetries'] = setting(
    'none', 'Outputs are averaged over the image and its mirror image, or all eight symmetries.'
  )


_MIXES = {'none': None, 'mixup': augment.Mixup(), 'cutmix': augment.CutMix()}


def experiment(config: Config, data: Dataset) -> Experiment:
  """The experiment that a config describes.

  Args:
    config: its settings.
    data: images of one class each, or of several each.

  Raises:
    UserError: settings contradict each other or the data.

  Example:
    >>> data = images.load(config.data, simulator=histology.simulate,      # doctest: +SKIP
    ...                    classes=histology.CLASSES)
    >>> imaging.experiment(config, data)
  """
  if config.data.labels == 'none':
    raise UserError(
      'config.data.labels=none: expected classes or several; images without labels are for '
      'experiments.pretrain'
    )
  several = data.example['label'].ndim > 0
  weights = tasks.class_weights(data.labels('train'), len(data.classes), config.class_weight)
  task = tasks.classification(data.classes, weights, several=several, smoothing=config.smoothing)
  network: Any = _network(config, task.outputs)
  return Experiment(
    data=data,
    model=transfer.prepared(config.model, network),
    task=task,
    optimizer=config.optimizer.adam(
      config, data.examples('train'), rates=transfer.rates(config.model, network)
    ),
    augment=augment.preset(config.augment, config.data.channels),
    mix=_MIXES[config.mix],
    balance=config.balance,
    average=config.average,
    views=augment.views(config.views),
    start=transfer.source(config.model, network),
  )


def _network(config: Config, outputs: int) -> nn.Module:
  if config.network != 'cnn':
    small = config.data.image_size <= 64 and not config.model.weights
    try:
      return models.image_network(
        config.network, outputs=outputs, small_images=small, norm=config.norm
      )
    except ValueError as error:
      raise UserError(f'config.norm={config.norm}: {error}') from None
  if config.norm != 'batch':
    raise UserError(f'config.norm={config.norm}: the cnn normalises nothing; expected batch')
  return models.CNN(
    features=config.features, hidden=config.hidden, outputs=outputs, dropout=config.dropout
  )
