"""Predicts new cases with a file of ``export``, where the run folder is not."""

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from medjax.deploy.predictor import Predictor
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.exported import container
from medjax.exported.model import MEMBERS, PREDICTED, Model


def maker(
  model: Model, experiment: Experiment, path: pathlib.Path, at_once: int
) -> Callable[[], Predictor]:
  """What makes the predictor of a model, which predicts as it does with the run folder.

  Args:
    model: what predicts.
    experiment: of the description of its data; see ``dataset.describe``.
    path: the file of the model, for errors.
    at_once: cases that are predicted together.

  Raises:
    UserError: the model is damaged.
  """
  try:
    decision = experiment.task.outcome.read_decision(model.manifest['decision'])
  except (AttributeError, KeyError, TypeError, ValueError) as error:
    raise UserError(f'{path}: {container.MANIFEST} is damaged ({error})') from None

  def compute(batch: dict[str, np.ndarray]) -> Any:
    # One device, so that the first axis is 1; arrays that no network sees are left out.
    found = model.outputs({name: batch[name][0] for name in model.inputs})
    together, of_each = _tree(found, PREDICTED), _tree(found, MEMBERS)
    return together if of_each is None else (together, of_each)

  def make() -> Predictor:
    return Predictor(experiment, decision, compute, at_once)

  return make


def _tree(found: Mapping[str, np.ndarray], name: str) -> Any:
  """The array of that name, or a dict of those below it; None where there are none."""
  if name in found:
    return found[name]
  parts = {part.removeprefix(f'{name}/'): found[part] for part in found}
  return {part: leaf for part, leaf in parts.items() if part not in found} or None
