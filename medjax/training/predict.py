"""Runs the model over a split: one row of the predictions table for each example."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from medjax.data import feed
from medjax.data.dataset import Split
from medjax.errors import NonFiniteError
from medjax.evaluation import Predictions
from medjax.runtime import Devices

# Columns of the table itself; a metadata column of that name gets a prefix.
_TABLE = {'id', 'label', 'group', 'split', 'negative', 'positive', 'member'}


def predict_split(
  step: Callable[[Any, Any], dict[str, jax.Array]],
  variables: Any,
  split: Split,
  classes: tuple[str, ...],
  devices: Devices,
  batch_size: int,
) -> tuple[Predictions, float]:
  """Predicts every example of a split once.

  Args:
    step: ``parallel.compile_predict``'s function.
    variables: the model's variables.
    split: what to predict.
    classes: class names in label order.
    devices: devices of all hosts.
    batch_size: examples a batch, over all devices.

  Returns:
    The table, the same on every host, and the mean loss.

  Raises:
    NonFiniteError: the parameters, or what the model makes of an example, are no numbers.
  """
  plan = feed.batches(np.arange(len(split)), batch_size, len(devices.all))
  parts: list[dict[str, np.ndarray]] = []
  waiting = None
  for batch in feed.Streamed(split, devices)(plan):
    result = step(variables, {k: v for k, v in batch.items() if k != 'index'})
    if waiting is not None:  # read one batch while the next is computed
      parts.append(jax.device_get(waiting))
    waiting = result
  parts.append(jax.device_get(waiting))
  present = plan.reshape(-1) >= 0
  prediction = np.concatenate([part['prediction'] for part in parts])[present]
  loss = np.concatenate([part['loss'] for part in parts])[present]
  if not np.isfinite(prediction).all():
    raise NonFiniteError(
      f'predictions of {split.name} are not finite; try a smaller config.learning_rate'
    )
  table = Predictions(
    id=split.id,
    label=split.label.astype(np.int64),
    probability=_probabilities(prediction),
    group=split.group,
    split=split.name,
    classes=classes,
    metadata={
      f'column_{k}' if k in _TABLE or k.startswith('probability') else k: v
      for k, v in split.metadata.items()
    },
  )
  return table, float(loss.mean())


def _probabilities(prediction: np.ndarray) -> np.ndarray:
  return np.clip(prediction.astype(np.float64), 0.0, 1.0)
