"""Where in training a checkpoint was taken, kept with a check of itself."""

import dataclasses
import json
import zlib
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Position:
  """Where in training a checkpoint was taken.

  Attributes:
    step: updates done.
    epoch: epochs completed.
    batch: batches done of the epoch that had begun.
    score: the monitored metric on validation, if this is the end of an epoch and it is defined.
    fingerprint: of the data.
  """

  step: int
  epoch: int
  batch: int
  score: float | None
  fingerprint: str


def rank(position: Position) -> tuple[float, int]:
  """Orders checkpoints: higher score first, then the earlier; unscored last, then the newer."""
  score, step = position.score, position.step
  return (float('-inf'), step) if score is None else (score, -step)


def checked(stored: Any, run: str) -> tuple[Position, dict[str, int]]:
  """The position and the digests of arrays that were saved; raises ValueError for damaged ones."""
  stored = dict(stored)
  if stored.pop('digest') != digest(stored, run):
    raise ValueError('position is not what was saved, or is of another run')
  digests = stored.pop('digests')
  return Position(**stored), digests


def digest(stored: Mapping[str, Any], run: str) -> int:
  """Of all values and of the run."""
  return zlib.crc32((run + json.dumps(stored, sort_keys=True)).encode())
