"""Predicts new cases with a file of ``export``, where the run folder is not."""

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from medjax.deploy import files
from medjax.deploy.predictor import Predictor
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.exported import container
from medjax.exported.model import MEMBERS, PREDICTED, Model
from medjax.outcomes import Row


def predict_files(
  model: Model,
  build: Callable[[dict[str, Any]], Experiment],
  path: pathlib.Path,
  names: Sequence[str],
  at_once: int,
  output: pathlib.Path,
) -> list[Row]:
  """Writes the CSV that ``predict`` writes with the run folder; see ``files.predict_files``.

  Args:
    model: what predicts.
    build: makes the experiment of a description of its data; see ``dataset.describe``.
    path: the file of the model, for errors.
    names: files and folders.
    at_once: cases that are predicted together.
    output: the CSV to write.

  Raises:
    UserError: nothing was found, the model is damaged, or the CSV cannot be written.
  """
  experiment = build(model.manifest['data'])
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

  return files.write(experiment, experiment.data.modality, make, names, output)


def _tree(found: Mapping[str, np.ndarray], name: str) -> Any:
  """The array of that name, or a dict of those below it; None where there are none."""
  if name in found:
    return found[name]
  parts = {part.removeprefix(f'{name}/'): found[part] for part in found}
  return {part: leaf for part, leaf in parts.items() if part not in found} or None
