"""Rounds of sites that train together, as one run with its checkpoints and its log."""

import dataclasses
import functools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
import optax

from medjax import runtime
from medjax.config import Config
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.federated import merge
from medjax.federated.local import Local, Update
from medjax.federated.settings import Settings
from medjax.federated.sites import Site
from medjax.runtime import Devices
from medjax.spent import STEPS, VALIDATION, Spent
from medjax.training import budget, parallel, predict
from medjax.training import keeper as keeper_lib
from medjax.training.state import State
from medjax.workdir import Workdir

LOG = 'rounds.jsonl'
_NO_PART = 'it took no part'
# (round from 0, site, update) -> what the server receives; None for nothing.
Line = Callable[[int, str, Update], Update | None]


class Rounds:
  """A federation at work.

  Args:
    sites: with their own cases.
    everyone: with the cases of all, on which rounds are validated; see ``sites.pooled``.
    config: batch size and the like; ``num_epochs`` is the number of rounds.
    settings: of the federation.
    devices: devices of all hosts.
    line: what becomes of an update on its way, to study sites that fail; as it is by default.
  """

  def __init__(
    self,
    sites: Sequence[Site],
    everyone: Experiment,
    config: Config,
    settings: Settings,
    devices: Devices,
    line: Line | None = None,
  ):
    self.settings, self.config, self._devices = settings, config, devices
    self._locals = [Local(site.name, site.experiment, config, settings, devices) for site in sites]
    self._line = line or (lambda number, site, update: update)
    self._server = settings.server()
    memory = optax.GradientTransformation(self._memory, lambda *_: (None, None))
    # Its state holds what a federation remembers, so that a checkpoint is one of any run.
    self.experiment = dataclasses.replace(everyone, optimizer=memory)

  def _memory(self, params: Any) -> Any:
    sites = {one.name: one.experiment.optimizer.init(params) for one in self._locals}
    return {'server': self._server.init(params), 'sites': sites}

  def round(self, number: int, current: State) -> tuple[State, dict[str, float], dict[str, str]]:
    """One round.

    Args:
      number: from 0.
      current: the state before it, arrays of the host.

    Returns:
      The state after it; loss, norms and number of cases; and why sites were left out, by name.

    Raises:
      UserError: no site sent anything that can be used.
    """
    memories: dict[str, Any] = dict(current.opt_state['sites'])
    received: dict[str, Update] = {}
    left_out: dict[str, str] = {}
    random = np.random.default_rng([self.config.seed, number])
    for one in self._locals:
      if random.random() < self.settings.absent:
        left_out[one.name] = _NO_PART
        continue
      update = one.train(number, current.params, current.model_state, memories[one.name])
      memories[one.name] = update.memory
      arrived = self._line(number, one.name, update)
      if arrived is None:
        left_out[one.name] = 'its update did not arrive'
      else:
        received[one.name] = arrived
    found = merge.merged(number, current, received, self.settings, self.experiment.average)
    left_out |= found.left_out
    if found.state is None:
      if all(why == _NO_PART for why in left_out.values()):
        return self._unchanged(current, memories), {}, left_out
      raise UserError(f'round {number + 1}: no update can be used: {merge.spell(left_out)}')
    memory = {**found.state.opt_state, 'sites': memories}
    return dataclasses.replace(found.state, opt_state=memory), found.metrics, left_out

  def _unchanged(self, current: State, memories: Any) -> State:
    memory = {**current.opt_state, 'sites': memories}
    done: Any = np.asarray(current.step + 1, np.int32)
    return dataclasses.replace(current, step=done, opt_state=memory)

  def train(self, workdir: Workdir, spent: Spent, evaluate_step: Callable) -> int:
    """All rounds, from the newest whole checkpoint in the run folder if there is one.

    Args:
      workdir: the run folder.
      spent: counts where the time goes.
      evaluate_step: ``parallel.compile_evaluate``'s function.

    Returns:
      The number of rounds done by this call.

    Raises:
      NonFiniteError: names the round; the checkpoints before it are kept.
      PreemptedError: SIGTERM came; the state is saved.
      UserError: the folder holds another run, or no site sent anything that can be used.
    """
    create = functools.partial(parallel.create, self.experiment, self.config.seed, self._devices)
    begun = keeper_lib.kept(self.experiment, self.config, workdir, spent, create, steps_per_epoch=1)
    with begun as (keeper, current):
      current = jax.device_get(current)
      log = Log(workdir, keeper.step)
      with runtime.Preemption() as preemption, spent.on(STEPS):
        while not keeper.finished():
          keeper.begin_epoch()
          current, metrics, left_out = self.round(keeper.step, current)
          keeper.step += 1
          self._note_privacy(workdir, left_out)
          if metrics:
            keeper.note(keeper.step, metrics)
          log.write(keeper.step, metrics, left_out)
          score = self._validate(keeper, current, spent, evaluate_step)
          asked = preemption.requested(keeper.step)
          keeper.end_epoch(current, score, asked=asked)
          if asked:
            keeper.stop()
      keeper.end()
      return keeper.done

  def _note_privacy(self, workdir: Workdir, left_out: Mapping[str, str]) -> None:
    sent = {
      one.name: (one.experiment.privacy, 0 if left_out.get(one.name) == _NO_PART else one.updates)
      for one in self._locals
      if one.experiment.privacy is not None
    }
    if sent:
      budget.sends(workdir, sent)

  def _validate(self, keeper: Any, current: State, spent: Spent, step: Callable) -> float | None:
    split = self.experiment.data.splits.get('val')
    if split is None or not keeper.validates():
      return None
    with spent.on(VALIDATION):
      variables = parallel.place(current.variables, self._devices)
      table, loss = predict.predict_split(
        self.experiment, step, variables, split, self._devices, self.config.batch_size
      )
      return keeper.validated(table, loss)


class Log:
  """rounds.jsonl: of each round its figures and which sites were left out."""

  def __init__(self, workdir: Workdir, step: int):
    self._path = workdir.folder / LOG
    kept = [line for line in read(workdir) if line['round'] <= step]
    self._path.write_text(''.join(json.dumps(line) + '\n' for line in kept))

  def write(self, number: int, metrics: Mapping[str, float], left_out: Mapping[str, str]) -> None:
    with open(self._path, 'a') as file:
      file.write(json.dumps({'round': number, **metrics, 'left_out': dict(left_out)}) + '\n')
    for name, why in left_out.items():
      print(f'round {number}: {name} is left out: {why}', file=sys.stderr)


def read(workdir: Workdir) -> list[dict[str, Any]]:
  """Whole lines of rounds.jsonl; none where there is no such file."""
  path = workdir.folder / LOG
  if not path.exists():
    return []
  return [json.loads(line) for line in path.read_text().split('\n')[:-1]]
