"""Evaluates a checkpoint on every split that has not trained it, and writes what it found."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
from absl import logging

from medjax.config import Config
from medjax.errors import UserError
from medjax.evaluation import Estimate
from medjax.experiment import Experiment
from medjax.runtime import Devices
from medjax.training import checkpoint, parallel, predict, state
from medjax.workdir import Workdir

D = TypeVar('D')


def best_variables(experiment: Experiment, workdir: Workdir) -> tuple[dict[str, Any], int]:
  """The variables of the best checkpoint and its step.

  A damaged best checkpoint is named in a warning, and the best of the others is taken.

  Raises:
    UserError: the run has no whole checkpoint.
  """
  if not workdir.checkpoints.is_dir():
    raise UserError(f'--workdir={workdir.folder}: no checkpoint yet; train first')
  for path in sorted(workdir.checkpoints.glob('*.damaged*')):
    logging.warning('checkpoint %s was found damaged before and is left out', path)
  target = state.abstract(experiment)
  with checkpoint.Checkpoints(
    workdir.checkpoints, keep=1_000_000, run=workdir.identity()
  ) as checkpoints:
    while (best := checkpoints.best()) is not None:
      restored = checkpoints.read(best, target)
      if restored is not None:
        return restored[0].variables, best
  raise UserError(f'--workdir={workdir.folder}: no whole checkpoint; train first')


def evaluate(
  experiment: Experiment,
  variables: dict[str, Any],
  step: int,
  workdir: Workdir,
  devices: Devices,
  config: Config,
) -> dict[str, Any]:
  """Writes predictions/<split>.csv, decision.json and evaluation.json for val and test.

  What the outcome decides by (calibration, threshold and conformal sets, or the width of intervals)
  is fitted on val and used on both.

  Args:
    experiment: data, model and task.
    variables: of the checkpoint to evaluate.
    step: of that checkpoint; stands in evaluation.json as ``checkpoint_step``.
    workdir: the run folder.
    devices: devices of all hosts.
    config: settings of the run.

  Returns:
    The outcome's table of each split, calibrated where it holds probabilities.
  """
  evaluate_step = parallel.compile_evaluate(experiment, devices, config.precision)
  variables = devices.replicate(variables)
  raw: dict[str, Any] = {}
  for name in ('val', 'test'):
    if name in experiment.data.splits:
      split = experiment.data.splits[name]
      raw[name], _ = predict.predict_split(
        experiment, evaluate_step, variables, split, devices, config.batch_size
      )
  outcome = experiment.task.outcome
  decision = outcome.decide(raw['val'], step, config)
  tables: dict[str, Any] = {}
  estimates: dict[str, Any] = {}
  for name, table in raw.items():
    tables[name], metrics = outcome.evaluate(table, decision)
    metrics |= {'checkpoint_step': Estimate(step)}
    estimates[name] = {metric: estimate.to_json() for metric, estimate in metrics.items()}
  if jax.process_index() == 0:
    workdir.write(workdir.decision, decision.to_json())
    for name, table in tables.items():
      table.write_csv(workdir.predictions(name))
    # Last: it holds the digests of the others, so that half an evaluation is not taken for one.
    made = [workdir.decision, *map(workdir.predictions, tables)]
    workdir.write(workdir.evaluation, estimates, covers=made)
  return tables


def read_tables(experiment: Experiment, workdir: Workdir) -> dict[str, Any]:
  """The tables that ``evaluate`` wrote, by split.

  Raises:
    UserError: one is missing or damaged.
  """
  names = (name for name in ('val', 'test') if name in experiment.data.splits)
  workdir.verified(workdir.decision)  # the decision that these tables were made by
  paths = {name: workdir.verified(workdir.predictions(name)) for name in names}
  return {name: experiment.task.outcome.read_table(path) for name, path in paths.items()}


def read_decision(
  read: Callable[[dict[str, Any]], D], workdir: Workdir, step: int | None = None
) -> D:
  """How a run's predictions become decisions, as its outcome fitted it.

  Args:
    read: the outcome's ``read_decision``.
    workdir: the run folder.
    step: of the checkpoint that it must have been fitted to; None for any.

  Raises:
    UserError: the run was not evaluated, or another checkpoint of it.
  """
  if not workdir.decision.exists():
    raise UserError(f'--workdir={workdir.folder}: not evaluated yet; run evaluate first')
  try:
    decision: Any = read(workdir.read(workdir.decision))
  except (KeyError, TypeError, ValueError) as error:
    raise UserError(f'{workdir.decision}: damaged ({error}); run evaluate again') from None
  if step is not None and decision.checkpoint_step != step:
    raise UserError(
      f'{workdir.decision}: is of the checkpoint of step {decision.checkpoint_step}, and the best '
      f'whole one is of step {step}; run evaluate again'
    )
  return decision
