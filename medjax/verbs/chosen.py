"""What predicts new cases beside a single run: a file of export, or all runs of a crossval."""

import pathlib
import sys
from collections.abc import Callable
from typing import Any

from medjax import sealed
from medjax.data import dataset
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.verbs import crossval
from medjax.verbs.run import Run
from medjax.workdir import Workdir


def of_model(run: Run) -> tuple[Experiment, Callable[[], Any]]:
  """The experiment of the file of --model, and what makes its predictor.

  Raises:
    UserError: the file is damaged or of another experiment, or --workdir was given too.
  """
  from medjax.deploy import model_file
  from medjax.exported import settings
  from medjax.exported.model import load

  if run.values['workdir'].present:
    raise UserError('--workdir: needs a run folder; expected no --model with it')
  path = pathlib.Path(run.values.model).expanduser()
  settings.check(path, run.name, run.config)
  model = load(path)
  experiment = run.of_description(dataset.checked(model.manifest['data'], path))
  return experiment, model_file.maker(model, experiment, path, run.config.batch_size)


def is_crossval(run: Run) -> bool:
  """Whether the run folder is that of a cross-validation."""
  return (run.workdir.folder / crossval.SUMMARY).exists()


def of_crossval(run: Run) -> tuple[list[Any], Any]:
  """The runs of a cross-validation, and how the mean of what they predict becomes a decision.

  Raises:
    UserError: they cannot predict together, or the decision is of other runs.
  """
  from medjax.deploy import committee

  members = []
  about, _ = sealed.read(run.workdir.folder / crossval.SUMMARY)
  for name in about['runs']:
    workdir = Workdir(run.workdir.folder / name)
    one = run.other(workdir.stored(run.config), workdir)
    members.append(committee.Member(one.described(), one.config, workdir))
  path = run.workdir.folder / crossval.DECISION
  if not path.exists():
    raise UserError(
      f'{run.workdir.folder}: predictions of this kind cannot be averaged over runs; expected the '
      f'folder of one of them, such as --workdir={members[0].workdir.folder}'
    )
  value, seal = sealed.read(path)
  if seal.get('runs') != ' '.join(about['runs']):
    raise UserError(f'{path}: is of other runs; run crossval again')
  if failed := about['failed']:
    print(
      f'{run.workdir.folder}: {len(failed)} runs failed and take no part: {", ".join(failed)}',
      file=sys.stderr,
    )
  return members, members[0].experiment.task.outcome.read_decision(value)
