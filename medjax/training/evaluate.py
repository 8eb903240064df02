"""Evaluates a checkpoint on every split that has not trained it, and writes what it found."""

from typing import Any

import jax

from medjax.errors import UserError
from medjax.evaluation import Predictions
from medjax.evaluation.estimate import Estimate
from medjax.experiment import Experiment
from medjax.runtime import Devices
from medjax.training import checkpoint, parallel, predict, state
from medjax.workdir import Workdir, write_json


def best_variables(experiment: Experiment, workdir: Workdir) -> tuple[dict[str, Any], int]:
  """The variables of the best checkpoint and its step.

  A damaged best checkpoint is named in a warning, and the best of the others is taken.

  Raises:
    UserError: the run has no whole checkpoint.
  """
  if not workdir.checkpoints.is_dir():
    raise UserError(f'--workdir={workdir.folder}: no checkpoint yet; train first')
  target = state.abstract(experiment)
  with checkpoint.Checkpoints(workdir.checkpoints, keep=1_000_000) as checkpoints:
    while (best := checkpoints.best()) is not None:
      found = checkpoints.read(best, target)
      if found is not None:
        return found[0].variables, best
  raise UserError(f'--workdir={workdir.folder}: no whole checkpoint; train first')


def evaluate(
  experiment: Experiment,
  variables: dict[str, Any],
  step: int,
  workdir: Workdir,
  devices: Devices,
  batch_size: int,
  precision: str,
) -> dict[str, Predictions]:
  """Writes predictions/<split>.csv and evaluation.json for val and test.

  The threshold is chosen on val and used on both.

  Args:
    experiment: data, model and task.
    variables: of the checkpoint to evaluate.
    step: of that checkpoint; stands in evaluation.json as ``checkpoint_step``.
    workdir: the run folder.
    devices: devices of all hosts.
    batch_size: examples a batch.
    precision: compute type, as in training.

  Returns:
    The predictions table of each split.
  """
  predict_step = parallel.compile_predict(experiment, devices, precision)
  variables = devices.replicate(variables)
  tables: dict[str, Predictions] = {}
  for name in ('val', 'test'):
    if name in experiment.data.splits:
      split = experiment.data.splits[name]
      tables[name], _ = predict.predict_split(
        predict_step, variables, split, experiment.data.classes, devices, batch_size
      )
  if jax.process_index() == 0:
    threshold = experiment.task.threshold(tables['val'])
    found: dict[str, Any] = {}
    for name, table in tables.items():
      table.write_csv(workdir.predictions(name))
      metrics = experiment.task.metrics(table, threshold) | {'checkpoint_step': Estimate(step)}
      found[name] = {metric: estimate.to_json() for metric, estimate in metrics.items()}
    write_json(workdir.evaluation, found)
  return tables
