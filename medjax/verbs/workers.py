"""Processes that train runs side by side, each on its own cores."""

import contextlib
import dataclasses
import io
import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

from medjax import arguments, runtime
from medjax.config import Config
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.verbs.run import Run
from medjax.verbs.train import train
from medjax.workdir import Workdir

_BUG = 1  # exit code of what is no mistake of the user


@dataclasses.dataclass(frozen=True)
class Failure:
  """Why a run failed.

  Attributes:
    reason: one line.
    code: exit code of the command.
  """

  reason: str
  code: int = UserError.exit_code


@dataclasses.dataclass(frozen=True)
class Task:
  """What a process does with one run: trains and evaluates it, or only times its updates.

  Attributes:
    config: settings of the run.
    folder: of the run.
    page: whether its report is written.
    only_times: whether a few updates are timed and nothing is kept.
  """

  config: Config
  folder: str
  page: bool = False
  only_times: bool = False


class Workers:
  """Processes side by side, as many as there are cores for.

  Args:
    count: how many.
    name: of the experiment.
    config: of any of its runs, for how XLA is set up.
    build: makes an experiment of settings; of a module that can be loaded.

  Example:
    >>> with Workers(2, 'lung_cnn', config, build) as workers:         # doctest: +SKIP
    ...   failures = workers.run(tasks, told=print)
  """

  def __init__(self, count: int, name: str, config: Config, build: Callable[[Any], Experiment]):
    self._setup = (name, config, build)
    self._spawn = multiprocessing.get_context('spawn')
    self._cores = _shares(count)
    self._asked = False
    self._workers = [self._start(cores) for cores in self._cores]

  def __enter__(self) -> 'Workers':
    return self

  def __exit__(self, *raised: object) -> None:
    self.close()

  def close(self) -> None:
    """Ends the processes once they are idle."""
    for process, connection in self._workers:
      connection.close()  # which ends it
      if process.is_alive() and self._asked:
        process.terminate()
    for process, _ in self._workers:
      process.join(60)
      if process.is_alive():
        process.kill()

  def times(self, tasks: Sequence[Task]) -> float:
    """Seconds of an update where as many runs as there are processes train at once: the slowest."""
    found = []
    at_work = [connection for _, connection in self._workers[: len(tasks)]]
    try:
      for connection, task in zip(at_work, tasks, strict=True):
        connection.send(task)
      for connection in at_work:
        answer = connection.recv()
        if isinstance(answer, Failure):
          raise UserError(answer.reason)
        found.append(answer)
    except (EOFError, OSError):
      raise UserError('a process died (out of memory?)') from None
    return max(found)

  def run(
    self, tasks: Sequence[Task], told: Callable[[int, str | Failure], None]
  ) -> dict[int, Failure]:
    """Does all tasks, each in whichever process is idle.

    A process that dies takes its own task with it and no other.

    Args:
      tasks: to be done.
      told: called with the number of a task and what it printed, or why it failed, when it ends.

    Returns:
      The tasks that failed.

    Raises:
      PreemptedError: SIGTERM came; the states of all runs at work are saved.
    """
    from medjax.training.keeper import PreemptedError

    waiting = list(range(len(tasks)))[::-1]
    failures: dict[int, Failure] = {}
    lock, raised = threading.Lock(), []

    def work(place: int) -> None:
      while True:
        with lock:
          if self._asked or not waiting:
            return
          number = waiting.pop()
        answer = self._do(place, tasks[number])
        with lock:
          if isinstance(answer, Failure) and answer.code == PreemptedError.exit_code:
            self._asked = True  # the whole group of processes was asked to end
          if self._asked:
            return
          if isinstance(answer, Failure):
            failures[number] = answer
          try:
            told(number, answer)
          except Exception as error:  # such as a terminal that is not there any more
            raised.append(error)
            waiting.clear()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(self._workers))]
    with runtime.Preemption() as preemption:
      for thread in threads:
        thread.start()
      try:
        while any(thread.is_alive() for thread in threads):
          time.sleep(0.1)
          if preemption.requested(0) and not self._asked:
            self._end()
      except KeyboardInterrupt:
        self._end()
        raise
      finally:
        for thread in threads:
          thread.join()
    if raised:
      raise raised[0]
    if self._asked:
      raise PreemptedError('asked to end: saved; repeat the command to continue')
    return failures

  def _end(self) -> None:
    self._asked = True
    for process, _ in self._workers:
      process.terminate()

  def _start(self, cores: set[int]) -> tuple[Any, Connection]:
    here, there = self._spawn.Pipe()
    process = self._spawn.Process(target=_serve, args=(there, cores, *self._setup), daemon=True)
    process.start()
    there.close()
    return process, here

  def _do(self, place: int, task: Task) -> str | Failure:
    process, connection = self._workers[place]
    try:
      connection.send(task)
      return connection.recv()
    except (EOFError, OSError):  # it has died
      process.join()
      code = process.exitcode or 0
      if not self._asked:
        self._workers[place] = self._start(self._cores[place])
      how = f'was killed by signal {-code}' if code < 0 else f'ended with code {code}'
      why = ' (out of memory?)' if code == -signal.SIGKILL else ''
      return Failure(f'its process {how}{why}', code if code > 0 else _BUG)


def share(runs: int, count: int) -> float:
  """The part of all updates that the busiest of several processes makes.

  Args:
    runs: of as many updates each, that are given to whichever process has none.
    count: of processes.

  Example:
    >>> share(4, 2), round(share(3, 2), 3)
    (0.5, 0.667)
  """
  return -(-runs // count) / runs


def against(
  devices: runtime.Devices, runs: int, count: int, in_turn: float, best: float, start: float
) -> str:
  """Why processes side by side are not tried; '' where they are.

  Args:
    devices: devices of all hosts.
    runs: how many there are.
    count: how many processes there would be.
    in_turn: seconds of all updates one after another.
    best: the same of the best way so far.
    start: seconds until a new process has its compiled step.
  """
  from medjax.training import ways

  if devices.local[0].platform != 'cpu':
    return 'they would share the memory of the accelerator'
  if count < 2:
    return 'one core'
  if best - in_turn * share(runs, count) < 10 * start:  # each loads, reads, is timed
    return 'they could not save what their start takes'
  own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
  if count * own > ways.free(devices):
    return 'they may not fit in memory'
  return ''


def _shares(count: int) -> list[set[int]]:
  """The cores of each of ``count`` processes; none are named where the system cannot say."""
  try:
    cores = sorted(os.sched_getaffinity(0))
  except AttributeError:
    return [set() for _ in range(count)]
  return [set(cores[i::count]) for i in range(count)]


def _serve(
  connection: Connection,
  cores: set[int],
  name: str,
  config: Config,
  build: Callable[[Any], Experiment],
) -> None:
  """What a process does: tasks, until there are no more."""
  runtime.begin_worker()
  if cores:
    runtime.keep_to(cores)
  runtime.configure(xla_tuning=config.xla_tuning)
  while True:
    try:
      task = connection.recv()
    except (EOFError, KeyboardInterrupt):
      return
    answer = _done(task, name, build)
    try:
      connection.send(answer)
    except OSError:  # the one that asked has died
      return
    runtime.spare_mappings()


def _done(task: Task, name: str, build: Callable[[Any], Experiment]) -> str | float | Failure:
  """What came of a task: what it printed, or seconds of an update."""
  from medjax.training import ways
  from medjax.training.members import Member

  run, said = run_of(task, name, build), io.StringIO()
  try:
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
      if task.only_times:
        member = Member(run.experiment(), run.config, run.workdir)
        return ways.alone(member, run.devices)
      train(run, page=task.page)
    return said.getvalue()
  except Exception as error:
    return _failure(error)


def run_of(task: Task, name: str, build: Callable[[Any], Experiment]) -> Run:
  """The run of a task, without flags."""
  from medjax.verbs import VERBS

  values = arguments.define(task.config, VERBS)
  arguments.parse(values, [])
  return Run(name, task.config, build, Workdir(task.folder), values)


def _failure(error: Exception) -> Failure:
  """Why a run failed; where that is no mistake of the user, with a traceback for the terminal."""
  if isinstance(error, UserError | OSError):
    return Failure(str(error), getattr(error, 'exit_code', UserError.exit_code))
  traceback.print_exception(error, file=sys.__stderr__)
  return Failure((str(error).splitlines() or [type(error).__name__])[0], _BUG)
