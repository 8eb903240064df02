"""A site at work: the step of everybody, from the parameters of all, on its own cases."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
import optax

from medjax import optimizers
from medjax.config import Config
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.federated.settings import Settings
from medjax.runtime import Devices
from medjax.training import budget, loop, parallel
from medjax.training.state import State
from medjax.training.updates import Updates


class Held(NamedTuple):
  """State of ``near``: where the round began, and the state of the optimiser inside."""

  anchor: Any
  inner: Any


def near(optimizer: Any, weight: float) -> optax.GradientTransformationExtraArgs:
  """An optimiser that is also pulled back to where a round began.

  It adds the gradient of ``weight / 2 * |params - anchor|**2``, the proximal term of FedProx. The
  anchor is a part of its state, so that the compiled step is the same in every round; see
  ``begin``.

  Args:
    optimizer: ``optimizers.Adam`` or an optax transformation.
    weight: the proximal weight.

  Source:
    Li et al. (2020), Federated Optimization in Heterogeneous Networks, MLSys.

  Example:
    >>> import jax.numpy as jnp
    >>> pulled = near(optax.sgd(1.0), 0.5)
    >>> state = pulled.init({'w': jnp.array([1.0])})
    >>> updates, _ = pulled.update({'w': jnp.zeros(1)}, state, {'w': jnp.array([3.0])})
    >>> updates['w'].tolist()
    [-1.0]
  """
  inside = optax.with_extra_args_support(optimizer)

  def init(params: Any) -> Held:
    return Held(jax.tree.map(lambda leaf: leaf, params), inside.init(params))

  def update(grads: Any, state: Held, params: Any = None, **extra: Any) -> tuple[Any, Held]:
    grads = jax.tree.map(lambda g, p, a: g + weight * (p - a), grads, params, state.anchor)
    updates, inner = inside.update(grads, state.inner, params, **extra)
    return updates, Held(state.anchor, inner)

  return optax.GradientTransformationExtraArgs(init, update)


def begin(memory: Any, params: Any) -> Any:
  """A site's optimiser state at the beginning of a round."""
  return memory._replace(anchor=params) if isinstance(memory, Held) else memory


def updates(cases: int, config: Config, settings: Settings) -> int:
  """Updates of a site in a round, by its training cases."""
  of_epochs = budget.steps_per_epoch(cases, config) * settings.local_epochs
  return min(of_epochs, settings.local_steps) if settings.local_steps else of_epochs


def planned(config: Config, settings: Settings) -> Callable[[int], int]:
  """What gives the updates of a site in all rounds by its training cases."""
  return lambda cases: updates(cases, config, settings) * config.num_epochs


@dataclasses.dataclass(frozen=True)
class Update:
  """What a site sends after a round.

  Attributes:
    params: its parameters.
    model_state: other collections of its network.
    memory: of its optimiser, which stays at the site.
    examples: training cases of the site, by which it counts.
    loss: mean over its updates; None where that is private.
  """

  params: Any
  model_state: Any
  memory: Any
  examples: int
  loss: float | None


def refuse_beside(experiment: Experiment) -> None:
  """Raises UserError for what is fitted beside a network, of which several sites' have no mean."""
  if experiment.beside is not None:
    raise UserError(
      f'{experiment.beside.settings}: such models of several sites cannot be averaged; expected '
      'none'
    )


class Local:
  """One site.

  Its optimiser remembers its means between rounds, as a hospital that stays in the study can: so a
  schedule of the step size goes on, and with equal cases everywhere one update is that of central
  training.

  With ``config.privacy`` its updates are private ones, planned for all rounds: what a site sends is
  computed of noised gradients alone, and its patients are protected from the server as well.

  Args:
    name: of the site.
    experiment: with the site's own cases.
    config: batch size and the like.
    settings: of the federation.
    devices: devices of all hosts.
  """

  def __init__(
    self, name: str, experiment: Experiment, config: Config, settings: Settings, devices: Devices
  ):
    refuse_beside(experiment)
    self.name = name
    self.updates = updates(len(experiment.data.splits['train']), config, settings)
    experiment = budget.applied(experiment, config, planned(config, settings))
    optimizer: Any = experiment.optimizer
    if settings.pulls:
      optimizer = near(optimizer, settings.pulls)
    # The average of the network's variables is one of rounds, and the server's.
    self.experiment = dataclasses.replace(experiment, optimizer=optimizer, average=0.0)
    self._config, self._settings, self._devices = config, settings, devices
    self._updates = Updates(self.experiment, config, devices)

  @property
  def cases(self) -> int:
    """Its training cases."""
    return len(self.experiment.data.splits['train'])

  def plan(self, number: int) -> np.ndarray:
    """Rows of example numbers of a round, from 0."""
    epochs = self._settings.local_epochs
    rows = [
      loop.epoch_plan(self.experiment, self._config, number * epochs + epoch, self._devices)
      for epoch in range(epochs)
    ]
    return np.concatenate(rows)[: self.updates]

  def train(self, number: int, params: Any, model_state: Any, memory: Any) -> Update:
    """The updates of one round.

    Args:
      number: of the round, from 0.
      params: of all, arrays of the host.
      model_state: other collections of the network of all.
      memory: of its optimiser.
    """
    plan = self.plan(number)
    self._updates.draw_anew()  # two answers to one round shall not have the same noise
    done: Any = np.asarray(number * len(plan), np.int32)
    state: Any = State(done, params, model_state, begin(memory, params))
    state = parallel.place(state, self._devices)
    losses = []
    for count, update in self._updates(plan):
      state, metrics = update(state)
      losses += np.atleast_1d(metrics['loss'])[:count].tolist()
    found = jax.device_get(state)
    loss = float(np.mean(losses)) if self.experiment.privacy is None else None
    return Update(found.params, found.model_state, found.opt_state, self.cases, loss)


def norm(tree: Any) -> float:
  """Euclidean norm of all leaves."""
  return float(optimizers.norm(tree))
