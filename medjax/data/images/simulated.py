"""Images that a simulator makes."""

import functools
import hashlib
import inspect
import json
import pathlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from medjax.data import simulation
from medjax.data.images.config import ImageSettings
from medjax.data.images.source import Record, Source
from medjax.errors import UserError


def load(
  config: ImageSettings,
  simulator: Callable[[int, int, int], Any],
  classes: tuple[str, ...],
  *,
  masks: bool = False,
) -> Source:
  """Images that a simulator makes when they are read.

  Args:
    config: how many of which size. With folds the three numbers are one set, whose records have no
      split: labels are known when the images are stored.
    simulator: see ``images.load``.
    classes: names of its labels.
    masks: whether the label of an image is its mask.

  Raises:
    UserError: it cannot make images of this size.
  """
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
    given = '' if config.folds else where
    for index in range(first, first + count):
      read = functools.partial(_read, simulator, config.seed, index, classes, masks)
      records.append(Record(f'simulated-{index:06d}', given, f'{index:06d}', read))
    # Room to grow one split without moving the others.
    first += max(count, 1_000_000)
  # Another version of the simulator makes other images, so its source is part of the key.
  code = b''.join(path.read_bytes() for path in _sources_of(simulator))
  identity = json.dumps([simulator.__module__, config.seed, sizes]).encode() + code
  return Source(
    simulation.name(simulator),
    records,
    classes,
    hashlib.blake2b(identity, digest_size=16).hexdigest(),
    simulated=True,
    masks=masks,
    apart=True,
  )


def _sources_of(simulator: Callable[..., Any]) -> list[pathlib.Path]:
  """The file of a simulator and those beside it that it imports, however far."""
  package = simulator.__module__.rpartition('.')[0]
  waiting, modules = [simulator.__module__], set()
  while waiting:
    name = waiting.pop()
    if name not in modules and name in sys.modules:
      modules.add(name)
      values = vars(sys.modules[name]).values()
      names = (v.__name__ if inspect.ismodule(v) else getattr(v, '__module__', '') for v in values)
      waiting += [other for other in names if package and f'{other}'.startswith(f'{package}.')]
  files = (sys.modules[name].__file__ for name in sorted(modules))
  return [pathlib.Path(file) for file in files if file]


def _read(
  simulator: Callable[[int, int, int], Any],
  seed: int,
  index: int,
  classes: tuple[str, ...],
  masks: bool,
  size: int,
  channels: int,
) -> tuple[np.ndarray, str | np.ndarray, dict[str, str]]:
  case = simulator(seed, index, size)
  pixels = case.image if case.image.ndim == 3 else case.image[..., None]
  if pixels.shape[2] != channels:
    mean = pixels.mean(axis=2, keepdims=True)
    pixels = np.repeat(np.round(mean).astype(np.uint8), channels, axis=2)
  label = case.mask.astype(np.uint8) if masks else classes[case.label]
  return pixels, label, {'index': str(index), **simulation.scalars(case)}
