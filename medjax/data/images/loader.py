"""Labelled images from any source, by one setting: simulated, a folder, or the TFDS catalogue."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable
from typing import Any

from medjax import runtime
from medjax.data import dataset, examples, simulation, source_files
from medjax.data.images import folder, medmnist, prepare, simulated
from medjax.data.images.config import Config
from medjax.data.images.modality import Images
from medjax.data.images.options import Options
from medjax.errors import UserError


def load(
  config: Config, *, simulator: Callable[[int, int, int], Any], classes: tuple[str, ...]
) -> dataset.Dataset:
  """Prepares and opens the images that ``config.source`` names.

  Args:
    config: the source and how to read it.
    simulator: (seed, index, size) -> a dataclass with ``image`` (uint8 [size, size], or
      [size, size, 3]), ``label`` (number of its class), ``mask`` (bool [size, size]) and scalars,
      which become metadata; stands behind 'simulated'.
    classes: names of the simulator's labels.

  Returns:
    The data set, stored under the cache folder once for all splits and folds.

  Raises:
    UserError: one line that names what is wrong with the source.

  Example:
    >>> data = load(Config(), simulator=radiograph.simulate, classes=('no cancer', 'cancer'))
    ... # doctest: +SKIP
  """
  modality = Images(config.image_size, config.image_size, config.channels, Options.of(config))
  read = functools.partial(_read, config, modality, simulator, classes)
  return examples.load(config, lambda details: modality, read)


def _read(
  config: Config,
  modality: Images,
  simulator: Callable[[int, int, int], Any],
  classes: tuple[str, ...],
) -> dataset.Dataset:
  if config.source == 'simulated':
    source = simulated.load(config, simulator, classes)
  elif config.source.startswith('tfds:'):
    from medjax.data.images import catalogue  # here: TFDS takes half a second to load

    source = catalogue.load(config.source.removeprefix('tfds:'), config)
  elif (named := path(config.source)).name.lower().endswith('.npz') and source_files.is_file(named):
    source = medmnist.load(named, config)
  else:
    source = folder.load(named, config)
    source = dataclasses.replace(source, vault=source_files.vault_of(named))
  cache = runtime.cache_folder() / 'data'
  data = prepare.prepare(source, modality, cache, settings=config)
  if config.source != 'simulated':
    return data
  return simulation.with_truth(
    data, lambda index: simulator(config.seed, index, config.image_size).mask
  )


def path(name: str) -> pathlib.Path:
  """The path that a setting names, with '~' resolved; see ``source_files.source``."""
  try:
    return source_files.source(name)
  except RuntimeError:  # '~name' of nobody here
    raise UserError(
      f'config.data.source={name}: no such home folder; expected a folder of images'
    ) from None
