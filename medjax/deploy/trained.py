"""The best checkpoint of a run, ready to predict arrays on one device."""

import jax
import jax.numpy as jnp
import numpy as np

from medjax import runtime
from medjax.config import Config
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.explain import Score
from medjax.training import evaluate, parallel
from medjax.training.score import score_function
from medjax.workdir import Workdir


class Trained:
  """A finished run, whose predictions are explained or compared.

  Attributes:
    score: the number that the task explains; see ``training.score.score_function``.

  Args:
    what: who asks, for errors.
    experiment: data description, model and task of the run.
    config: its settings.
    workdir: its folder.
    at_once: cases that are predicted together; one program is compiled.

  Raises:
    UserError: the run was not evaluated, or its task has no number that can be explained.
  """

  def __init__(
    self, what: str, experiment: Experiment, config: Config, workdir: Workdir, at_once: int
  ):
    variables, step = evaluate.chosen_variables(experiment, workdir)
    self._outcome = experiment.task.outcome
    self._decision = evaluate.read_decision(self._outcome.read_decision, workdir, step)
    self.score = score_function(experiment, variables)
    _require_score(what, experiment, self.score)
    # As predict does, so that the class that is spoken of is the one that it calls.
    device = runtime.devices(1)
    self._compiled = parallel.compile_predict(experiment, device, config.precision)
    self._variables = device.replicate(variables)
    self._at_once = at_once

  def predict(self, batch: dict[str, np.ndarray]) -> np.ndarray:
    """Raw predictions [n] or [n, C] of arrays [n, ...], with n at most ``at_once``."""
    count = len(next(iter(batch.values())))
    fill = [0] * (self._at_once - count)
    whole = {name: np.concatenate([a, a[fill]])[None] for name, a in batch.items()}
    return jax.device_get(self._compiled(self._variables, whole))[:count]

  def calls(self, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is explained of each case, and what is predicted of it; see ``Outcome.calls``."""
    return self._outcome.calls(self._decision, predicted)


def _require_score(what: str, experiment: Experiment, score: Score) -> None:
  """Refuses a task without a number that can be explained, before anything is written."""
  example = {name: spec for name, spec in experiment.data.example.items() if name != 'label'}

  def of_zeros() -> jax.Array:
    batch = jax.tree.map(lambda spec: jnp.zeros((1, *spec.shape), spec.dtype), example)
    return score(experiment.data.modality.inputs(batch), jnp.zeros(1, int))

  try:
    jax.eval_shape(of_zeros)
  except UserError as error:
    raise UserError(f'{what}: {error}') from None
