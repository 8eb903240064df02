"""Images as rows that can be stored: PNG bytes with label, id, group and metadata."""

import contextlib
import dataclasses
import functools
import json
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from medjax.data import dataset
from medjax.data.images import decode, packages, processes
from medjax.data.images.messages import EmptySliceError, for_all
from medjax.data.images.source import Record, Source
from medjax.errors import UserError

R = TypeVar('R')


class Made:
  """The rows of a source, each decoded and made one size when it is asked for.

  Args:
    source: examples.
    size: height and width in pixels.
    channels: 1 or 3.
    max_broken: share of the images that may be unreadable, and are left out.

  Attributes:
    broken: why each image that could not be read is left out, by id.
    empty: ids of slices in which nothing is to be seen.
  """

  def __init__(self, source: Source, size: int, channels: int, max_broken: float = 0.0):
    self._source, self._size, self._channels = source, size, channels
    self._max_broken = max_broken
    self.broken: dict[str, str] = {}
    self.empty: list[str] = []

  def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
    with contextlib.closing(self._each(_row)) as rows:
      for record, made in zip(self._source.records, rows, strict=True):
        if not isinstance(made, UserError):
          yield record.id, made
        elif isinstance(made, EmptySliceError):
          self.empty.append(record.id)
        else:
          self.broken[record.id] = str(made)
          if len(self.broken) > allowed(self._source, self._max_broken):
            break
    if len(self.broken) > allowed(self._source, self._max_broken):
      raise self._unreadable()
    if len(self.broken) + len(self.empty) == len(self._source.records):
      raise UserError(f'{self._source.name}: no image has anything to be seen in it')

  def _each(self, work: Callable[[int, int, Record], R]) -> Generator[R, None, None]:
    work_on = functools.partial(work, self._size, self._channels)
    return processes.each(work_on, self._source.records, apart=self._source.apart)

  def _unreadable(self) -> UserError:
    """One error for all images that cannot be read, so that they can be fixed at once."""
    errors = [error for error in self._each(_error) if error]
    return too_many(errors, self._source, self._max_broken)


def _row(size: int, channels: int, record: Record) -> dict[str, Any] | UserError:
  """What is stored of an image, or why nothing is."""
  try:
    pixels, label, metadata = record.read(size, channels)
  except packages.MissingPackageError:  # no file of the format can be read
    raise
  except UserError as error:
    return error
  return {
    'image': decode.encode(pixels),
    'label': decode.encode(label) if isinstance(label, np.ndarray) else label,
    'id': record.id,
    'group': record.group,
    'metadata': json.dumps(metadata),
  }


def _error(size: int, channels: int, record: Record) -> UserError | None:
  """Why an image cannot be read, if it cannot."""
  try:
    record.read(size, channels)
  except EmptySliceError:
    return None
  except UserError as error:
    return error
  return None


@dataclasses.dataclass(frozen=True)
class Stored:
  """What is stored of a source.

  Attributes:
    rows: all of them.
    broken: why each image that could not be read is left out, by id.
    empty: ids of slices in which nothing is to be seen.
  """

  rows: dataset.Readable
  broken: dict[str, str]
  empty: list[str]


def allowed(source: Source, max_broken: float) -> int:
  """How many images may be unreadable."""
  return int(max_broken * len(source.records))


def too_many(errors: Sequence[UserError], source: Source, max_broken: float) -> UserError:
  """One error for more images that cannot be read than may be left out."""
  of = ''
  if max_broken:
    of = (
      f' (of {len(source.records)}; config.data.max_broken={max_broken:g} leaves out at most '
      f'{allowed(source, max_broken)})'
    )
  if len(errors) == 1:
    return UserError(f'{errors[0]}{of}')
  return for_all(errors, f'cannot be used{of}')


def announce(source: Source) -> None:
  """Says that images are being prepared."""
  print(f'preparing {len(source.records)} images, once', file=sys.stderr, flush=True)
