"""One command on one run folder: what every verb needs."""

import contextlib
import copy
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
from absl import flags

from medjax import runtime, sealed, spent
from medjax.config import Config, ExplanationSettings
from medjax.data import dataset
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.ops import native
from medjax.spent import BASELINE, DATA, EVALUATION, REPORT, Spent
from medjax.verbs import finished
from medjax.workdir import Workdir

if TYPE_CHECKING:
  from medjax.training.baseline import Fits

_NOTES = 30  # on the data that are printed; all are in data.json


class Run:
  """An experiment's settings, its run folder, and what the command line said.

  Attributes:
    name: of the experiment.
    config: its settings.
    build: makes the experiment of settings.
    workdir: the run folder.
    values: parsed flags.
    devices: devices of all hosts.
    lead: whether this process keeps the run folder and speaks to the terminal.
  """

  def __init__(
    self,
    name: str,
    config: Config,
    build: Callable[[Any], Experiment],
    workdir: Workdir,
    values: flags.FlagValues,
  ):
    self.name, self.config, self.build = name, config, build
    self.workdir, self.values = workdir, values
    self.devices = runtime.devices(config.num_devices)
    self.lead = jax.process_index() == 0
    self.spent = Spent(runtime.since_start(), runtime.compile_clock())

  def other(self, config: Config, workdir: Workdir) -> 'Run':
    """The same command with other settings in another folder."""
    run = Run(self.name, config, self.build, workdir, self.values)
    run.spent = Spent(0.0, runtime.compile_clock())
    return run

  def experiment(
    self,
    *,
    told: bool = True,
    agreed: dict[str, Any] | None = None,
    planned: Callable[[int], int] | None = None,
  ) -> Experiment:
    """The experiment of the settings.

    Args:
      told: whether notes on its data go to the terminal.
      agreed: details of its data that sites have agreed on; see ``data.settings.Settings``.
      planned: updates that a private training is planned for; see ``budget.applied``.
    """
    from medjax.training import budget

    config: Any = self.config
    if agreed is not None:
      config = copy.copy(config)
      config.data = copy.copy(config.data)
      config.data.agreed = agreed
    with self.spent.on(DATA):
      built = self.build(budget.prepared(config, self.workdir))
    built = budget.applied(built, self.config, planned)
    self._shard(built)
    _check_explanation(self.config, built)
    notes = built.data.notes if self.lead and told else ()
    for note in notes[:_NOTES]:
      print(f'data: {note}', file=sys.stderr)
    if len(notes) > _NOTES:
      print(f'data: {len(notes) - _NOTES} more notes in data.json and report.html', file=sys.stderr)
    return built

  def finished(self) -> Experiment:
    """A finished run's experiment, with the examples that it began with.

    Raises:
      UserError: there is no such run, or its data have changed.
    """
    self.require_one()
    self.workdir.stored(self.config)
    self.workdir.check(self.config)
    about = dataset.describe(self.workdir)  # of an earlier version it could not be evaluated
    built = self.experiment(agreed=about['details'] if about.get(dataset.AGREED) else None)
    self.workdir.claim_data(built.data.summary(), write=False)
    return built

  def described(self) -> Experiment:
    """A finished run's experiment without its examples.

    Classes and inputs are the run's, not those of whatever lies at the source by now.

    Raises:
      UserError: there is no such run, or it was made by another version.
    """
    self.require_one()
    self.workdir.stored(self.config)
    self.workdir.check(self.config)
    built = self.of_description(dataset.describe(self.workdir))
    self._shard(built)
    return built

  def _shard(self, built: Experiment) -> None:
    from medjax.training import sharded

    self.devices = sharded.chosen(built, self.config, self.devices)

  def of_description(self, about: dict[str, Any]) -> Experiment:
    """The experiment on data that are described and not there; see ``dataset.describe``."""
    config: Any = copy.copy(self.config)
    config.data = copy.copy(config.data)
    config.data.stored = about
    return self.build(config)

  def require_one(self) -> None:
    """Sees that the folder is not one of several runs.

    Raises:
      UserError: it is that of a cross-validation or of a tuning.
    """
    folder = self.workdir.folder
    if self.workdir.several.exists():
      names = sealed.read(self.workdir.several)[0]['runs']
      raise UserError(
        f'--workdir={folder}: holds a cross-validation; expected the folder of one of its runs, '
        f'such as {folder / names[0]}, or another'
      )
    if self.workdir.tuning.exists():
      raise UserError(
        f'--workdir={folder}: holds a tuning; expected the folder of one of its runs, such as '
        f'{folder / "trial-0000-seed-0"}, or another'
      )

  def claim_several(self, names: Sequence[str]) -> None:
    """Makes the folder that of several runs in folders of these names, or sees that it is.

    Raises:
      UserError: it is the folder of one run, of a tuning, or of other settings.
    """
    if self.lead:
      if self.workdir.data.exists() or self.workdir.tuning.exists():
        raise UserError(
          f'--workdir={self.workdir.folder}: holds another kind of run; choose another'
        )
      self.workdir.claim(self.config)
      sealed.write(self.workdir.several, {'runs': list(names)})

  def alone(self) -> contextlib.AbstractContextManager[None]:
    """Keeps other commands that write out of the run folder; see ``Workdir.alone``."""
    return self.workdir.alone() if self.lead else contextlib.nullcontext()

  def output(self, default: pathlib.Path) -> pathlib.Path:
    """The file of --output, or ``default``.

    Raises:
      UserError: it is a folder.
    """
    given = self.values.output
    path = pathlib.Path(given).expanduser() if given else default
    if path.is_dir():
      raise UserError(f'--output={path}: is a folder; expected the name of a file')
    return path

  def finish(
    self,
    verb: str,
    experiment: Experiment,
    evaluate_step: Callable[..., Any] | None = None,
    *,
    page: bool = True,
    fits: 'Fits | None' = None,
  ) -> None:
    """Evaluates the chosen checkpoint, beside simple models, and writes the report.

    Nothing is computed where an earlier command left all this as it would be again.

    Args:
      verb: on whose time this is.
      experiment: data and model of the run.
      evaluate_step: as training has compiled it, if it has.
      page: whether the report is written, and said what is in it.
      fits: the simple models of the data, where other runs on them share them.
    """
    from medjax.report import run as report
    from medjax.training import baseline, evaluate

    # Of several processes each sees files of its own; all have to take the same way.
    caused_by = finished.causes(experiment, self.config) if jax.process_count() == 1 else ''
    again = self.values.again or (page and not self.workdir.report.exists())
    if caused_by and not again and finished.stands(self.workdir, caused_by):
      if not page:
        return
      print('nothing has changed since the last evaluation, which stands (--again repeats it)')
      self._say(experiment)
      return
    with self.spent.on(EVALUATION):
      found = evaluate.evaluate(experiment, self.workdir, self.devices, self.config, evaluate_step)
    if not self.lead:
      return
    with self.spent.on(BASELINE):
      baseline.write(experiment, self.workdir, found.step, found.tables, self.config, fits)
    if not page:
      self._write_spent(verb)
      if caused_by:
        finished.note(self.workdir, caused_by)
      return
    with self.spent.on(REPORT):
      explained = report.explain(experiment, self.workdir, found, _explanation(self.config))
      self._write_spent(verb)  # what the page shows
      report.write(experiment, self.workdir, found, explained)
    seconds = self._write_spent(verb)
    if caused_by:
      finished.note(self.workdir, caused_by)
    self._say(experiment)
    print(spent.line(seconds), file=sys.stderr)

  def _say(self, experiment: Experiment) -> None:
    """Prints what the last evaluation found."""
    from medjax.report import run as report

    outcome = experiment.task.outcome
    print(f'evaluated: {report.checkpoint_line(self.workdir)}')
    for split in self.workdir.evaluated():
      print(report.headline(self.workdir, split, outcome.monitor))
    for line in report.baseline_lines(self.workdir, outcome):
      print(line)
    for line in report.privacy_lines(self.workdir):
      print(line)
    print(f'report: {self.workdir.report}')

  def report(self, experiment: Experiment) -> None:
    """Writes the report again, from what was evaluated."""
    from medjax.report import run as report
    from medjax.training import evaluate

    found = evaluate.read(experiment, self.workdir)
    explained = report.explain(experiment, self.workdir, found, _explanation(self.config))
    page = report.write(experiment, self.workdir, found, explained)
    print(f'report: {page}')

  def write_environment(self, seconds: float) -> None:
    """Versions, device, and the seconds of training, over all commands that went on with it."""
    from medjax.training import history

    total = history.read(self.workdir).seconds
    about = {**runtime.environment(), 'native_kernels': native.status()}
    about |= {'seconds': total, 'spent': self._spent_before()}
    self.workdir.write(self.workdir.environment, {'experiment': self.name, **about})
    if seconds:
      print(f'trained in {seconds:.0f} s')

  def _write_spent(self, verb: str) -> dict[str, float]:
    """Writes to environment.json where the time of this command went, and gives it."""
    seconds = self.spent.seconds()
    with contextlib.suppress(UserError):  # a damaged file, which the report names
      about = self.workdir.read(self.workdir.environment)
      about['spent'] = about.get('spent', {}) | {verb: seconds}
      self.workdir.write(self.workdir.environment, about)
    return seconds

  def _spent_before(self) -> dict[str, dict[str, float]]:
    """Where the time of earlier commands on this run went, by verb."""
    try:
      return dict(self.workdir.read(self.workdir.environment).get('spent', {}))
    except UserError:  # there is none yet, or it is damaged
      return {}


def _explanation(config: Config) -> str:
  """The method by which the report explains cases; 'none' for a config that has no such setting."""
  return config.explanation if isinstance(config, ExplanationSettings) else 'none'


def _check_explanation(config: Config, experiment: Experiment) -> None:
  """Refuses a method of explanation that the data do not have, before anything is computed."""
  method, methods = _explanation(config), experiment.data.modality.methods
  if methods and method not in ('none', *methods):
    raise UserError(f'config.explanation={method}: expected none or one of {", ".join(methods)}')
