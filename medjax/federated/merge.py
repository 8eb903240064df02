"""What becomes of the updates that arrived: checked, clipped, combined, and taken by the server."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from medjax.federated import combine
from medjax.federated.local import Update, norm
from medjax.federated.settings import Settings
from medjax.training import state
from medjax.training.state import State


class Merged(NamedTuple):
  """What became of updates.

  Attributes:
    state: after the round; None where no update can be used.
    metrics: loss where any site tells it, norms and number of cases.
    left_out: why updates were left out, by site.
    used: sites whose updates count.
  """

  state: State | None
  metrics: dict[str, float]
  left_out: dict[str, str]
  used: list[str]


def merged(
  number: int, current: State, received: Mapping[str, Update], settings: Settings, average: float
) -> Merged:
  """One round's updates as one.

  Args:
    number: of the round, from 0.
    current: the state before it, arrays of the host; ``opt_state['server']`` is the server's memory
      and everything else there stays as it is.
    received: what arrived, by site.
    settings: of the federation.
    average: decay of the moving average of the variables; see ``Experiment.average``.
  """
  left_out = {}
  for name, update in received.items():
    if reason := (
      combine.wrong(update.params, current.params)
      or combine.wrong(update.model_state, current.model_state)
      or ('' if update.loss is None or np.isfinite(update.loss) else 'its loss is no number')
    ):
      left_out[name] = reason
  changes = {
    name: jax.tree.map(np.subtract, update.params, current.params)
    for name, update in received.items()
    if name not in left_out
  }
  norms = {name: norm(change) for name, change in changes.items()}
  for name, reason in zip(norms, combine.far(list(norms.values())), strict=True):
    if reason:
      left_out[name] = reason
  used = [name for name in received if name not in left_out]
  if not used:
    return Merged(None, {}, left_out, used)
  sizes = [received[name].examples for name in used]
  parts = [combine.clipped(changes[name], norms[name], settings.clip) for name in used]
  states = [received[name].model_state for name in used]
  # Together, so that what withstands a site in one does so in the other.
  change, model_state = combine.combined(
    settings.combine, list(zip(parts, states, strict=True)), sizes
  )
  params, memory = _moved(settings.server(), change, current.opt_state['server'], current.params)
  variables = {'params': params, **model_state}
  averaged = state.averaged(average, jnp.asarray(number + 1), current.average, variables)
  done: Any = np.asarray(number + 1, np.int32)
  new = State(
    done,
    params,
    model_state,
    {**current.opt_state, 'server': memory},
    jax.device_get(averaged),
  )
  losses = [(received[name].loss, received[name].examples) for name in used]
  told = np.array([pair for pair in losses if pair[0] is not None], float).reshape(-1, 2)
  metrics = {
    **({'loss': float(np.average(told[:, 0], weights=told[:, 1]))} if len(told) else {}),
    'grad_norm': norm(change),
    'update_norm': norm(jax.tree.map(np.subtract, params, current.params)),
    'examples': float(sum(sizes) * settings.local_epochs),
  }
  return Merged(new, metrics, left_out, used)


def spell(left_out: Mapping[str, str]) -> str:
  """Why sites were left out, in one line.

  Example:
    >>> spell({'north': 'it is not connected'})
    'north: it is not connected'
  """
  return '; '.join(f'{name}: {why}' for name, why in left_out.items())


def _moved(optimizer: Any, change: Any, memory: Any, params: Any) -> tuple[Any, Any]:
  """Parameters after the server's update, and its memory; arrays of the host."""
  gradient = jax.tree.map(np.negative, change)
  updates, memory = optimizer.update(gradient, memory, params)
  return jax.device_get((optax.apply_updates(params, updates), memory))
