"""Evaluates the chosen checkpoint on val and test, and writes what it found."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import jax
from absl import logging

from medjax.config import Config
from medjax.errors import UserError
from medjax.evaluation import Estimate
from medjax.experiment import Experiment
from medjax.outcomes import Outcome
from medjax.runtime import Devices
from medjax.training import budget, checkpoint, choose, history, parallel, predict, state
from medjax.workdir import PRIVACY, Workdir

D = TypeVar('D')


def best_variables(experiment: Experiment, workdir: Workdir) -> tuple[dict[str, Any], int]:
  """The variables of the best checkpoint and its step.

  Raises:
    UserError: the run has no checkpoint, or the best one is damaged, or it cannot be read which
      one is best.
  """
  return _restored(experiment, workdir, _best)[0]


def best_and_last(experiment: Experiment, workdir: Workdir) -> list[tuple[dict[str, Any], int]]:
  """``best_variables``, and the same of the newest checkpoint; read once where it is the best."""
  return _restored(experiment, workdir, _best, _newest)


def _best(checkpoints: checkpoint.Checkpoints) -> int | None:
  return checkpoints.best()


def _newest(checkpoints: checkpoint.Checkpoints) -> int | None:
  return max(checkpoints.steps(), default=None)


def chosen_variables(experiment: Experiment, workdir: Workdir) -> tuple[dict[str, Any], int]:
  """The variables of the checkpoint that was evaluated and its step.

  Those of the best one where the run was not evaluated.

  Raises:
    UserError: that checkpoint is damaged or gone, or decision.json is damaged.
  """
  if not workdir.decision.exists():
    return best_variables(experiment, workdir)
  chosen = workdir.read(workdir.decision).get('checkpoint_step')

  def require(checkpoints: checkpoint.Checkpoints) -> int:
    if chosen not in checkpoints.steps():
      raise UserError(
        f'{workdir.decision}: is of the checkpoint of step {chosen}, which is not there any more; '
        'run evaluate again'
      )
    return int(chosen)

  return _restored(experiment, workdir, require)[0]


def _restored(
  experiment: Experiment,
  workdir: Workdir,
  *choices: Callable[[checkpoint.Checkpoints], int | None],
) -> list[tuple[dict[str, Any], int]]:
  """Variables and step of each choice."""
  if not workdir.checkpoints.is_dir():
    raise UserError(f'--workdir={workdir.folder}: no checkpoint yet; train first')
  with checkpoint.Checkpoints(
    workdir.checkpoints, keep=1_000_000, run=workdir.identity()
  ) as checkpoints:
    chosen = [choose(checkpoints) for choose in choices]
    steps = [step for step in chosen if step is not None]
    if len(steps) < len(choices):
      raise UserError(f'--workdir={workdir.folder}: no checkpoint; train first')
    # What an optimiser remembers is twice as large as the parameters.
    whole: Any = state.abstract(experiment)
    wanted = dataclasses.replace(whole, step=None, opt_state=None)
    if whole.average is not None:
      wanted = dataclasses.replace(wanted, params=None, model_state=None)
    read = {step: checkpoints.read(step, wanted)[0].variables for step in dict.fromkeys(steps)}
    return [(read[step], step) for step in steps]


@dataclasses.dataclass(frozen=True)
class Evaluation:
  """A checkpoint that was evaluated.

  Attributes:
    tables: the outcome's table of each split, calibrated where it holds probabilities.
    variables: of the checkpoint.
    step: of the checkpoint; stands in evaluation.json as ``checkpoint_step``.
  """

  tables: dict[str, Any]
  variables: dict[str, Any]
  step: int


def evaluate(
  experiment: Experiment,
  workdir: Workdir,
  devices: Devices,
  config: Config,
  evaluate_step: Callable | None = None,
) -> Evaluation:
  """Writes predictions/<split>.csv, decision.json and evaluation.json for val and test.

  The checkpoint is the best one or the last; see ``medjax.training.choose``. What the outcome
  decides by (calibration, threshold and conformal sets, or the width of intervals) is fitted on val
  and used on both.

  Args:
    experiment: data, model and task.
    workdir: the run folder.
    devices: devices of all hosts.
    config: settings of the run.
    evaluate_step: ``parallel.compile_evaluate``'s function, where training has compiled it.

  Raises:
    UserError: the run has no checkpoint, or one of these two is damaged; nothing is written.
  """
  evaluate_step = evaluate_step or parallel.compile_evaluate(experiment, devices, config.precision)

  def predicted(variables: dict[str, Any], name: str) -> Any:
    split, on_devices = experiment.data.splits[name], parallel.place(variables, devices)
    return predict.predict_split(
      experiment, evaluate_step, on_devices, split, devices, config.batch_size
    )[0]

  outcome = experiment.task.outcome
  (variables, step), (last, last_step) = best_and_last(experiment, workdir)
  raw, reason = {'val': predicted(variables, 'val')}, ''
  if last_step != step:
    of_last = predicted(last, 'val')
    choice = choose.choose(outcome, raw['val'], of_last)
    reason = choice.reason
    if not choice.best:
      variables, step, raw['val'] = last, last_step, of_last
  if missing := _missing(workdir, outcome, config, last_step):
    logging.warning('%s: %s', workdir.folder, missing)
    reason = f'{reason}; {missing}' if reason else missing
  if 'test' in experiment.data.splits:
    raw['test'] = predicted(variables, 'test')
  decision = outcome.decide(raw['val'], step, config)
  tables: dict[str, Any] = {}
  estimates: dict[str, Any] = {}
  for name, table in raw.items():
    tables[name], metrics = outcome.evaluate(table, decision)
    metrics |= {'checkpoint_step': Estimate(step, reason=reason)}
    estimates[name] = {metric: estimate.to_json() for metric, estimate in metrics.items()}
  spent = budget.spent(experiment, workdir, last_step)
  if spent is not None:
    estimates[PRIVACY] = spent
  if jax.process_index() == 0:
    workdir.write(workdir.decision, decision.to_json())
    for name, table in tables.items():
      table.write_csv(workdir.predictions(name))
    # Last: it holds the digests of the others, so that half an evaluation is not taken for one.
    made = [workdir.decision, *map(workdir.predictions, tables)]
    workdir.write(workdir.evaluation, estimates, covers=made)
  return Evaluation(tables, variables, step)


def _missing(workdir: Workdir, outcome: Outcome, config: Config, last: int) -> str:
  """Says which checkpoint would have been taken, by the log of training; '' where it is there.

  Args:
    workdir: the run folder.
    outcome: owner of the labels, by whose metric checkpoints are best.
    config: settings of the run.
    last: step of the newest checkpoint.
  """
  validations = [line for line in history.read(workdir).lines if line['split'] == 'val']
  scored = [line for line in validations if line.get(outcome.monitor) is not None]
  end = max((line['step'] for line in validations), default=last)
  if scored and config.select == 'best':
    best = max(scored, key=lambda line: (line[outcome.monitor], -line['step']))['step']
    if not (workdir.checkpoints / str(best)).exists():
      return f'the checkpoint of step {best}, the best on validation, is not there any more'
  return f'the checkpoint of step {end}, the last, is not there any more' if end > last else ''


def read(experiment: Experiment, workdir: Workdir) -> Evaluation:
  """What ``evaluate`` found.

  Raises:
    UserError: see ``chosen_variables`` and ``read_tables``.
  """
  variables, step = chosen_variables(experiment, workdir)
  return Evaluation(read_tables(experiment, workdir), variables, step)


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
