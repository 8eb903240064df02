"""medjax in a comparison of graph networks: a training run, feeding included."""

from collections.abc import Callable, Iterator
from typing import Any

import flax.traverse_util
import jax
import jax.numpy as jnp

from medjax import optimizers, runtime, tasks
from medjax.bench import molecules, network
from medjax.config import Config
from medjax.data import feed
from medjax.experiment import Experiment
from medjax.training import state
from medjax.training.updates import Updates


def build(
  spec: dict[str, Any], *, compiled: bool
) -> tuple[dict[str, Any], Callable[[], None], Callable[[], None]]:
  """What it is, one step, and a wait until all steps are done.

  A step takes the next batch of an endless training, as the loop does: batches of molecules of
  similar size, in an order of each epoch's own. All widths are compiled before.
  """
  del compiled  # always
  runtime.configure()
  wanted = molecules.Spec(**spec)
  weights, inputs = network.read(wanted)
  experiment = Experiment(
    data=molecules.data(wanted, inputs['label']),
    model=wanted.model(),
    task=tasks.Regression(),
    optimizer=optimizers.Adam(1e-3),
  )
  devices = runtime.devices(1)
  config = Config(batch_size=wanted.batch_size, precision='float32')
  updates = Updates(experiment, config, devices)
  split = experiment.data.splits['train']

  def calls() -> Iterator[Any]:
    epoch = 0
    while True:
      plan = feed.epoch_plan(split, 0, epoch, wanted.batch_size, 1)
      yield from updates(plan)
      epoch += 1

  variables = flax.traverse_util.unflatten_dict(
    {tuple(name.split('.')): jnp.asarray(value) for name, value in weights.items()}
  )
  first = jax.tree.map(jnp.asarray, split.read([0, 1]))
  mine = experiment.model.apply(variables, experiment.data.modality.inputs(first))
  held: Any = [devices.replicate(state.create(experiment, 0)), None]
  endless = calls()

  def step() -> None:
    _, call = next(endless)
    held[:] = call(held[0])

  for _ in range(3 * len(split) // wanted.batch_size):
    step()
  return network.about(mine, inputs), step, lambda: jax.block_until_ready(held)
