"""Images with masks: a folder with a table that names them, or simulated ones."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable
from typing import Any

from medjax import runtime
from medjax.data import dataset, examples, simulation, source_files
from medjax.data.images import folder, loader, prepare, simulated
from medjax.data.images.config import BACKGROUND, MaskConfig
from medjax.data.images.modality import Images
from medjax.data.images.options import Options


def load_masks(
  config: MaskConfig, *, simulator: Callable[[int, int, int], Any], structures: tuple[str, ...]
) -> dataset.Dataset:
  """Prepares and opens the images with masks that ``config.source`` names.

  Labels are uint8 [H, W]: 0 for background, k for the k-th structure; the data set's classes are
  'background' and the structures.

  Args:
    config: the source and how to read it.
    simulator: see ``images.load``; masks may be of numbers.
    structures: what masks show, unless ``config.structures`` says it.

  Raises:
    UserError: one line that names what is wrong with the source.

  Example:
    >>> data = load_masks(                                         # doctest: +SKIP
    ...     MaskConfig(), simulator=endoscopy.simulate, structures=('polyp',))
  """
  modality = Images(config.image_size, config.image_size, config.channels, Options.of(config))
  names = tuple(config.structures) or structures
  read = functools.partial(_read, config, modality, simulator, names)
  return examples.load(config, lambda details: modality, read)


def _read(
  config: MaskConfig,
  modality: Images,
  simulator: Callable[[int, int, int], Any],
  structures: tuple[str, ...],
) -> dataset.Dataset:
  cache: pathlib.Path = runtime.cache_folder() / 'data'
  if config.source != 'simulated':
    path = loader.path(config.source)
    source = folder.load(path, config, structures)
    source = dataclasses.replace(source, vault=source_files.vault_of(path))
    return prepare.prepare(source, modality, cache, settings=config)
  source = simulated.load(config, simulator, (BACKGROUND, *structures), masks=True)
  data = prepare.prepare(source, modality, cache, settings=config)
  return simulation.with_truth(
    data, lambda index: simulator(config.seed, index, config.image_size).mask > 0
  )
