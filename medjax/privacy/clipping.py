"""The sum of the gradients of all examples of a batch, each cut to a norm.

Whoever keeps each example's gradient needs as many copies of the network as there are examples.
Here one pass back gives, for every layer, what reaches its output for each example. With what went
into it, that tells the norm of the example's gradient without making it (ghost norms), and later
the sum of all of them, each times its factor, as one product: there is no second pass back
(book-keeping). A layer whose parameters are few beside the places where they are used, such as the
first convolutions, has the gradient of each example made after all, which is then less work.

Layers are known as flax calls them. A network with parameters elsewhere, with a layer that is used
twice, or whose layers see something else than a batch of examples, gets the gradient of each
example by ``jax.vmap``. Which way is taken is decided by shapes before anything is computed, and
both give the same.

References:
  Goodfellow (2015), Efficient per-example gradient computations.
  Li, Tramer, Liang and Hashimoto (2022), Large language models can be strong differentially private
    learners. ICLR.
  Bu, Wang, Zha and Karypis (2023), Differentially private optimization on large model at small
    cost. ICML (book-keeping, mixed ghost clipping).
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax.privacy import layers
from medjax.privacy.layers import Seen

# (params, batch, key) -> losses, float32 [B]; example i depends on row i of the batch alone.
Losses = Callable[[Any, Any, jax.Array], jax.Array]

_PROBE = 10_007  # examples of a batch that is never computed: no other axis has this size


def clipped_sum(
  losses: Losses, params: Any, batch: Any, key: jax.Array, clip_norm: float, *, each: bool = False
) -> Any:
  """The sum of the gradients of ``losses``, each cut to ``clip_norm``; padding gives nothing.

  A gradient that is not finite counts as none, so that no example can do more than any other.

  Args:
    losses: of a batch; see ``Losses``. What is random is drawn from its key.
    params: tree of float32 arrays.
    batch: arrays [B, ...] with ``mask``, False for padding.
    key: for what is random in the network.
    clip_norm: largest Euclidean norm of an example's gradient, over all parameters.
    each: make the gradient of every example, whatever the network.

  Returns:
    Like ``params``.

  Example:
    >>> losses = lambda params, batch, key: batch['x'] @ params    # gradient: the row itself
    >>> batch = {'x': jnp.array([[3.0, 4.0], [0.3, 0.4]]), 'mask': jnp.array([True, True])}
    >>> clipped_sum(losses, jnp.zeros(2), batch, jax.random.key(0), 1.0).round(3).tolist()
    [0.9, 1.2]
  """
  seen = None if each else found(losses, params, batch, key)
  if seen is None:
    return _by_example(losses, params, batch, key, clip_norm)
  return _by_layer(seen, losses, params, batch, key, clip_norm)


def factors(squares: jax.Array, mask: jax.Array, clip_norm: float) -> jax.Array:
  """What each example's gradient is multiplied by, float32 [B].

  Args:
    squares: of its norm, [B].
    mask: False for padding, [B].
    clip_norm: largest norm.
  """
  # A little less than the norm: the sum of squares is rounded.
  scale = clip_norm / jnp.maximum(jnp.sqrt(squares) * (1 + 1e-6), clip_norm)
  return jnp.where(mask & jnp.isfinite(squares), scale, 0)


def found(losses: Losses, params: Any, batch: Any, key: jax.Array) -> tuple[Seen, ...] | None:
  """The layers that hold all parameters, in order; None where gradients are made one by one.

  Arguments as of ``clipped_sum``. Nothing is computed.
  """
  many = jax.tree.map(
    lambda leaf: jax.ShapeDtypeStruct((_PROBE, *leaf.shape[1:]), leaf.dtype), batch
  )
  watch = _Watch()

  def probe(params: Any, batch: Any, key: jax.Array) -> Any:
    with nn.intercept_methods(watch):
      # What leaves the function must not come from within a loop or a mapped network.
      return losses(params, batch, key), watch.arrays

  try:
    jax.eval_shape(probe, params, many, key)
  except layers.UnknownError:
    return None
  except (jax.errors.UnexpectedTracerError, TypeError, ValueError):
    return None  # this network does not take any number of examples, or has layers within a loop
  named = {path for path, _ in jax.tree_util.tree_leaves_with_path(params)}
  known = {
    (*map(jax.tree_util.DictKey, one.path), jax.tree_util.DictKey(name))
    for one in watch.seen
    for name in one.names
  }
  return tuple(watch.seen) if named == known else None


@dataclasses.dataclass
class _Watch:
  """Notes the layers that hold parameters, as flax calls them."""

  seen: list[Seen] = dataclasses.field(default_factory=list)
  arrays: list[Any] = dataclasses.field(default_factory=list)
  inside: bool = False

  def __call__(self, call: Any, args: Any, kwargs: Any, context: Any) -> Any:
    module = context.module
    if self.inside or not layers.is_layer(module):
      return call(*args, **kwargs)
    if context.method_name != '__call__' or len(args) != 1 or kwargs.keys() - {'mask'}:
      if context.method_name in ('setup', '__post_init__'):
        return call(*args, **kwargs)
      raise layers.UnknownError(context.method_name)
    self.inside = True
    try:
      y = call(*args, **kwargs)
    finally:
      self.inside = False
    x = args[0]
    if any(one.path == module.path for one in self.seen):
      raise layers.UnknownError('used twice')
    if not all(isinstance(leaf, jax.Array) and leaf.shape[:1] == (_PROBE,) for leaf in (x, y)):
      raise layers.UnknownError('not a batch of examples')
    self.seen.append(layers.seen(module, x, y))
    self.arrays += [x, y]
    return y


@dataclasses.dataclass
class _Tapped:
  """Lets what reaches each layer be differentiated by example, and keeps what goes into it."""

  by_path: dict[tuple[str, ...], Seen]
  taps: dict[str, Any]
  inputs: dict[str, jax.Array] = dataclasses.field(default_factory=dict)
  inside: bool = False

  def __call__(self, call: Any, args: Any, kwargs: Any, context: Any) -> Any:
    module = context.module
    if self.inside or not layers.is_layer(module) or context.method_name != '__call__':
      return call(*args, **kwargs)
    one = self.by_path[module.path]
    self.inside = True
    try:
      y, kept = one.tapped(module, args[0], self.taps[one.name])
    finally:
      self.inside = False
    self.inputs[one.name] = kept
    return y


def _by_layer(
  seen: tuple[Seen, ...], losses: Losses, params: Any, batch: Any, key: jax.Array, clip_norm: float
) -> Any:
  mask = batch['mask']
  by_path = {one.path: one for one in seen}
  own = {one.name: layers.at(params, one.path) for one in seen}
  taps = {one.name: one.tap(own[one.name], len(mask)) for one in seen}

  def total(taps: Any) -> Any:
    tapped = _Tapped(by_path, taps)
    with nn.intercept_methods(tapped):
      of_each = losses(params, batch, key)
    return jnp.where(mask, of_each, 0).sum(), tapped.inputs

  _, back, inputs = jax.vjp(total, taps, has_aux=True)
  (reached,) = back(jnp.ones(()))
  squares: jax.Array = jnp.zeros(len(mask))
  made = {}
  for one in seen:
    made[one.name], of_layer = one.measured(own[one.name], inputs[one.name], reached[one.name])
    squares += of_layer
  factor = factors(squares, mask, clip_norm)
  whole: dict[str, Any] = {}
  for one in seen:
    grads = one.summed(own[one.name], made[one.name], factor)
    layers.put(whole, one.path, grads)
  return jax.tree.map(lambda like, leaf: leaf.astype(like.dtype), params, _like(params, whole))


def _like(params: Any, found: dict[str, Any]) -> Any:
  """``found`` as a tree of the structure of ``params``."""
  leaves = dict(jax.tree_util.tree_leaves_with_path(found))
  return jax.tree_util.tree_map_with_path(lambda path, _: leaves[path], params)


def _by_example(losses: Losses, params: Any, batch: Any, key: jax.Array, clip_norm: float) -> Any:
  """Each example's gradient, made whole."""
  count = len(batch['mask'])

  def clipped(number: jax.Array, example: Any) -> Any:
    alone = jax.tree.map(lambda leaf: leaf[None], example)
    grads = jax.grad(lambda p: losses(p, alone, jax.random.fold_in(key, number)).sum())(params)
    square = sum((jnp.vdot(leaf, leaf) for leaf in jax.tree.leaves(grads)), jnp.zeros(()))
    factor = factors(square, example['mask'], clip_norm)
    return jax.tree.map(lambda leaf: jnp.where(factor > 0, factor * leaf, 0), grads)

  grads = jax.vmap(clipped)(jnp.arange(count), batch)
  return jax.tree.map(lambda leaf: leaf.sum(axis=0), grads)
