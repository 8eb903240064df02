"""Several runs of one command: how they are trained, and what became of each."""

import contextlib
import dataclasses
import functools
import math
import resource
import sys
import time
from collections.abc import Sequence
from typing import Any

import jax

from medjax import machine, runtime, sealed
from medjax.data import examples
from medjax.errors import DiskFullError, UserError
from medjax.experiment import Experiment
from medjax.spent import Spent
from medjax.verbs import train as train_verb
from medjax.verbs.run import Run
from medjax.verbs.workers import Failure, Task, Workers

IN_TURN, TOGETHER, SIDE_BY_SIDE = 'in_turn', 'together', 'side_by_side'
WAYS = ('auto', IN_TURN, TOGETHER, SIDE_BY_SIDE)
_CLEARLY = 0.9  # of the seconds of a simpler way: some updates are timed, and times vary
_CHOICE = 'way.json'


@dataclasses.dataclass(frozen=True)
class Choice:
  """How several runs are trained.

  Attributes:
    way: one of ``WAYS`` but auto.
    at_once: runs in one program, or processes.
    told: what was measured, for the terminal.
  """

  way: str
  at_once: int = 1
  told: str = ''


def claim(command: Run, names: Sequence[str]) -> None:
  """Makes the folder of a command that of its runs, or sees that it is.

  Raises:
    UserError: it is the folder of one run, of a tuning, or of other settings.
  """
  workdir = command.workdir
  if command.lead:
    if workdir.data.exists() or workdir.tuning.exists():
      raise UserError(f'--workdir={workdir.folder}: holds another kind of run; choose another')
    workdir.claim(command.config)
    sealed.write(workdir.several, {'runs': list(names)})


def train(
  command: Run,
  runs: Sequence[Run],
  names: Sequence[str],
  way: str,
  page: bool,
  part: str = '',
) -> dict[int, Failure]:
  """Trains and evaluates runs that differ by their folds and seeds.

  A run that fails keeps no other from going on. How they are trained is kept in the folder of the
  command, so that one that is continued does the same arithmetic.

  Args:
    command: the command, whose folder those of the runs are in.
    runs: with settings and folders of their own.
    names: what each is called on the terminal.
    way: one of ``WAYS``.
    page: whether the report of each is written.
    part: tells commands apart that share the folder, each with runs of its own.

  Returns:
    Why runs failed, by their number.

  Raises:
    PreemptedError: SIGTERM came; what was at work is saved.
    DiskFullError: the disk is full.
    UserError: the way that is asked for is not possible.
  """
  several = len(runs) > 1 and jax.process_count() == 1
  if not several and way not in ('auto', IN_TURN):
    raise UserError(f'--how={way}: needs several runs of one process')
  at_work = _AtWork(command, runs, names, page)
  if part:
    at_work.choice = at_work.choice.with_stem(f'{at_work.choice.stem}-{part}')
  choice = at_work.choose(way) if several else Choice(IN_TURN)
  if choice.told and command.lead:
    print(choice.told)
  if choice.way == TOGETHER:
    return at_work.together(choice.at_once)
  if choice.way == SIDE_BY_SIDE:
    return at_work.side_by_side(choice.at_once)
  return at_work.in_turn()


class _AtWork:
  """The runs of one command."""

  def __init__(self, command: Run, runs: Sequence[Run], names: Sequence[str], page: bool):
    self.command, self.runs, self.names, self.page = command, runs, names, page
    self.failures: dict[int, Failure] = {}
    self.choice = command.workdir.folder / _CHOICE
    self.started = runtime.since_start()
    self._workers: Workers | None = None
    self._built: dict[int, Experiment] = {}
    self._programs: dict[tuple[int, ...], Any] = {}
    self._simple: tuple[Any, Any] = (None, None)
    self._monitor = ''

  def in_turn(self) -> dict[int, Failure]:
    """One after another."""
    for number, run in enumerate(self.runs):
      if number in self.failures:
        continue
      with self._may_fail(number):
        train_verb.train(run, page=self.page)
        self._say(number)
      runtime.spare_mappings()
    return self.failures

  def side_by_side(self, processes: int) -> dict[int, Failure]:
    """In processes of their own, as many at once as there are cores for."""
    with self._processes(processes) as workers:

      def told(number: int, answer: str | Failure) -> None:
        if isinstance(answer, Failure):
          self._failed(number, answer)
        else:
          self._say(number)

      numbers = [number for number in range(len(self.runs)) if number not in self.failures]
      tasks = [self._task(number) for number in numbers]
      workers.run(tasks, lambda place, answer: told(numbers[place], answer))
    return self.failures

  def together(self, at_once: int) -> dict[int, Failure]:
    """In one program each for those that are alike, ``at_once`` of them at a time."""
    for group in self._groups:
      chunks = -(-len(group) // at_once)
      size = -(-len(group) // chunks)
      for first in range(0, len(group), size):
        self._chunk(group[first : first + size])
    return self.failures

  def _chunk(self, numbers: Sequence[int]) -> None:
    start, spent = time.monotonic(), Spent(0.0, runtime.compile_clock())
    with contextlib.ExitStack() as held:
      some = []
      for number in numbers:
        with self._may_fail(number):
          member = self._member(number, again=True)
          held.enter_context(self.runs[number].alone())
          train_verb.claim(self.runs[number], member.experiment)
          some.append((number, member))
      if not some:
        return
      program = self._program([number for number, _ in some])
      found = program.train(spent)
      if any(isinstance(done, int) and done for done in found.values()):
        print(f'trained {len(some)} runs together in {time.monotonic() - start:.0f} s')
      # Those on the same data one after another, as they share its simple models.
      first = {id(member.experiment.data): place for place, (_, member) in [*enumerate(some)][::-1]}
      order = sorted(range(len(some)), key=lambda place: first[id(some[place][1].experiment.data)])
      for place in order:
        number, member = some[place]
        run, done = self.runs[number], found[place]
        with self._may_fail(number):
          if isinstance(done, Exception):
            raise done
          if done:
            run.write_environment(0.0)
          step = program.evaluate_step(place)
          verb, fits = 'train' if done else 'evaluate', self._fits(member.experiment)
          run.finish(verb, member.experiment, step, page=self.page, fits=fits)
          self._say(number)

  def choose(self, way: str) -> Choice:
    """The way that is asked for, was taken before, or is the fastest by measure."""
    before = Choice(**sealed.read(self.choice)[0]) if self.choice.exists() else None
    if before and way in ('auto', before.way):
      return dataclasses.replace(before, told='')
    choice = self._measured() if way == 'auto' else self._asked(way)
    sealed.write(self.choice, dataclasses.asdict(choice))
    return choice

  def _asked(self, way: str) -> Choice:
    from medjax.training import members

    if way == IN_TURN:
      return Choice(way)
    if way == SIDE_BY_SIDE:
      with self._may_fail(0):
        self._member(0)  # for its notes on the data, as those of the processes are not shown
      self.failures.clear()
      return Choice(way, min(machine.cores(), len(self.runs)))
    for number, member in self._everyone.items():
      if reason := members.unsuited(member, self.runs[number].devices):
        raise UserError(f'--how={way}: {reason}')
    return Choice(way, len(self.runs))

  def _measured(self) -> Choice:
    from medjax.training import ways

    everyone = list(self._everyone.values())
    if len(everyone) < 2:
      return Choice(IN_TURN)
    if self.command.lead:
      print('timing some updates of each way to train these runs', file=sys.stderr)
    count = ways.updates(everyone)
    # Positions among those that could be built stand for their numbers.
    numbers = list(self._everyone)
    devices = self.runs[numbers[0]].devices
    found = ways.measure(
      everyone,
      devices,
      lambda: [[numbers.index(number) for number in group] for group in self._groups],
      lambda places: self._program([numbers[place] for place in places]),
    )
    seconds = {IN_TURN: count * found.alone}
    told = [f'in turn {_spell(seconds[IN_TURN])}']
    if found.together is None:
      told.append(f'not together: {found.reason}')
    else:
      seconds[TOGETHER] = count * found.together
      told.append(f'together ({found.at_once} in one program) {_spell(seconds[TOGETHER])}')
    best = IN_TURN
    if seconds.get(TOGETHER, math.inf) < _CLEARLY * seconds[IN_TURN]:
      best = TOGETHER
    processes = min(machine.cores(), len(self.runs))
    reason = self._against_processes(processes, seconds[IN_TURN], seconds[best], found.start)
    if not reason:
      tasks = [dataclasses.replace(self._task(i), only_times=True) for i in range(processes)]
      try:
        seconds[SIDE_BY_SIDE] = count * self._processes(processes).times(tasks) / processes
        told.append(f'side by side ({processes} processes) {_spell(seconds[SIDE_BY_SIDE])}')
      except UserError as error:  # such as too little memory for several
        reason = str(error)
    if reason:
      told.append(f'not side by side: {reason}')
    elif seconds[SIDE_BY_SIDE] < _CLEARLY * seconds[best]:
      best = SIDE_BY_SIDE
    if best != SIDE_BY_SIDE and self._workers is not None:
      self._workers.close()
      self._workers = None
    at_once = {IN_TURN: 1, TOGETHER: found.at_once, SIDE_BY_SIDE: processes}[best]
    line = f'updates of {len(self.runs)} runs by measure: {", ".join(told)}; {best} it is'
    return Choice(best, at_once, line)

  def _against_processes(self, processes: int, in_turn: float, best: float, start: float) -> str:
    """Why processes side by side are not tried; '' where they are.

    Args:
      processes: how many there would be.
      in_turn: seconds of all updates one after another.
      best: the same of the best way so far.
      start: seconds until a run has its compiled step, in a process that is at work.
    """
    from medjax.training import ways

    if jax.default_backend() != 'cpu':
      return 'they would share the memory of the accelerator'
    if processes < 2:
      return 'one core'
    if best - in_turn / processes < 10 * (self.started + start):  # each loads, reads, is timed
      return 'they could not save what their start takes'
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if processes * own > ways.free(self.command.devices):
      return 'they may not fit in memory'
    return ''

  def _processes(self, count: int) -> Workers:
    if self._workers is None:
      command = self.command
      self._workers = Workers(count, command.name, command.config, command.build)
    return self._workers

  def _task(self, number: int) -> Task:
    run = self.runs[number]
    return Task(run.config, str(run.workdir.folder), self.page)

  @functools.cached_property
  def _groups(self) -> list[list[int]]:
    """Runs that one program can train, by their numbers."""
    from medjax.training import members

    numbers, everyone = list(self._everyone), list(self._everyone.values())
    if not everyone:
      return []
    groups = members.alike(everyone, self.command.devices)
    return [[numbers[place] for place in group] for group in groups]

  def _program(self, numbers: Sequence[int]) -> Any:
    """The program of runs by their numbers; the last one is kept, as it was timed before."""
    from medjax.training import together

    key = tuple(numbers)
    if key not in self._programs:
      self._programs.clear()
      some = [self._member(number) for number in numbers]
      self._programs[key] = together.Together(some, self.command.devices)
    return self._programs[key]

  @functools.cached_property
  def _everyone(self) -> dict[int, Any]:
    """Runs as ``training`` takes them, by number, but for those whose data cannot be read.

    Those on the same data share them.
    """
    found = {}
    with examples.read_once():
      for number in range(len(self.runs)):
        with self._may_fail(number):
          found[number] = self._member(number)
    return found

  def _member(self, number: int, *, again: bool = False) -> Any:
    """The run as ``training`` takes it; with ``again`` its folder is looked at as well."""
    from medjax.training.members import Member

    run = self.runs[number]
    if number not in self._built:
      self._built[number] = run.experiment(told=not self._built)
    if again:
      train_verb.check(run, self._built[number])
    return Member(self._built[number], run.config, run.workdir)

  def _fits(self, experiment: Experiment) -> Any:
    """The simple models of its data, which runs that differ by their seeds share."""
    from medjax.training.baseline import Fits

    kept, fits = self._simple
    if kept is not experiment.data:
      fits = Fits(experiment)
      self._simple = experiment.data, fits
    return fits

  @contextlib.contextmanager
  def _may_fail(self, number: int) -> Any:
    """Notes why a run failed, and goes on; not where the disk is full or the command has to end."""
    from medjax.training.keeper import PreemptedError

    try:
      yield
    except (PreemptedError, DiskFullError):
      raise
    except UserError as error:
      self._failed(number, Failure(str(error), error.exit_code))

  def _failed(self, number: int, failure: Failure) -> None:
    self.failures[number] = failure
    print(f'{self.names[number]}: failed: {failure.reason}')

  def _say(self, number: int) -> None:
    from medjax.report import run as report

    run = self.runs[number]
    if run.lead:
      if not self._monitor:
        self._monitor = run.described().task.outcome.monitor
      evaluated = run.workdir.read(run.workdir.evaluation)
      split = 'test' if 'test' in evaluated else next(iter(evaluated))
      line = report.headline(run.workdir, split, self._monitor)
      missing = '' if split == 'test' else '; there is no test split'
      print(f'{self.names[number]}: {line}{missing}')


def _spell(seconds: float) -> str:
  return f'{seconds:.0f} s' if seconds >= 10 else f'{seconds:.1f} s'
