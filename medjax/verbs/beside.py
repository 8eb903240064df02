"""Evaluation of runs that were trained together, by this process and one beside it.

An evaluation is statistics, tables and files, which one interpreter does on one core. A second
process loads and reads while the runs are trained; then both take runs, one from the front and one
from the back, until they meet.
"""

import collections
import contextlib
import io
import multiprocessing
import resource
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from medjax import machine, runtime
from medjax.data import examples
from medjax.experiment import Experiment
from medjax.verbs.run import Run
from medjax.verbs.workers import Task, run_of

if TYPE_CHECKING:
  from medjax.training.baseline import Fits

# Runs whose evaluation takes longer than another process takes to start.
_WORTH = 10
# Runs that the other process has, one at work and one for when that is done.
_AHEAD = 2


class Evaluation:
  """Evaluates runs of one program; made before these are trained.

  Args:
    runs: of the program.
    page: whether the report of each is written.

  Example:
    >>> with Evaluation(runs, page=False) as evaluation:             # doctest: +SKIP
    ...   program.train(spent)
    ...   for number, answer in evaluation.of(verbs):
    ...     if answer is None:
    ...       runs[number].finish(verbs[number], experiments[number])
  """

  def __init__(self, runs: Sequence[Run], page: bool):
    self._process: Any = None
    if not _worth(runs):
      return
    spawn = multiprocessing.get_context('spawn')
    self._connection, there = spawn.Pipe()
    tasks = [Task(run.config, str(run.workdir.folder), page) for run in runs]
    given = (there, tasks, runs[0].name, runs[0].build)
    process = spawn.Process(target=_serve, args=given, daemon=True)
    with there, contextlib.suppress(Exception):  # such as one that cannot be sent: not needed
      with runtime.deaf_children():
        process.start()
      self._process = process

  def __enter__(self) -> 'Evaluation':
    return self

  def __exit__(self, *raised: object) -> None:
    if self._process is not None:
      self._connection.close()
      self._process.terminate()
      self._process.join()

  def of(self, verbs: Mapping[int, str]) -> Iterator[tuple[int, str | None]]:
    """Of each run its number and what it printed; None if it is to be evaluated here.

    Runs of the other process that fail there, or that are lost with it, are to be done here too, so
    that an error is that of a run without it.

    Args:
      verbs: on which verb's time each run that was trained is evaluated, by its number; those on
        the same data next to each other.
    """
    waiting, theirs = collections.deque(verbs), set[int]()
    loaded, lost = False, self._process is None
    while waiting or theirs:
      answers: list[tuple[int, str]] = []
      try:
        while not lost and ((not waiting and theirs and not answers) or self._connection.poll()):
          number, answer = self._connection.recv()
          if number is None:
            loaded = True
            continue
          theirs.discard(number)
          if answer is None:
            waiting.append(number)
          else:
            answers.append((number, answer))
        while loaded and not lost and len(theirs) < min(_AHEAD, len(waiting) - 1):
          number = waiting.pop()
          theirs.add(number)
          self._connection.send((number, verbs[number]))
      except (EOFError, OSError):
        waiting.extend(sorted(theirs))
        theirs, lost = set(), True
      yield from answers
      if waiting:
        yield waiting.popleft(), None


def _worth(runs: Sequence[Run]) -> bool:
  if len(runs) < _WORTH or machine.cores() < 2 or not runtime.may_start_processes():
    return False
  if runs[0].values.again:  # of which other processes are not told
    return False
  if sum(not run.workdir.finished.exists() for run in runs) < _WORTH:
    return False
  own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
  return runs[0].devices.local[0].platform == 'cpu' and 2 * own < machine.free_memory()


class Simple:
  """The simple models of the data of runs that differ by their seeds, fitted once."""

  def __init__(self) -> None:
    self._last: tuple[Any, Any] = (None, None)

  def fits(self, experiment: Experiment) -> 'Fits':
    """Those of the last data that were asked for, or new ones."""
    from medjax.training.baseline import Fits

    data, fits = self._last
    if data is not experiment.data:
      fits = Fits(experiment)
      self._last = experiment.data, fits
    return fits


def _serve(
  connection: Connection, tasks: Sequence[Task], name: str, build: Callable[[Any], Experiment]
) -> None:
  """What the other process does: reads, says so, and evaluates runs that it is given."""
  runtime.begin_worker()
  runtime.configure(xla_tuning=tasks[0].config.xla_tuning)
  # Where anything fails, the one that asked does it and says what failed.
  with contextlib.suppress(Exception), contextlib.redirect_stderr(io.StringIO()):
    loaded = _Loaded(tasks, name, build)
    connection.send((None, ''))
    while True:
      number, verb = connection.recv()
      connection.send((number, loaded.evaluated(number, verb)))
      runtime.spare_mappings()


class _Loaded:
  """The runs in the other process, and the program that they were trained in."""

  def __init__(self, tasks: Sequence[Task], name: str, build: Callable[[Any], Experiment]):
    from medjax.training import baseline
    from medjax.training.members import Member
    from medjax.training.together import Together

    self._runs, self._page = [run_of(task, name, build) for task in tasks], tasks[0].page
    with examples.read_once():
      self._members = [
        Member(run.experiment(told=False), run.config, run.workdir) for run in self._runs
      ]
    for run, member in zip(self._runs, self._members, strict=True):  # read once more: the same?
      run.workdir.claim_data(member.experiment.data.summary(), write=False)
    self._program = Together(self._members, self._runs[0].devices)
    self._simple = Simple()
    baseline.load_ahead(self._members[0].experiment)

  def evaluated(self, number: int, verb: str) -> str | None:
    """What a run printed; None where it failed."""
    experiment, said = self._members[number].experiment, io.StringIO()
    try:
      with contextlib.redirect_stdout(said):
        step, fits = self._program.evaluate_step(number), self._simple.fits(experiment)
        self._runs[number].finish(verb, experiment, step, page=self._page, fits=fits)
    except Exception:
      return None
    return said.getvalue()
