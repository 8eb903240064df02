"""Several runs of one command: how they are trained, and what became of each."""

import contextlib
import dataclasses
import functools
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax

from medjax import machine, runtime, sealed
from medjax.data import examples
from medjax.errors import DiskFullError, UserError
from medjax.experiment import Experiment
from medjax.spent import Spent
from medjax.verbs import beside, workers
from medjax.verbs import train as train_verb
from medjax.verbs.run import Run
from medjax.verbs.way import IN_TURN, SIDE_BY_SIDE, TOGETHER, Choice, fastest, line, spell
from medjax.verbs.workers import Failure, Task, Workers

if TYPE_CHECKING:
  from medjax.training.ways import Clock

_CHOICE = 'way.json'


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
  if not several:
    return at_work.in_turn()
  choice = at_work.choose(way)
  return at_work.by_measure() if choice is None else at_work.by(choice)


class _AtWork:
  """The runs of one command."""

  def __init__(self, command: Run, runs: Sequence[Run], names: Sequence[str], page: bool):
    self.command, self.runs, self.names, self.page = command, runs, names, page
    self.failures: dict[int, Failure] = {}
    self.choice = command.workdir.folder / _CHOICE
    self.started = runtime.since_start()
    self._workers: Workers | None = None
    self._built: dict[int, Experiment] = {}
    self._told = False
    self._done: set[int] = set()
    self._programs: dict[tuple[int, ...], Any] = {}
    self._simple = beside.Simple()
    self._monitor = ''

  def by(self, choice: Choice) -> dict[int, Failure]:
    """In the way that is chosen."""
    if choice.way == TOGETHER:
      return self.together(choice.at_once)
    if choice.way == SIDE_BY_SIDE:
      return self.side_by_side(choice.at_once)
    return self.in_turn()

  def in_turn(self, clock: 'Clock | None' = None) -> dict[int, Failure]:
    """One after another, those on the same data next to each other where they are built already.

    Raises:
      Enough: ``clock`` asks for it.
    """
    from medjax.training import ways

    built = self._everyone if clock else {}
    for number in self._by_data(built) if clock else range(len(self.runs)):
      if number in self.failures or number in self._done:
        continue
      with self._may_fail(number):
        run, experiment, fits = self.runs[number], None, None
        if clock:
          member = self._member(number, again=True)
          experiment, fits = member.experiment, self._simple.fits(member.experiment)
          clock.begin(ways.updates([member]))
        train_verb.train(run, page=self.page, experiment=experiment, fits=fits, timed=clock)
        self._say(number)
      self._done.add(number)
      built.pop(number, None)
      self._built.pop(number, None)
      runtime.spare_mappings()
    return self.failures

  def by_measure(self) -> dict[int, Failure]:
    """In turn, unless the first updates say that another way may be faster, and it then is."""
    from medjax.training import ways

    clock = ways.Clock(lambda: self._stays(clock))
    try:
      self.in_turn(clock)
    except ways.Enough:
      choice = self._measured(clock)
      self._take(choice)
      return self.in_turn(clock) if choice.way == IN_TURN else self.by(choice)
    if not self.choice.exists():  # there were too few updates
      self._take(Choice(IN_TURN))
    return self.failures

  def side_by_side(self, processes: int) -> dict[int, Failure]:
    """In processes of their own, as many at once as there are cores for."""
    with self._processes(processes) as at_work:

      def told(number: int, answer: str | Failure) -> None:
        if isinstance(answer, Failure):
          self._failed(number, answer)
        else:
          self._say(number)

      over = self._done | self.failures.keys()
      numbers = [number for number in range(len(self.runs)) if number not in over]
      tasks = [self._task(number) for number in numbers]
      at_work.run(tasks, lambda place, answer: told(numbers[place], answer))
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
      numbers = [number for number, _ in some]
      program = self._program(numbers)
      runs = [self.runs[number] for number in numbers]
      evaluation = held.enter_context(beside.Evaluation(runs, self.page))
      found = program.train(spent)
      if any(isinstance(done, int) and done for done in found.values()):
        print(f'trained {len(some)} runs together in {time.monotonic() - start:.0f} s')
      verbs: dict[int, str] = {}
      for number in self._by_data(dict(some)):
        place = numbers.index(number)
        with self._may_fail(number):
          done = found[place]
          if isinstance(done, Exception):
            raise done
          if done:
            self.runs[number].write_environment(0.0)
          verbs[place] = 'train' if done else 'evaluate'
      for place, answer in evaluation.of(verbs):
        number, experiment = numbers[place], some[place][1].experiment
        with self._may_fail(number):
          if answer is None:
            step, fits = program.evaluate_step(place), self._simple.fits(experiment)
            runs[place].finish(verbs[place], experiment, step, page=self.page, fits=fits)
          else:
            print(answer, end='')
          self._say(number)
      self._done.update(numbers)

  def choose(self, way: str) -> Choice | None:
    """The way that is asked for or was taken before; None where it is to be measured."""
    before = Choice(**sealed.read(self.choice)[0]) if self.choice.exists() else None
    if before and way in ('auto', before.way):
      return before
    if way == 'auto':
      return None
    choice = self._asked(way)
    self._take(choice)
    return choice

  def _take(self, choice: Choice) -> None:
    """Keeps a choice for when the command is repeated, and says what it is by."""
    sealed.write(self.choice, dataclasses.asdict(choice))
    if choice.told and self.command.lead:
      print(choice.told)

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

  def _stays(self, clock: 'Clock') -> bool:
    """Whether runs go on in turn, as the measure of other ways is not worth its time."""
    from medjax.training import ways

    everyone = list(self._everyone.values())
    if len(everyone) < 2:
      return True
    seconds = ways.updates(everyone) * clock.alone
    together = ways.against(everyone, self.command.devices, clock)
    processes = self._against_processes(seconds, seconds, clock.start)
    if not (together and processes):
      return False
    told = (f'not together: {together}', f'not side by side: {processes}')
    self._take(Choice(IN_TURN, told=line(len(self.runs), {IN_TURN: seconds}, told, IN_TURN)))
    return True

  def _measured(self, clock: 'Clock') -> Choice:
    """The fastest way, by some updates of each."""
    from medjax.training import ways

    if self.command.lead:
      print('timing some updates of other ways to train these runs', file=sys.stderr)
    # Positions among those that could be built stand for their numbers.
    numbers, everyone = list(self._everyone), list(self._everyone.values())
    devices, count = self.command.devices, ways.updates(everyone)
    seconds, told = {IN_TURN: count * clock.alone}, []
    reason = ways.against(everyone, devices, clock)
    found = ways.Measured(reason=reason)
    if not reason:
      found = ways.measure(
        everyone,
        devices,
        clock.alone,
        lambda: [[numbers.index(number) for number in group] for group in self._groups],
        lambda places: self._program([numbers[place] for place in places]),
      )
    if found.seconds is None:
      told.append(f'not together: {found.reason}')
    else:
      seconds[TOGETHER] = count * found.seconds
      told.append(f'together ({found.at_once} in one program) {spell(seconds[TOGETHER])}')
    best = fastest(seconds)
    processes = min(machine.cores(), len(numbers))
    reason = self._against_processes(seconds[IN_TURN], seconds[best], clock.start)
    if not reason:
      tasks = [dataclasses.replace(self._task(i), only_times=True) for i in numbers[:processes]]
      try:
        share = workers.share(len(numbers), processes)
        start = self.started + clock.start  # of each process, before its first update
        seconds[SIDE_BY_SIDE] = count * self._processes(processes).times(tasks) * share + start
        told.append(f'side by side ({processes} processes) {spell(seconds[SIDE_BY_SIDE])}')
      except UserError as error:  # such as too little memory for several
        reason = str(error)
    if reason:
      told.append(f'not side by side: {reason}')
    best = fastest(seconds)
    if best == IN_TURN:
      self._programs.clear()
    if best != SIDE_BY_SIDE and self._workers is not None:
      self._workers.close()
      self._workers = None
    at_once = {IN_TURN: 1, TOGETHER: found.at_once, SIDE_BY_SIDE: processes}[best]
    return Choice(best, at_once, line(len(self.runs), seconds, told, best))

  def _against_processes(self, in_turn: float, best: float, start: float) -> str:
    runs, started = len(self._everyone), self.started + start
    several = min(machine.cores(), runs)
    return workers.against(self.command.devices, runs, several, in_turn, best, started)

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
      self._built[number] = run.experiment(told=not self._told)
      self._told = True
    if again:
      train_verb.check(run, self._built[number])
    return Member(self._built[number], run.config, run.workdir)

  def _by_data(self, some: Mapping[int, Any]) -> list[int]:
    """Numbers of members, those on the same data next to each other."""
    first: dict[int, int] = {}
    for number, member in some.items():
      first.setdefault(id(member.experiment.data), number)
    return sorted(some, key=lambda number: first[id(some[number].experiment.data)])

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
