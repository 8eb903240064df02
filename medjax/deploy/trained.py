"""The best checkpoint of a run, ready to predict arrays on one device."""

import jax
import numpy as np

from medjax import explain, runtime
from medjax.config import Config
from medjax.errors import UserError
from medjax.evaluation import Decision, Interval
from medjax.evaluation.table import by_class
from medjax.experiment import Experiment
from medjax.training import evaluate, parallel
from medjax.workdir import Workdir


class Trained:
  """A finished run that calls classes or predicts numbers.

  Attributes:
    decision: how predictions become decisions.
    score: the logit of a class, or the number; see ``explain.score_function``.

  Args:
    verb: who asks, for errors.
    experiment: data description, model and task of the run.
    config: its settings.
    workdir: its folder.
    at_once: cases that are predicted together; one program is compiled.

  Raises:
    UserError: the run was not evaluated, or it predicts neither a class nor a number.
  """

  def __init__(
    self, verb: str, experiment: Experiment, config: Config, workdir: Workdir, at_once: int
  ):
    variables, step = evaluate.best_variables(experiment, workdir)
    decision = evaluate.read_decision(experiment.task.read_decision, workdir, step)
    if not isinstance(decision, Decision | Interval):
      raise UserError(f'{verb}: needs one class or number a case, which this run does not predict')
    self.decision: Decision | Interval = decision
    self.score = explain.score_function(experiment, variables)
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
    """The class that each case is called, int [n], and calibrated probabilities of all, [n, C].

    Of numbers class 0, and the numbers, [n, 1].
    """
    if isinstance(self.decision, Interval):
      return np.zeros(len(predicted), int), predicted[:, None]
    probability = self.decision.calibration.apply(predicted)
    return self.decision.calls(probability), by_class(probability)
