"""Labelled images from any source, by one setting: simulated, a folder, or the TFDS catalogue."""

import dataclasses
import hashlib
import inspect
import json
import os
import pathlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from medjax import runtime
from medjax.config import setting
from medjax.data import dataset
from medjax.data.images import catalogue, folder, prepare
from medjax.data.images.modality import Images
from medjax.errors import UserError


@dataclasses.dataclass
class Config(dataset.Source):
  """Which images, at what size, and which columns say what."""

  source: str = setting('simulated', "'simulated', a folder of images, or tfds:NAME.")
  image_size: int = setting(
    224, 'Height and width in pixels that the network sees.', low=8, high=4096
  )
  channels: int = setting(3, 'Colour channels that the network sees, 1 or 3.', low=1, high=3)
  file_column: str = setting('file', 'Column of labels.csv with the path of the image.')
  label_column: str = setting('label', 'Column of labels.csv with the class.')
  group_column: str = setting(
    'patient', 'Column with the patient, if there is one; empty for none.'
  )
  split_column: str = setting(
    'split', 'Column with train, val or test, if there is one; empty to draw splits.'
  )
  positive: str = setting('', 'The positive one of two classes; empty tells it from the names.')
  allow_group_overlap: bool = setting(False, 'Accept a patient in two splits.')
  seed: int = setting(0, 'Seed of the simulator and of splits drawn here.', low=0, high=2**31 - 1)
  simulated_train: int = setting(544, 'Simulated training images.', low=2)
  simulated_val: int = setting(128, 'Simulated validation images.', low=2)
  simulated_test: int = setting(400, 'Simulated test images.', low=2)

  def validate(self) -> None:
    """Raises UserError for an unusable combination."""
    if self.channels == 2:
      raise UserError('config.data.channels=2: expected 1 (grey) or 3 (RGB)')
    if not self.source:
      raise UserError("config.data.source=: expected 'simulated', a folder or tfds:NAME")
    if ':' not in self.source:  # 'a', 'a/' and './a' are one source and so one run folder
      self.source = os.path.normpath(self.source)


def load(
  config: Config, *, simulator: Callable[[int, int, int], Any], classes: tuple[str, str]
) -> dataset.Dataset:
  """Prepares and opens the images that ``config.source`` names.

  Args:
    config: the source and how to read it.
    simulator: (seed, index, size) -> a dataclass with ``image`` (uint8 [size, size]), ``label`` (0
      or 1), ``mask`` (bool) and scalars, which become metadata; stands behind 'simulated'.
    classes: names of the simulator's labels.

  Returns:
    The data set, stored under the cache folder.

  Raises:
    UserError: one line that names what is wrong with the source.

  Example:
    >>> data = load(Config(), simulator=radiograph.simulate, classes=('no cancer', 'cancer'))
    ... # doctest: +SKIP
  """
  modality = Images(config.image_size, config.image_size, config.channels)
  if config.stored is not None:
    return dataset.without_examples(config.stored, modality)
  if config.source == 'simulated':
    source = _simulated(config, simulator, classes)
  elif config.source.startswith('tfds:'):
    source = catalogue.load(config.source.removeprefix('tfds:'), seed=config.seed)
  else:
    try:
      path = pathlib.Path(config.source).expanduser()
    except RuntimeError:  # '~name' of nobody here
      raise UserError(
        f'config.data.source={config.source}: no such home folder; expected a folder of images'
      ) from None
    source = folder.load(
      path,
      file_column=config.file_column,
      label_column=config.label_column,
      group_column=config.group_column,
      split_column=config.split_column,
      positive=config.positive,
      seed=config.seed,
      allow_group_overlap=config.allow_group_overlap,
    )
  cache = runtime.cache_folder() / 'data'
  data = prepare.prepare(source, modality, cache)
  if config.source != 'simulated':
    return data

  def truth(split: str, row: int) -> np.ndarray:
    index = int(data.splits[split].metadata['index'][row])
    return simulator(config.seed, index, config.image_size).mask

  return dataclasses.replace(data, truth=truth)


def _simulated(
  config: Config, simulator: Callable[[int, int, int], Any], classes: tuple[str, str]
) -> prepare.Source:
  try:  # before a thousand images are asked for
    simulator(config.seed, 0, config.image_size)
  except ValueError as error:
    raise UserError(f'config.data.image_size={config.image_size}: {error}') from None
  sizes = {
    'train': config.simulated_train,
    'val': config.simulated_val,
    'test': config.simulated_test,
  }
  records, first = [], 0
  for where, count in sizes.items():
    for index in range(first, first + count):
      read = _simulated_reader(simulator, config.seed, index, classes)
      records.append(prepare.Record(f'simulated-{index:06d}', where, f'{index:06d}', read))
    # Room to grow one split without moving the others.
    first += max(count, 1_000_000)
  # Another version of the simulator makes other images, so its source is part of the key.
  code = b''.join(path.read_bytes() for path in _sources_of(simulator))
  identity = json.dumps([simulator.__module__, config.seed, sizes]).encode() + code
  return prepare.Source(
    f'simulated ({simulator.__module__.rsplit(".", 1)[-1]})',
    records,
    classes,
    hashlib.blake2b(identity, digest_size=16).hexdigest(),
    simulated=True,
  )


def _sources_of(simulator: Callable[..., Any]) -> list[pathlib.Path]:
  """The file of a simulator and those beside it that it imports, however far."""
  package = simulator.__module__.rpartition('.')[0]
  waiting, found = [simulator.__module__], set()
  while waiting:
    name = waiting.pop()
    if name not in found and name in sys.modules:
      found.add(name)
      values = vars(sys.modules[name]).values()
      names = (v.__name__ if inspect.ismodule(v) else getattr(v, '__module__', '') for v in values)
      waiting += [other for other in names if package and f'{other}'.startswith(f'{package}.')]
  files = (sys.modules[name].__file__ for name in sorted(found))
  return [pathlib.Path(file) for file in files if file]


def _simulated_reader(
  simulator: Callable[[int, int, int], Any], seed: int, index: int, classes: tuple[str, str]
) -> Callable[[int, int], tuple[np.ndarray, str, dict[str, str]]]:
  def read(size: int, channels: int) -> tuple[np.ndarray, str, dict[str, str]]:
    case = simulator(seed, index, size)
    metadata = {
      field.name: str(value)
      for field in dataclasses.fields(case)
      for value in [getattr(case, field.name)]
      if field.name != 'label' and not isinstance(value, np.ndarray)
    }
    pixels = np.repeat(case.image[..., None], channels, axis=2)
    return pixels, classes[case.label], {'index': str(index), **metadata}

  return read
