"""medjax in a comparison: the compiled step of a training run, on one device."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from medjax import optimizers, runtime, tasks
from medjax.bench import network
from medjax.data.dataset import Dataset
from medjax.data.images import Images
from medjax.experiment import Experiment
from medjax.training import parallel, state


def build(
  spec: dict[str, Any], *, compiled: bool
) -> tuple[dict[str, Any], Callable[[], None], Callable[[], None]]:
  """What it is, one step, and a wait until all steps are done."""
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
  )
  devices = runtime.devices(1)
  train = parallel.compile_train(experiment, devices, wanted.precision, 1)
  count = wanted.batch_size
  batch = jax.device_put(
    {
      'image': inputs['image'][None],
      'label': inputs['label'][None],
      'index': np.arange(count, dtype=np.int32)[None],
      'mask': np.ones((1, count), bool),
    }
  )
  key, held = jax.random.key(0), [devices.replicate(state.create(experiment, 0)), None]

  def step() -> None:
    held[:] = train(held[0], batch, key)

  variables = held[0].variables
  mine = experiment.model.apply(variables, inputs['image'][:2].astype(np.float32) / 255)
  return network.about(mine, inputs), step, lambda: jax.block_until_ready(held)
