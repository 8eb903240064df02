"""What the network sees: training images before and after augmentation, as one picture."""

import pathlib

import jax
import numpy as np

from medjax.data import augment, feed
from medjax.experiment import Experiment
from medjax.report.contact_sheet import contact_sheet

_COUNT = 12


def write(experiment: Experiment, seed: int, path: pathlib.Path) -> None:
  """Writes the first training images of the first epoch, each beside what its step sees.

  Args:
    experiment: data and augmentation.
    seed: of the run: the picture shows the very images of the run's first step.
    path: PNG file to write.

  Raises:
    OSError: it cannot be written.
  """
  split = experiment.data.splits['train']
  index = feed.order(seed, 0, len(split))[:_COUNT]
  batch = split.read(index)
  inputs = experiment.data.inputs(batch)
  if experiment.augment is not None:
    key = jax.random.fold_in(jax.random.key(seed), 0)
    inputs = augment.augment_batch(experiment.augment, key, inputs, jax.numpy.asarray(index))
  seen = np.asarray(jax.numpy.round(inputs.clip(0, 1) * 255), np.uint8)
  captions = [
    f'{split.id[i].rsplit("/", 1)[-1]}: {experiment.data.classes[split.label[i]]}' for i in index
  ]
  path.parent.mkdir(parents=True, exist_ok=True)
  contact_sheet(batch['image'], seen, path, captions)
