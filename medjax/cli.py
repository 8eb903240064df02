"""The command line of every experiment: verbs, flags, and errors of one line.

    python -m experiments.lung_cnn [train | evaluate | predict FILES | explain FILES |
        motifs FILES | compare RUN_A RUN_B] [--config.NAME=VALUE ...]

Exit codes: 0 done; 2 something the user can mend; 3 the loss stopped being a number; 74 the disk
is full; 75 asked to end (SIGTERM) and saved: the same command continues; 130 interrupted.
"""

import contextlib
import dataclasses
import errno
import os
import pathlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import jax
from absl import flags, logging

from medjax import arguments, runtime
from medjax import config as config_lib
from medjax.config import Config
from medjax.data import dataset
from medjax.errors import DiskFullError, UserError
from medjax.ops import native
from medjax.workdir import Workdir, read_json, write_json

C = TypeVar('C', bound=Config)


def main(config: Config, build: Callable[[Any], Any], argv: Sequence[str] | None = None) -> None:
  """Runs one experiment's command line and exits.

  Args:
    config: the experiment's settings with their defaults.
    build: makes the ``medjax.Experiment`` from the settings after overrides.
    argv: arguments without the program's name; those of the process otherwise.

  Raises:
    SystemExit: always; see the module's docstring for the codes.

  Example:
    >>> if __name__ == '__main__':                                 # doctest: +SKIP
    ...   medjax.main(Config(), build)
  """
  name = _experiment_name(build)
  given = list(sys.argv[1:] if argv is None else argv)
  values = arguments.define(config)
  with one_line_errors():
    if arguments.asks_help(given):
      print(arguments.help_text(name, config))
      return
    verb, files = arguments.command(arguments.parse(values, given))
    if verb == 'compare':
      compare_runs(files, values.split)
      return
    stored = Workdir(values.workdir) if values.workdir else None
    if stored is not None and verb in ('evaluate', 'predict', 'explain', 'motifs'):
      config = stored.stored(config)
    overridden = config_lib.override(config, values)
    workdir = stored or Workdir(
      pathlib.Path('runs') / f'{name}-{config_lib.short_hash(overridden)}'
    )
    if argv is None:
      runtime.restart_with_huge_pages()
    runtime.configure(xla_tuning=overridden.xla_tuning)
    runtime.join_hosts(values.coordinator, values.num_processes, values.process_id)
    logging.use_absl_handler()
    run = _Command(name, overridden, build, workdir, values)
    if values.preview:
      run.preview()
    elif verb == 'predict':
      run.predict(files)
    elif verb == 'explain':
      run.explain(files)
    elif verb == 'motifs':
      run.motifs(files)
    else:
      {
        'train': run.train,
        'evaluate': run.evaluate,
        'bench': run.bench,
        'crossval': run.crossval,
      }[verb]()


def compare_runs(folders: Sequence[str], split: str = 'test') -> None:
  """Prints the paired differences of two runs on the cases of a split.

  Raises:
    UserError: not two folders of evaluated runs on the same cases.
  """
  from medjax.report import comparison

  if len(folders) != 2:
    raise UserError(f'compare: expected two run folders after it, found {len(folders)}')
  comparison.show(Workdir(folders[0]), Workdir(folders[1]), split)


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
  """Ends the process, with one line where what is inside fails for a reason the user can mend.

  Raises:
    SystemExit: always; see the module's docstring for the codes.
  """
  code = 0
  try:
    yield
  except UserError as error:
    code = _say(str(error), error.exit_code)
  except OSError as error:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    where = f'{error.filename}: ' if error.filename else ''
    what = 'no space left on the disk' if full else error.strerror or str(error)
    code = _say(f'{where}{what}', DiskFullError.exit_code if full else UserError.exit_code)
  except jax.errors.JaxRuntimeError as error:
    if 'RESOURCE_EXHAUSTED' not in str(error):
      raise
    code = _say(
      'the device has too little memory; try a smaller config.batch_size, or a larger '
      'config.accumulate for the same result',
      UserError.exit_code,
    )
  except KeyboardInterrupt:
    code = _say('interrupted; repeat the command to continue', 130)
  sys.exit(code)


def _say(error: str, code: int) -> int:
  print(f'error: {error}', file=sys.stderr)
  return code


class _Command:
  """One verb on one run folder."""

  def __init__(
    self,
    name: str,
    config: Config,
    build: Callable[[Any], Any],
    workdir: Workdir,
    values: flags.FlagValues,
  ):
    self.name, self.config, self.build = name, config, build
    self.workdir, self.values = workdir, values
    self.devices = runtime.devices(config.num_devices)
    # One process of several keeps the run folder and speaks to the terminal.
    self.lead = jax.process_index() == 0

  def train(self) -> None:
    from medjax.training import loop

    start = time.monotonic()
    self.workdir.check(self.config)
    experiment = self._build()
    self.workdir.check(self.config)  # again: another process may have begun a run here meanwhile
    if self.lead:
      self.workdir.claim(self.config)
      self._write_environment(0.0)
      if note := native.note():
        print(f'speed: {note}', file=sys.stderr)
    steps = loop.train(experiment, self.config, self.workdir, self.devices)
    if self.lead and steps:
      self._write_environment(time.monotonic() - start)
    self._finish(experiment)

  def evaluate(self) -> None:
    self._finish(self._finished())

  def predict(self, files: Sequence[str]) -> None:
    from medjax.deploy import files as deploy

    experiment = self._described('predict', files)
    if listed := self.values.variants:
      from medjax.deploy import variants

      output = self._output(self.workdir.folder / 'variants.csv')
      path = pathlib.Path(listed).expanduser()
      variants.predict_variants(experiment, self.config, self.workdir, files, path, output)
      return
    output = self._output(self.workdir.folder / 'predict.csv')
    deploy.predict_files(experiment, self.config, self.workdir, self.devices, files, output)

  def explain(self, files: Sequence[str]) -> None:
    from medjax.deploy import explain_files

    if self.values.grade:
      self._grade(files)
      return
    experiment = self._described('explain', files)
    output = self.values.output
    folder = pathlib.Path(output).expanduser() if output else self.workdir.folder / 'explanations'
    if folder.exists() and not folder.is_dir():
      raise UserError(f'--output={folder}: is a file; expected the name of a folder')
    explain_files.explain_files(
      experiment, self.config, self.workdir, files, self.values.method, folder
    )

  def _grade(self, files: Sequence[str]) -> None:
    from medjax.explain.methods import METHODS, USUAL
    from medjax.report import grading

    if files:
      raise UserError(f"explain --grade {files[0]}: grades the run's own test cases, not files")
    experiment = self._finished()
    kind, method = experiment.data.kind, self.values.method
    methods = list(METHODS.get(kind, ())) if method == 'all' else [method or USUAL.get(kind, '')]
    grading.grade_run(experiment, self.workdir, methods, self.values.cases or 32)
    self._report(experiment)

  def _finished(self) -> Any:
    """The run's experiment, with the examples that it began with."""
    self.workdir.stored(self.config)
    self.workdir.check(self.config)
    experiment = self._build()
    self.workdir.claim_data(experiment.data.summary(), write=False)
    return experiment

  def _report(self, experiment: Any) -> None:
    """Writes the report again, from what was evaluated."""
    from medjax.report import run as report
    from medjax.training import evaluate

    variables, _ = evaluate.best_variables(experiment, self.workdir)
    tables = evaluate.read_tables(experiment, self.workdir)
    page = report.write(experiment, variables, self.workdir, tables, self.config.explanation)
    print(f'report: {page}')

  def motifs(self, files: Sequence[str]) -> None:
    from medjax.report import motifs

    experiment = self._finished()
    motifs.write(experiment, self.workdir, files, self.values.cases)
    self._report(experiment)

  @staticmethod
  def _require_images(what: str, experiment: Any) -> None:
    kind = experiment.data.kind
    if kind != 'images':
      raise UserError(f'{what}: shows images, and these data are {kind}')

  def _described(self, verb: str, files: Sequence[str]) -> Any:
    """The run's experiment without its examples.

    Classes and input shape are the run's, not those of whatever lies at the source by now.
    """
    if not files:
      raise UserError(f'{verb}: expected files or folders after it')
    self.workdir.stored(self.config)
    self.workdir.check(self.config)
    source: Any = self.config
    source.data.source = f'{dataset.DESCRIBED}{self.workdir.data}'
    return self._build()

  def crossval(self) -> None:
    """A run for each fold and repeat, each in a folder of its own, and their mean."""
    from medjax.report import folds

    given: Any = self.config
    if not hasattr(given.data, 'folds'):
      raise UserError(f'crossval: the data of {self.name} have no folds')
    runs = []
    for repeat in range(self.values.repeats):
      count = given.data.folds or 5
      for fold in range(count):
        data = dataclasses.replace(
          given.data, folds=count, fold=fold, seed=given.data.seed + repeat
        )
        config: Any = dataclasses.replace(given, data=data)
        config_lib.check(config)
        workdir = Workdir(self.workdir.folder / f'repeat-{repeat}-fold-{fold}')
        print(f'repeat {repeat + 1} of {self.values.repeats}, fold {fold + 1} of {count}')
        _Command(self.name, config, self.build, workdir, self.values).train()
        runs.append(workdir)
    if self.lead:
      folds.show(runs, self.workdir.folder)

  def bench(self) -> None:
    from medjax.bench import run as bench

    found = bench.bench(self._build(), self.config, self.devices)
    bench.table(self.name, found)
    path = self._output(pathlib.Path(f'{self.name}-bench.json'))
    write_json(path, {'experiment': self.name, 'config': config_lib.to_dict(self.config), **found})
    print(f'measurements: {path}')

  def preview(self) -> None:
    from medjax.report import preview

    path = self._output(self.workdir.preview)
    experiment = self._build()
    self._require_images('--preview', experiment)
    preview.write(experiment, self.config.seed, path)
    print(f'preview: {path}')

  def _output(self, default: pathlib.Path) -> pathlib.Path:
    path = pathlib.Path(os.path.expanduser(self.values.output)) if self.values.output else default
    if path.is_dir():
      raise UserError(f'--output={path}: is a folder; expected the name of a file')
    return path

  def _build(self) -> Any:
    experiment = self.build(self.config)
    for note in experiment.data.notes if self.lead else ():
      print(f'data: {note}', file=sys.stderr)
    return experiment

  def _finish(self, experiment: Any) -> None:
    """Evaluates the best checkpoint and writes the report."""
    from medjax.report import run as report
    from medjax.training import evaluate

    variables, step = evaluate.best_variables(experiment, self.workdir)
    tables = evaluate.evaluate(
      experiment,
      variables,
      step,
      self.workdir,
      self.devices,
      self.config,
    )
    if not self.lead:
      return
    page = report.write(experiment, variables, self.workdir, tables, self.config.explanation)
    print(f'evaluated: the {self.config.select} checkpoint, of step {step}')
    for split in tables:
      print(report.headline(self.workdir, split, experiment.task.monitor))
    print(f'report: {page}')

  def _write_environment(self, seconds: float) -> None:
    """Versions, device, and the seconds of training, over all commands that went on with it."""
    path = self.workdir.environment
    before = read_json(path).get('seconds', 0.0) if path.exists() else 0.0
    total = round(before + seconds, 1)
    about = {**runtime.environment(), 'native_kernels': native.status()}
    write_json(path, {'experiment': self.name, **about, 'seconds': total})
    if seconds:
      print(f'trained in {seconds:.0f} s')


def _experiment_name(build: Callable[[Any], Any]) -> str:
  """The experiment's module name, also when it was started with ``python -m``."""
  module = build.__module__
  if module == '__main__':
    spec = getattr(sys.modules['__main__'], '__spec__', None)
    module = spec.name if spec else pathlib.Path(sys.argv[0]).stem
  return module.rsplit('.', 1)[-1]
