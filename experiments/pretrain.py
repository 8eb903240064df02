"""Pretraining on images without labels: which two views are of one image (SimCLR).

Images without a diagnosis are many where those with one are few. The network that comes out is a
start for any experiment on images of the same name of network.

Data: 544 simulated tiles of tissue, whose labels are not looked at; yours with
--config.data.source=FOLDER, in folders of any names, or with labels.csv for patients and splits.
Images of a test split are not trained on.
Result: 0.380 (95% interval 0.334 to 0.428) of 400 test images are nearest to their own enlarged
middle, where chance is 0.0025. Time: 285 s on 2 cores of an AMD EPYC (AVX2), of which 77 s for
drawing the tiles once.

    python -m experiments.pretrain
    python -m experiments.pretrain --config.data.source=FILMS --config.augment=radiograph \
        --workdir=START
    python -m experiments.chest_xray --config.data.source=LABELLED --config.model.weights=START

Whether it helps is to be measured: see experiments/README.md.
"""

import dataclasses
from typing import Literal

import medjax
from medjax import models, optimizers, tasks
from medjax.config import setting
from medjax.data import augment, images
from medjax.data.simulate import histology


@dataclasses.dataclass
class Data(images.Config):
  """Which images; their labels are not looked at."""

  labels: Literal['classes', 'several', 'none'] = setting(
    'none', 'Labels are not read; otherwise they have to be as other experiments want them.'
  )
  image_size: int = setting(
    64, 'Height and width in pixels that the network sees.', low=32, inputs=True
  )


@dataclasses.dataclass
class Config(medjax.Config):
  """Settings of this experiment."""

  data: Data = dataclasses.field(default_factory=Data)
  optimizer: optimizers.Settings = dataclasses.field(
    default_factory=lambda: optimizers.Settings('cosine', warmup_epochs=0.5, weight_decay=0.05)
  )
  network: models.ImageNetwork = setting('resnet18', 'The network that is a start for others.')
  embedding: int = setting(512, 'Numbers that stand for an image.', low=2)
  features: int = setting(128, 'Outputs of the head, in which views are compared.', low=2)
  temperature: float = setting(
    0.2, 'By which likenesses are divided: the smaller, the more the nearest views count.', low=0.01
  )
  augment: Literal['radiograph', 'histology', 'endoscopy'] = setting(
    'histology', 'Random changes, drawn twice, that make two views of an image.'
  )
  batch_size: int = setting(64, 'Images an update, over all devices and hosts.', low=2)
  num_epochs: int = setting(15, 'Passes over the training images.', low=1)


def build(config: Config) -> medjax.Experiment:
  data = images.load(config.data, simulator=histology.simulate, classes=histology.CLASSES)
  task = tasks.Contrast(config.embedding, config.temperature)
  encoder = models.image_network(config.network, outputs=task.outputs)
  return medjax.Experiment(
    data=data,
    model=models.Siamese(encoder, config.features),
    task=task,
    optimizer=config.optimizer.adam(config, data.examples('train')),
    augment=augment.pair(config.augment, config.data.channels),
  )


if __name__ == '__main__':
  medjax.main(Config(), build)
