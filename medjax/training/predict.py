"""Runs the model over a split: one row of the predictions table for each example."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from medjax.data import feed
from medjax.data.dataset import Split
from medjax.errors import NonFiniteError
from medjax.experiment import Experiment
from medjax.runtime import Devices

# Columns of the table itself; a metadata column of that name gets a prefix.
_TABLE = {'id', 'label', 'group', 'split', 'negative', 'positive', 'member', 'prediction'}


def predict_split(
  experiment: Experiment,
  step: Callable[[Any, Any], dict[str, Any]],
  variables: Any,
  split: Split,
  devices: Devices,
  batch_size: int,
) -> tuple[Any, float]:
  """Predicts every example of a split once.

  Args:
    experiment: task and classes.
    step: ``parallel.compile_evaluate``'s function.
    variables: the model's variables.
    split: what to predict.
    devices: devices of all hosts.
    batch_size: examples a batch, over all devices.

  Returns:
    The outcome's table, the same on every host, and the mean loss.

  Raises:
    NonFiniteError: the parameters, or what the model makes of an example, are no numbers.
  """
  plan = feed.batches(split.by_size(np.arange(len(split))), batch_size, len(devices.all))
  parts: list[dict[str, Any]] = []
  waiting = None
  for batch in feed.Streamed(split, devices)(plan):
    result = step(variables, {k: v for k, v in batch.items() if k != 'index'})
    if waiting is not None:  # read one batch while the next is computed
      parts.append(jax.device_get(waiting))
    waiting = result
  parts.append(jax.device_get(waiting))
  return assembled(experiment, split, plan, parts)


def assembled(
  experiment: Experiment, split: Split, plan: np.ndarray, parts: Sequence[dict[str, Any]]
) -> tuple[Any, float]:
  """The outcome's table of a split and the mean loss, of what the step gave of each batch.

  Args:
    experiment: task and classes.
    split: what was predicted.
    plan: numbers of the examples of each batch; see ``feed.batches``.
    parts: results of ``step.evaluate_step``, leaves [B, ...].

  Raises:
    NonFiniteError: the parameters, or what the model makes of an example, are no numbers.
  """
  gathered = jax.tree.map(lambda *leaves: _in_order(split, plan, leaves), *parts)
  statistics = gathered['statistics']
  if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(statistics)):
    raise NonFiniteError(
      f'predictions of {split.name} are not finite; try a smaller config.learning_rate'
    )
  if experiment.task.compares:
    everyone = {'label': split.label, 'mask': np.ones(len(split), bool)}
    total, weight = experiment.task.loss(gathered['outputs'], everyone)
    loss = float(total) / (float(weight) or 1.0)
  else:
    loss = float(gathered['loss'].mean())
  return table(experiment, split, statistics), loss


def table(experiment: Experiment, split: Split, statistics: Any) -> Any:
  """The outcome's table of a split, of the statistics of its examples, leaves [N, ...]."""
  metadata = {
    f'column_{k}' if k in _TABLE or k.startswith('probability') else k: v
    for k, v in split.metadata.items()
  }
  return experiment.task.outcome.table(
    statistics,
    split.label,
    id=split.id,
    group=split.group,
    split=split.name,
    classes=experiment.data.classes,
    metadata=metadata,
    sizes=split.sizes,
  )


def _in_order(split: Split, plan: np.ndarray, parts: Sequence[np.ndarray]) -> np.ndarray:
  """Results of batches [B, ...] by number of the example; of shorter ones zeros after the end."""
  shape = np.array([part.shape[1:] for part in parts]).max(axis=0).astype(int)
  results = np.zeros((len(split), *shape), parts[0].dtype)
  for indices, part in zip(plan, parts, strict=True):
    there = indices >= 0
    inner = tuple(slice(size) for size in part.shape[1:])
    results[(indices[there], *inner)] = part[there]
  return results
