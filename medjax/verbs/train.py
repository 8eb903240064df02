"""The verb ``train``: train, evaluate the best checkpoint, write the report; or look at inputs."""

import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from medjax.arguments import Flag, Verb
from medjax.data import dataset
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.ops import native
from medjax.spent import COMPILE
from medjax.verbs.run import Run

if TYPE_CHECKING:
  from medjax.training.baseline import Fits


def train(
  run: Run,
  words: Sequence[str] = (),
  *,
  page: bool = True,
  experiment: Experiment | None = None,
  fits: 'Fits | None' = None,
  timed: Callable[[int], None] | None = None,
) -> None:
  """Trains to the end, from where the run folder stands, evaluates, and writes the report.

  Args:
    run: settings and folder.
    words: none.
    page: whether the report is written.
    experiment: of the settings, where it is built already.
    fits: the simple models of its data, where other runs on them share them.
    timed: told of updates; see ``loop.train``.

  Raises:
    UserError: the folder holds another run, the data cannot be read, or weights do not fit.
  """
  from medjax.training import loop, parallel

  if run.values.preview:
    _preview(run)
    return
  if run.values.output:
    raise UserError('--output: says where --preview writes; the run folder is --workdir=FOLDER')
  start = time.monotonic()
  run.require_one()
  run.workdir.check(run.config)
  experiment = experiment or run.experiment()
  check(run, experiment)  # again: another process may have begun a run here meanwhile
  with run.alone():
    claim(run, experiment)
    step = parallel.compile_evaluate(experiment, run.devices, run.config.precision)
    steps = loop.train(
      experiment, run.config, run.workdir, run.devices, step, run.spent, timed=timed
    )
    if run.lead and steps:
      run.write_environment(time.monotonic() - start)
    run.finish('train' if steps else 'evaluate', experiment, step, page=page, fits=fits)


def check(run: Run, experiment: Experiment) -> None:
  """Sees that a run's folder and the weights that it starts from fit it.

  Raises:
    UserError: the folder holds another run, or weights do not fit.
  """
  from medjax.training import weights

  run.workdir.check(run.config)
  if run.workdir.data.exists():
    dataset.describe(run.workdir)  # of an earlier version it could not be evaluated
  for note in weights.check(experiment, run.workdir):
    if run.lead:
      print(f'weights: {note}', file=sys.stderr)


def claim(run: Run, experiment: Experiment) -> None:
  """Begins a run in its folder, or sees that it is the one that began there.

  Raises:
    UserError: the folder holds another run.
  """
  from medjax.training import baseline

  if not run.lead:
    return
  run.workdir.claim(run.config)
  run.workdir.claim_data(experiment.data.summary())
  with run.spent.on(COMPILE):
    note = native.note()
  run.write_environment(0.0)
  if note:
    print(f'speed: {note}', file=sys.stderr)
  baseline.load_ahead(experiment)


def _preview(run: Run) -> None:
  from medjax.report import preview

  path = run.output(run.workdir.preview)
  preview.write(run.experiment(), run.config.seed, path)
  print(f'preview: {path}')


VERB = Verb(
  'train',
  'train, evaluate the best checkpoint and write the report',
  train,
  (
    Flag('preview', False, 'write a picture of what the network sees and stop'),
    Flag('output', '', 'where --preview writes', 'FILE'),
  ),
)
