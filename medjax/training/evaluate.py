"""Evaluates a checkpoint on every split that has not trained it, and writes what it found."""

from typing import Any

import jax

from medjax import evaluation
from medjax.config import Config
from medjax.errors import UserError
from medjax.evaluation import Decision, Estimate, Predictions, calibration, conformal
from medjax.experiment import Experiment
from medjax.runtime import Devices
from medjax.tasks import Task
from medjax.training import checkpoint, parallel, predict, state
from medjax.workdir import Workdir, read_json, write_json

# Metrics that calibration is for, shown also without it.
_CALIBRATED = ('brier', 'log_loss', 'ece')


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
  config: Config,
) -> dict[str, Predictions]:
  """Writes predictions/<split>.csv, decision.json and evaluation.json for val and test.

  Calibration, threshold and conformal sets are fitted on val and used on both.

  Args:
    experiment: data, model and task.
    variables: of the checkpoint to evaluate.
    step: of that checkpoint; stands in evaluation.json as ``checkpoint_step``.
    workdir: the run folder.
    devices: devices of all hosts.
    config: settings of the run.

  Returns:
    The predictions table of each split, calibrated.
  """
  predict_step = parallel.compile_predict(experiment, devices, config.precision)
  variables = devices.replicate(variables)
  raw: dict[str, Predictions] = {}
  for name in ('val', 'test'):
    if name in experiment.data.splits:
      split = experiment.data.splits[name]
      raw[name], _ = predict.predict_split(
        predict_step, variables, split, experiment.data.classes, devices, config.batch_size
      )
  decision = decide(experiment.task, raw['val'], step, config)
  tables = {name: decision.calibration.table(table) for name, table in raw.items()}
  if jax.process_index() == 0:
    write_json(workdir.decision, decision.to_json())
    found: dict[str, Any] = {}
    for name, table in tables.items():
      table.write_csv(workdir.predictions(name))
      metrics = experiment.task.metrics(table, decision.threshold)
      if decision.calibration.method != 'none':
        before = experiment.task.metrics(raw[name], decision.threshold)
        metrics |= {f'{m}_uncalibrated': before[m] for m in _CALIBRATED if m in before}
      metrics |= evaluation.conformal_metrics(raw[name], decision.conformal)
      metrics |= {'checkpoint_step': Estimate(step)}
      found[name] = {metric: estimate.to_json() for metric, estimate in metrics.items()}
    write_json(workdir.evaluation, found)
  return tables


def read_tables(experiment: Experiment, workdir: Workdir) -> dict[str, Predictions]:
  """The tables that ``evaluate`` wrote, by split.

  Raises:
    UserError: one is missing or damaged.
  """
  names = (name for name in ('val', 'test') if name in experiment.data.splits)
  return {name: evaluation.read_csv(workdir.predictions(name)) for name in names}


def decide(task: Task, validation: Predictions, step: int, config: Config) -> Decision:
  """Fits calibration, threshold and conformal sets to a validation table of raw predictions.

  Args:
    task: gives the threshold.
    validation: raw predictions.
    step: of the checkpoint that made them.
    config: how.
  """
  fitted = calibration.fit(config.calibration, validation)
  calibrated = fitted.table(validation)
  return Decision(
    step,
    fitted,
    task.threshold(calibrated, config.operating_point, config.operating_target),
    # Raw: calibration has seen the labels, and its probabilities are better here than on new cases.
    conformal.fit(config.conformal, config.coverage, validation),
  )


def read_decision(workdir: Workdir, step: int | None = None) -> Decision:
  """How a run's probabilities become decisions.

  Args:
    workdir: the run folder.
    step: of the checkpoint that it must have been fitted to; None for any.

  Raises:
    UserError: the run was not evaluated, or another checkpoint of it.
  """
  if not workdir.decision.exists():
    raise UserError(f'--workdir={workdir.folder}: not evaluated yet; run evaluate first')
  try:
    found = Decision.from_json(read_json(workdir.decision))
  except (KeyError, TypeError, ValueError) as error:
    raise UserError(f'{workdir.decision}: damaged ({error}); run evaluate again') from None
  if step is not None and found.checkpoint_step != step:
    raise UserError(
      f'{workdir.decision}: is of the checkpoint of step {found.checkpoint_step}, and the best '
      f'whole one is of step {step}; run evaluate again'
    )
  return found
