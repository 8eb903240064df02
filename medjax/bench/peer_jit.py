"""The same update under plain ``jax.jit``: what ``pmap`` costs."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from medjax import runtime
from medjax.bench import network


def build(
  spec: dict[str, Any], *, compiled: bool
) -> tuple[dict[str, Any], Callable[[], None], Callable[[], None]]:
  """What it is, one step, and a wait until all steps are done.

  Raises:
    NotImplementedError: the network has batch statistics, which span the devices of a pmap.
  """
  del compiled  # always
  runtime.configure()
  wanted = network.Spec(**spec)
  if wanted.network != 'cnn' or wanted.precision != 'float32':
    raise NotImplementedError('jit: only the CNN in float32')
  weights, inputs = network.read(wanted)
  model: Any = network.build(wanted)
  optimizer = optax.adam(1e-3)
  image, label = jax.device_put((inputs['image'], inputs['label']))
  params: Any = {}
  for name, value in weights.items():
    _, layer, kind = name.split('.')
    params.setdefault(layer, {})[kind] = jnp.asarray(value)

  def update(params: Any, opt_state: Any) -> Any:
    def loss(params: Any) -> jax.Array:
      logits = model.apply({'params': params}, image.astype(jnp.float32) / 255, train=True)
      return optax.sigmoid_binary_cross_entropy(logits[:, 0], label).mean()

    value, grads = jax.value_and_grad(loss)(params)
    updates, opt_state = optimizer.update(grads, opt_state, params)
    norms = [
      jnp.sqrt(sum(jnp.vdot(leaf, leaf) for leaf in jax.tree.leaves(tree)))
      for tree in (grads, updates)
    ]
    return optax.apply_updates(params, updates), opt_state, value, norms

  mine = model.apply({'params': params}, inputs['image'][:2].astype(np.float32) / 255)
  update = jax.jit(update, donate_argnums=(0, 1))
  held: Any = [params, optimizer.init(params), None, None]

  def step() -> None:
    held[:] = update(*held[:2])

  return network.about(mine, inputs), step, lambda: jax.block_until_ready(held)
