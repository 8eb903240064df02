"""Checkpoints: copied, then written by Orbax in the background; checked by digest when read.

A checkpoint holds the state as plain named arrays, and a position of a few numbers with the digests
of every array and of itself. Orbax makes each one appear complete or not at all; the digests find
what a disk damaged afterwards. Those of its files, written when it is complete, keep damaged ones
from the readers of arrays, which fail in many ways; a kill may come before them, so that a
checkpoint without them is read too. Which one is best is told by the positions alone.
"""

import concurrent.futures
import contextlib
import dataclasses
import errno
import pathlib
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from absl import logging
from orbax.checkpoint import checkpoint_managers

from medjax import files, sealed
from medjax.errors import UserError
from medjax.training import arrays as arrays_lib
from medjax.training import disk
from medjax.training import position as position_lib
from medjax.training.position import Position
from medjax.workdir import SEAL

# Bytes that a checkpoint takes beside its arrays: names, metadata and half-filled blocks.
_FILES = 2**20
# What names of the model's arrays begin with, and the parts of a name before the path.
_VARIABLES = {'params.': 1, 'model_state.': 2, 'average.': 2}
_ONE_AT_A_TIME = threading.Lock()  # of all runs: writers of Orbax that run at once wait for ever
_DAMAGED = (float('inf'), 0)  # the rank of a checkpoint whose position cannot be read


class DamagedError(UserError):
  """A checkpoint is not what was saved.

  Attributes:
    reason: what was found.
  """

  def __init__(self, path: pathlib.Path, reason: str):
    super().__init__(
      f'{path}: is damaged ({reason}); restore it, or remove this folder and evaluate the others'
    )
    self.reason = reason


class Checkpoints:
  """The checkpoints of one run: the newest few and the best.

  Args:
    folder: where they are kept.
    keep: how many of the newest stay, beside the best.
    run: ``Workdir.identity()``; a checkpoint of another run is taken for a damaged one.
    trains: whether what a killed process left half-written is removed; not while another trains.
    pause: seconds between writing those that are offered.

  Example:
    >>> with Checkpoints(folder, 2, workdir.identity()) as checkpoints:   # doctest: +SKIP
    ...   checkpoints.save(state, Position(100, 1, 0, 0.9, data.fingerprint))
  """

  def __init__(
    self,
    folder: pathlib.Path,
    keep: int,
    run: str = '',
    *,
    trains: bool = False,
    pause: float = 0.0,
  ):
    self.folder, self._run = folder.absolute(), run
    self._pause, self._last = pause, time.monotonic()
    self._held: tuple[dict[str, np.ndarray], Position] | None = None
    self._ranks: dict[int, tuple[float, int]] = {}
    self._unsealed: set[int] = set()
    self._spare: list[dict[str, np.ndarray]] = []  # copies of use no more: fresh memory takes time
    self._thread = concurrent.futures.ThreadPoolExecutor(1, 'checkpoint')
    self._writing: dict[str, np.ndarray] | None = None
    self._written: concurrent.futures.Future[None] | None = None
    options = ocp.CheckpointManagerOptions(
      preservation_policy=_NewestAndBest(keep, self._rank),
      enable_async_checkpointing=True,
      cleanup_tmp_directories=trains,
    )
    with disk.full_in_one_line(self.folder):
      self._manager = ocp.CheckpointManager(self.folder, options=options, item_handlers=_handlers())

  def __enter__(self) -> 'Checkpoints':
    return self

  def __exit__(self, kind: Any, *_: object) -> None:
    try:
      self.wait()
      self._manager.close()
    except Exception:
      if kind is None:  # otherwise the error on its way matters more
        raise
    finally:
      self._thread.shutdown()

  def offer(self, state: Any, position: Position) -> bool:
    """Saves the state if the pause since the last one is over, or holds it if it is the best.

    What is held is in memory alone. It is written before the next checkpoint, so that a run that is
    killed and goes on from that one still has the best of all before it. A state without a score is
    saved, as nobody knows whether it is the best; several processes, whose clocks differ, save all.

    Returns:
      Whether it is being written.

    Raises:
      DiskFullError: see ``save``.
    """
    if position.score is None or self.due():
      self.save(state, position)
      return True
    best = self.best()
    self._ranks[position.step] = position_lib.rank(position)
    if best is None or self._rank(position.step) > self._rank(best):
      if self._held:
        self._spare.append(self._held[0])
      self._held = self._copy(state), position
    return False

  def due(self) -> bool:
    """Whether the pause since the last checkpoint is over; always for several processes."""
    return time.monotonic() - self._last >= self._pause or jax.process_count() > 1

  def hasten(self) -> None:
    """Begins to write what ``offer`` holds, before the last epoch: its steps take that time."""
    held, self._held = self._held, None
    if held is not None:
      self._begin(*held)

  def save(self, state: Any, position: Position) -> None:
    """Copies the state and writes it in the background, and before it the best that was offered.

    Raises:
      DiskFullError: the disk was full, for this checkpoint or the one still being written.
    """
    self._ranks[position.step] = position_lib.rank(position)
    if self._held is not None and self._rank(self._held[1].step) > self._rank(position.step):
      self.hasten()
    elif self._held is not None:
      self._spare.append(self._held[0])
      self._held = None
    self.wait()  # for the checkpoint before, which takes memory and space too
    self._begin(self._copy(state), position)

  def _begin(self, arrays: dict[str, np.ndarray], position: Position) -> None:
    self.wait()
    self._last = time.monotonic()
    self._unsealed.add(position.step)
    self._writing = arrays
    if jax.process_count() == 1:
      self._written = self._thread.submit(self._write, arrays, position, whole=True)
    else:  # the processes wait for each other in Orbax, which has to be at the same step in all
      self._write(arrays, position)

  def _copy(self, state: Any) -> dict[str, np.ndarray]:
    """The arrays of a state, whose own memory the next step takes over while they are written."""
    copies = self._spare.pop() if self._spare else {}
    for name, leaf in arrays_lib.named(state):
      held = copies.get(name)
      if held is None or (held.shape, held.dtype) != (leaf.shape, leaf.dtype):
        held = copies[name] = np.empty(leaf.shape, leaf.dtype)
      arrays_lib.copy(held, leaf)
    return copies

  def _write(
    self, arrays: dict[str, np.ndarray], position: Position, *, whole: bool = False
  ) -> None:
    """Begins to write a checkpoint, and with ``whole`` waits until it is complete."""
    stored = dataclasses.asdict(position) | {
      'digests': {k: arrays_lib.digest(v) for k, v in arrays.items()}
    }
    stored['digest'] = position_lib.digest(stored, self._run)
    with _ONE_AT_A_TIME if whole else contextlib.nullcontext(), disk.full_in_one_line(self.folder):
      self._check_space(sum(array.nbytes for array in arrays.values()))
      self._manager.save(
        position.step,
        args=ocp.args.Composite(
          state=ocp.args.PyTreeSave(arrays), position=ocp.args.JsonSave(stored)
        ),
        force=True,
      )
      if whole:
        self._complete()

  def _check_space(self, needed: int) -> None:
    """Raises OSError before Orbax begins what it cannot end; its threads fail with tracebacks."""
    if shutil.disk_usage(self.folder).free < needed + _FILES:
      raise OSError(errno.ENOSPC, 'No space left on device')

  def wait(self) -> None:
    """Returns when everything is on disk.

    Raises:
      DiskFullError: the disk was full.
    """
    written, self._written = self._written, None
    if written is not None:
      written.result()
    self._complete()
    if self._writing is not None:
      self._spare.append(self._writing)
      self._writing = None

  def _complete(self) -> None:
    """Returns when what Orbax writes is on disk, with digests of its files."""
    with disk.full_in_one_line(self.folder):
      self._manager.wait_until_finished()
      if jax.process_index() == 0:
        for path in (self.folder / str(step) for step in self._unsealed):
          if path.exists():
            digests = {one.relative_to(path).as_posix(): files.digest(one) for one in _files(path)}
            sealed.write(path / SEAL, digests, run=self._run)
      self._unsealed.clear()

  def steps(self) -> list[int]:
    """Steps that have a checkpoint, oldest first."""
    self.wait()
    return sorted(self._manager.all_steps())

  def drop(self, after: int) -> None:
    """Removes those of later steps, which are taken once more."""
    for step in self.steps():
      if step > after:
        self._manager.delete(step)
        self._ranks.pop(step, None)

  def best(self) -> int | None:
    """The step with the best score, the earliest of equals; without scores the newest.

    One that is held in memory counts.
    """
    steps = self.steps() + ([self._held[1].step] if self._held else [])
    return max(steps, key=self._rank, default=None)

  def latest(self, target: Any) -> tuple[Any, Position] | None:
    """The newest checkpoint that is whole, or None if there is none.

    Damaged ones are named in a warning and set aside as ``<step>.damaged``.

    Args:
      target: the state's tree with shapes and dtypes.

    Returns:
      The state as NumPy arrays and its position.

    Raises:
      UserError: a whole checkpoint is of another model or optimiser than ``target``.
    """
    for step in reversed(self.steps()):
      try:
        return self.read(step, target)
      except DamagedError as error:
        self._set_aside(step, error.reason)
    return None

  def read(self, step: int, target: Any) -> tuple[Any, Position]:
    """The checkpoint of one step.

    Args:
      step: one of ``steps()``.
      target: the state's tree with shapes and dtypes; what is None there is not read.

    Raises:
      DamagedError: it is not what was saved; it stays where it is.
      UserError: it is whole, but of another model or optimiser than ``target``.
    """
    wanted = {name for name, _ in arrays_lib.named(target)}
    arrays, position = self._whole(step, wanted.__contains__)
    leaves = []
    for name, leaf in arrays_lib.named(target):
      if name not in arrays or arrays[name].shape != leaf.shape:
        raise UserError(
          f'{self.folder / str(step)}: is of another model or optimiser (at {name}); '
          'choose another --workdir'
        )
      leaves.append(np.asarray(arrays[name], leaf.dtype))
    return jax.tree.unflatten(jax.tree.structure(target), leaves), position

  def variables(self, step: int) -> dict[str, np.ndarray]:
    """The model's variables in the checkpoint of one step, of whatever model.

    Returns:
      Arrays by path in their collection, such as 'Conv_0/kernel'.

    Raises:
      DamagedError: it is not what was saved; it stays where it is.
    """
    arrays, _ = self._whole(step, lambda name: name.startswith(tuple(_VARIABLES)))
    if any(name.startswith('average.') for name in arrays):  # which is what such a run evaluates
      arrays = {name: array for name, array in arrays.items() if name.startswith('average.')}
    found = {}
    for name, array in arrays.items():
      parts = name.split('.')
      found['/'.join(parts[_VARIABLES[f'{parts[0]}.'] :])] = array
    return found

  def _whole(
    self, step: int, wanted: Callable[[str], bool]
  ) -> tuple[dict[str, np.ndarray], Position]:
    """The arrays with such names and the position of a checkpoint; raises DamagedError."""
    try:
      self._check_files(step)
      position, digests = self._position(step)
      arrays = self._arrays(step, [name for name in digests if wanted(name)])
      wrong = [name for name, array in arrays.items() if arrays_lib.digest(array) != digests[name]]
      if wrong or position.step != step:
        raise ValueError(f'{wrong[0] if wrong else "position"} is not what was saved')
    except Exception as error:  # whatever a damaged file makes the readers raise
      reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
      raise DamagedError(self.folder / str(step), reason) from None
    return arrays, position

  def _rank(self, step: int) -> tuple[float, int]:
    """Orders checkpoints; a damaged one is best, so that it is read and named."""
    if step not in self._ranks:
      try:
        self._check_files(step, 'position/')
        self._ranks[step] = position_lib.rank(self._position(step)[0])
      except Exception:  # whatever a damaged file makes the readers raise
        self._ranks[step] = _DAMAGED
    return self._ranks[step]

  def _position(self, step: int) -> tuple[Position, dict[str, int]]:
    """Where it was taken, and the digests of its arrays by name."""
    stored = self._manager.restore(step, args=ocp.args.Composite(position=ocp.args.JsonRestore()))
    return position_lib.checked(stored['position'], self._run)

  def _arrays(self, step: int, names: Sequence[str]) -> dict[str, np.ndarray]:
    wanted = ocp.args.PyTreeRestore(
      item=dict.fromkeys(names, 0),
      restore_args=dict.fromkeys(names, ocp.RestoreArgs(restore_type=np.ndarray)),
      partial_restore=True,
    )
    return dict(self._manager.restore(step, args=ocp.args.Composite(state=wanted))['state'])

  def _check_files(self, step: int, part: str = '') -> None:
    """Raises an error where a file is damaged, of those whose names begin with ``part``."""
    path = self.folder / str(step)
    try:
      digests, ties = sealed.read(path / SEAL)
    except UserError:  # not there, or damaged itself: arrays and position have digests too
      return
    for name, digest in digests.items():
      if name.startswith(part) and files.digest(path / name) != digest:
        raise ValueError(f'{name} is not what was saved')
    if ties.get('run') != self._run:
      raise ValueError('it is of another run')

  def _set_aside(self, step: int, reason: str) -> None:
    path = self.folder / str(step)
    logging.warning('checkpoint %s is damaged and is left out: %s', path, reason)
    if jax.process_index() == 0 and path.exists():
      path.rename(_free_name(path))
    self._ranks.pop(step, None)
    self._manager.reload()


def _handlers() -> dict[str, Any]:
  # Weights are noise to a compressor: hardly smaller, for more work than writing them.
  arrays = ocp.PyTreeCheckpointHandler(use_compression=False)
  return {'state': arrays, 'position': ocp.JsonCheckpointHandler()}


def _files(folder: pathlib.Path) -> list[pathlib.Path]:
  return sorted(path for path in folder.rglob('*') if path.is_file() and path.name != SEAL)


def _free_name(path: pathlib.Path) -> pathlib.Path:
  names = (path.with_name(f'{path.name}.damaged{n or ""}') for n in range(1000))
  return next(name for name in names if not name.exists())


class _NewestAndBest(checkpoint_managers.PreservationPolicy):
  """Keeps the newest few checkpoints and the best one, and damaged ones."""

  def __init__(self, newest: int, rank: Callable[[int], tuple[float, int]]):
    self._newest, self._rank = newest, rank

  def should_preserve(self, checkpoints: Sequence[Any], *, context: Any) -> list[bool]:
    """Which of the checkpoints stay."""
    steps = [checkpoint.step for checkpoint in checkpoints]
    kept = set(sorted(steps)[-self._newest :])
    whole = [step for step in steps if self._rank(step) < _DAMAGED]
    kept |= {*sorted(whole, key=self._rank)[-1:], *(set(steps) - set(whole))}
    return [step in kept for step in steps]
