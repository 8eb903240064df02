"""What the network sees: training images before and after augmentation, as one picture."""

import pathlib
from typing import Any

import jax
import numpy as np

from medjax.data import augment, feed
from medjax.experiment import Experiment
from medjax.plots.contact_sheet import contact_sheet

_COUNT = 12


def write(experiment: Experiment, seed: int, path: pathlib.Path) -> None:
  """Writes the first training images of the first epoch, each beside what its step sees.

  Args:
    experiment: data and augmentation.
    seed: of the run: the picture shows the very images of the run's first step.
    path: PNG file to write.

  Raises:
    OSError: it cannot be written.
    UserError: the data are no images.
  """
  split = experiment.data.splits['train']
  index = feed.order(seed, 0, len(split))[:_COUNT]
  batch = split.read(index)
  modality = experiment.data.modality
  inputs = modality.inputs(batch)
  before = modality.pixels(inputs, '--preview')
  moved = batch | {'index': jax.numpy.asarray(index)}
  transform = experiment.augment
  if transform is not None:
    key = jax.random.fold_in(jax.random.key(seed), 0)
    inputs, moved = jax.jit(
      lambda inputs, batch: augment.augment_examples(transform, key, inputs, batch)
    )(inputs, moved)
  after = modality.pixels(inputs, '--preview')
  outcome, classes = experiment.task.outcome, experiment.data.classes
  if outcome.marks:
    before = _marked(experiment, before, batch['label'])
    after = _marked(experiment, after, moved['label'])
  labels = [
    outcome.label_text(jax.tree.map(lambda leaf, i=i: leaf[i], split.label), classes) for i in index
  ]
  names = [split.id[i].rsplit('/', 1)[-1] for i in index]
  captions = [f'{name}: {label}' for name, label in zip(names, labels, strict=True)]
  path.parent.mkdir(parents=True, exist_ok=True)
  contact_sheet(before, after, path, captions)


def _marked(experiment: Experiment, images: np.ndarray, label: Any) -> np.ndarray:
  """The images with their labels drawn on them."""
  mark, labels = experiment.task.outcome.mark, jax.device_get(label)
  return np.stack([mark(image, one) for image, one in zip(images, labels, strict=True)])
