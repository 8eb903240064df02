"""Any image classification set of the TFDS catalogue, without TensorFlow."""

import hashlib
import json
import pathlib
import queue
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from medjax.data import split
from medjax.data.examples import Examples
from medjax.data.images import decode
from medjax.data.images.config import Config
from medjax.data.images.options import Options
from medjax.data.images.source import Record, Source
from medjax.errors import UserError

_PATIENCE = 10.0  # seconds for the first host to answer


def load(name: str, config: Config, *, data_dir: pathlib.Path | None = None) -> Source:
  """A catalogue set as a source; downloaded by TFDS when it is not yet there.

  A set that was prepared in ArrayRecord format before, in ``data_dir`` or ``$TFDS_DATA_DIR``, is
  read from there and needs no network. Of its splits, those are taken whose names are in use for
  train, val and test, and others left out with a note; a set that has none of them is split here.

  Args:
    name: as in the catalogue, such as 'pneumonia_mnist' or 'colorectal_histology/...'.
    config: how the splits are chosen that the set does not come with.
    data_dir: where TFDS keeps data; its default otherwise.

  Returns:
    The source, with train, val and test splits.

  Raises:
    UserError: no such set, not an image classification set, or it cannot be prepared here, as
      without a network.
  """
  where = f'config.data.source=tfds:{name}'
  try:
    builder = tfds.builder(name, data_dir=data_dir, file_format='array_record')
  except Exception as error:  # TFDS raises many kinds for a wrong name
    raise UserError(f'{where}: {_first_line(error)}') from None
  image, label = _keys(builder.info.features, where)
  if not builder.is_prepared():
    _require_answer(builder.url_infos or (), where, builder.data_dir)
  try:
    builder.download_and_prepare()
    sizes = {part: info.num_examples for part, info in builder.info.splits.items()}
    # Without a single name that is known, all examples are split anew.
    parts = [part for part in sizes if split.known(part)] or list(sizes)
    sources = {
      part: builder.as_data_source(split=part, decoders={image: tfds.decode.SkipDecoding()})
      for part in parts
    }
  except Exception as error:  # network, TensorFlow-only generators, file formats
    raise UserError(
      f'{where}: cannot be prepared without TensorFlow: {_first_line(error)}'
    ) from None
  classes = tuple(builder.info.features[label].names)
  rows = [(part, i) for part, source in sources.items() for i in range(len(source))]
  content = hashlib.blake2b(builder.info.full_name.encode(), digest_size=16)
  numbers = []
  for part, i in rows:
    stored = sources[part][i]
    content.update(hashlib.blake2b(stored[image]).digest())
    numbers.append(int(stored[label]))
  # A negative label is TFDS's way to keep those of a test set secret.
  hidden = sum(number < 0 for number in numbers)
  rows = [row for row, number in zip(rows, numbers, strict=True) if number >= 0]
  labels = [classes[number] for number in numbers if number >= 0]
  names = [f'{part}/{i}' for part, i in rows]
  read = Examples(
    builder.info.full_name,
    names,
    labels,
    names,
    [split.known(part) for part, _ in rows],
    [{} for _ in rows],
    classes,
    origin=f'tfds:{name}',
  ).with_splits(config)
  every = content.copy()
  every.update(json.dumps([names, labels]).encode())
  content.update(json.dumps([names, labels, read.split]).encode())
  notes = [
    f'split {part} left out, being none of train, val and test: {count} examples'
    for part, count in sizes.items()
    if part not in parts
  ]
  if hidden:
    notes.append(f'{hidden} examples without a label left out')

  options = Options.of(config)

  def reader(part: str, i: int, label_name: str) -> Any:
    def decoded(size: int, channels: int) -> tuple[np.ndarray, str, dict[str, str]]:
      stored = sources[part][i][image]
      pixels = decode.decode(stored, size, channels, f'{part}/{i}', options=options)
      return pixels, label_name, {}

    return decoded

  records = [
    Record(row_name, where_, row_name, reader(part, i, label_name))
    for (part, i), row_name, where_, label_name in zip(rows, names, read.split, labels, strict=True)
  ]
  return Source(
    read.name,
    records,
    classes,
    content.hexdigest(),
    notes=read.noting(*notes).notes,
    content=every.hexdigest(),
    mendable=False,
  )


def _require_answer(urls: Iterable[str], where: str, folder: object) -> None:
  """Sees that a host of the set can be reached: TFDS would try again for minutes.

  Raises:
    UserError: none answers; ``folder`` is where the set could have been.
  """
  parts = (urllib.parse.urlsplit(url) for url in urls)
  hosts = sorted({f'{part.scheme}://{part.netloc}' for part in parts if part.netloc})
  if not hosts:  # made by its code
    return
  answered: queue.Queue[bool] = queue.Queue()

  def ask(host: str) -> None:
    try:
      urllib.request.urlopen(host, timeout=_PATIENCE).close()
      answered.put(True)
    except urllib.error.HTTPError:  # an answer, if of no page
      answered.put(True)
    except Exception:  # no network, name, certificate or scheme that is known
      answered.put(False)

  for host in hosts:  # looking up a name has no time limit of its own
    threading.Thread(target=ask, args=(host,), daemon=True).start()
  end = time.monotonic() + _PATIENCE
  for _ in hosts:
    try:
      if answered.get(timeout=max(0.0, end - time.monotonic())):
        return
    except queue.Empty:
      break
  raise UserError(
    f'{where}: is not in {folder} and cannot be fetched, as {", ".join(hosts)} cannot be reached; '
    'expected a network, or the prepared set in TFDS_DATA_DIR'
  )


def _keys(features: Any, where: str) -> tuple[str, str]:
  """Names of the one image and the one class label among the features."""
  images = [k for k, f in features.items() if isinstance(f, tfds.features.Image)]
  labels = [k for k, f in features.items() if isinstance(f, tfds.features.ClassLabel)]
  if len(images) != 1 or len(labels) != 1:
    raise UserError(
      f'{where}: expected one image and one class label, found {images or "no image"} and '
      f'{labels or "no class label"}'
    )
  return images[0], labels[0]


def _first_line(error: Exception) -> str:
  lines = [line.strip() for line in str(error).splitlines() if line.strip()]
  return lines[0] if lines else type(error).__name__
