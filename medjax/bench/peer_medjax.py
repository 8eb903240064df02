"""medjax in a comparison: the compiled step of a training run, on one device."""

import itertools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from medjax import optimizers, runtime, tasks
from medjax.bench import network
from medjax.data.dataset import Dataset
from medjax.data.images import Images
from medjax.experiment import Experiment
from medjax.privacy import Privacy, sampling
from medjax.training import parallel, state

_DRAWS = 16  # of a private training, whose steps differ by how many examples they see


def build(
  spec: dict[str, Any], *, compiled: bool, private: Privacy | None = None
) -> tuple[dict[str, Any], Callable[[], None], Callable[[], None]]:
  """What it is, one step, and a wait until all steps are done.

  Args:
    spec: of ``network.Spec``.
    compiled: says nothing here.
    private: the mechanism of a private training, whose steps see Poisson draws of the examples.
  """
  del compiled  # always
  runtime.configure()
  wanted = network.Spec(**spec)
  _, inputs = network.read(wanted)
  size = wanted.image_size
  described = {
    'image': jax.ShapeDtypeStruct((size, size, 3), np.uint8),
    'label': jax.ShapeDtypeStruct((), np.int32),
  }
  experiment = Experiment(
    data=Dataset('random', {}, ('a', 'b'), '', True, Images(size, size, 3), described=described),
    model=network.build(wanted),
    task=tasks.Binary(),
    optimizer=optimizers.Adam(1e-3),
    privacy=private,
  )
  devices = runtime.devices(1)
  train = parallel.compile_train(experiment, devices, wanted.precision, 1)
  count = wanted.batch_size
  rows = np.arange(count, dtype=np.int32)[None]
  if private is not None:
    random = np.random.default_rng(0)  # a race, not a release
    drawn = sampling.poisson(
      np.arange(private.units), private.rate, _DRAWS, private.width, 1, random
    )
    rows = np.where(drawn < 0, -1, drawn % count)

  def batch_of(row: np.ndarray) -> Any:
    taken = {name: inputs[name][row.clip(0)][None] for name in ('image', 'label')}
    return jax.device_put({**taken, 'index': row[None], 'mask': (row >= 0)[None]})

  batches = itertools.cycle([batch_of(row) for row in rows])
  key, held = jax.random.key(0), [devices.replicate(state.create(experiment, 0)), None]

  def step() -> None:
    held[:] = train(held[0], next(batches), key)

  variables = held[0].variables
  mine = experiment.model.apply(variables, inputs['image'][:2].astype(np.float32) / 255)
  return network.about(mine, inputs), step, lambda: jax.block_until_ready(held)
