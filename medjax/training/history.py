"""metrics.jsonl: what a run measured while it trained, a line at a time.

Each line carries a check of itself and of the run, so that a damaged one is left out and counted.
Beside steps of training and validations there are lines of the log itself: how long training took
so far, that it ended, and how many lines were lost when a run went on after damage.
"""

import dataclasses
import json
import zlib
from collections.abc import Mapping
from typing import Any

from medjax.workdir import Workdir

TIME, END, LOST = 'time', 'end', 'lost'  # stand for the split in lines of the log itself
_CHECK = b', "crc": "'  # at the end of a line, before that of all that stands before it


@dataclasses.dataclass(frozen=True)
class History:
  """What metrics.jsonl holds.

  Attributes:
    lines: of training and validation: step, epoch, split and numbers.
    own: lines of the log itself.
    damaged: lines that are not what was written, or are of another run.
  """

  lines: list[dict[str, Any]]
  own: list[dict[str, Any]]
  damaged: int = 0

  @property
  def ended(self) -> bool:
    """Whether training did."""
    return any(line['split'] == END for line in self.own)

  @property
  def seconds(self) -> float:
    """Of training up to the last checkpoint, over all commands that went on with it."""
    return max((line['seconds'] for line in self.own if line['split'] in (TIME, END)), default=0.0)

  @property
  def problem(self) -> str:
    """What is missing, or nothing."""
    lost = self.damaged + sum(line['lines'] for line in self.own if line['split'] == LOST)
    problems = []
    if lost:
      problems.append(f'{lost} damaged or lost lines of metrics.jsonl are left out here.')
    if not self.ended:
      step = max((line['step'] for line in self.lines), default=0)
      problems.append(
        f'metrics.jsonl ends at step {step} without the end of training: it was stopped, or the '
        'file is cut off.'
      )
    return ' '.join(problems)


def read(workdir: Workdir) -> History:
  """The history of a run; empty where nothing was trained.

  A last line without an end, as a killed process leaves it, is no damage.

  Raises:
    UserError: the run's config or data are missing or damaged.
    OSError: the file cannot be read.
  """
  if not workdir.metrics.exists():
    return History([], [])
  run = workdir.identity()
  lines: list[dict[str, Any]] = []
  own: list[dict[str, Any]] = []
  damaged = 0
  for text in workdir.metrics.read_bytes().split(b'\n')[:-1]:
    line = _checked(text, run)
    if line is None:
      damaged += 1
    else:
      (own if line['split'] in (TIME, END, LOST) else lines).append(line)
  return History(lines, own, damaged)


def spell(line: Mapping[str, Any], run: str) -> str:
  """A line of the file, with its check; ``run`` is ``Workdir.identity()``."""
  body = json.dumps(line).encode()
  return (body[:-1] + _CHECK + _check(body, run) + b'"}\n').decode()


def _checked(text: bytes, run: str) -> dict[str, Any] | None:
  """The line that was written, or None where it is not."""
  head, _, check = text.rpartition(_CHECK)
  body = head + b'}'
  return json.loads(body) if check == _check(body, run) + b'"}' else None


def _check(body: bytes, run: str) -> bytes:
  return f'{zlib.crc32(run.encode() + body):08x}'.encode()
