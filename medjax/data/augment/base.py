"""A transform, several in order, and a batch of inputs each with a draw of its own."""

import dataclasses
from typing import Any, Protocol

import jax
import jax.numpy as jnp

from medjax.data.dataset import Batch


class Transform(Protocol):
  """A random, pure change of one image: float32 [H, W, C] in [0, 1] to the same kind."""

  def __call__(self, key: jax.Array, image: jax.Array) -> jax.Array: ...


def augment_batch(transform: Transform, step_key: jax.Array, inputs: Any, index: jax.Array) -> Any:
  """Applies a transform to each input of a batch, each with a key of its own.

  The key is derived from the step's key and the example's index in its data set. What happens to an
  example so depends on (seed, step, example) alone: not on its place in the batch, nor on how the
  batch is spread over devices.

  Args:
    transform: What to apply.
    step_key: Key of this step, usually `jax.random.fold_in(seed_key, step)`.
    inputs: Images, float32 [B, H, W, C] in [0, 1], or whatever else the transform changes; a tree
      for one whose ``axes`` are None.
    index: Integers [B], at least 0: the index of each example in its data set.

  Returns:
    Changed inputs; of images float32 [B, H', W', C] in [0, 1].

  Raises:
    ValueError: If the inputs are not floating point, such as images in 0..255, or have other axes
      than the transform changes: three, or its ``axes``.

  Example:
    >>> images = jnp.zeros((2, 8, 8, 1))
    >>> augment_batch(radiograph(), jax.random.key(0), images, jnp.arange(2)).shape
    (2, 8, 8, 1)
  """
  axes = getattr(transform, 'axes', 3)  # of one input; images have three
  if axes is not None and (
    inputs.ndim != 1 + axes or not jnp.issubdtype(inputs.dtype, jnp.floating)
  ):
    expected = '[B, H, W, C] in [0, 1]' if axes == 3 else f'with {axes} axes after the batch'
    raise ValueError(f'inputs are {inputs.dtype} {inputs.shape}; expected float {expected}')
  return jax.vmap(lambda image, index: transform(jax.random.fold_in(step_key, index), image))(
    inputs, index
  )


def augment_examples(
  transform: Transform, step_key: jax.Array, inputs: Any, batch: Batch
) -> tuple[Any, Batch]:
  """The inputs of a batch after a transform, and the batch with the targets that it moves as well.

  Args:
    transform: What to apply; one that has ``move_targets``, as ``Joint``, moves targets too.
    step_key: Key of this step.
    inputs: What the network would see, leaves [B, ...].
    batch: Arrays [B, ...] with ``index``, -1 for padding.
  """
  index = batch['index'].clip(0)
  moved = augment_batch(transform, step_key, inputs, index)
  move_targets = getattr(transform, 'move_targets', None)
  if move_targets is None:
    return moved, batch

  def targets(index: jax.Array, example: Batch) -> Batch:
    return move_targets(jax.random.fold_in(step_key, index), example)

  there = {name: batch[name] for name in transform.targets}  # type: ignore[attr-defined]
  return moved, batch | jax.vmap(targets)(index, there)


@dataclasses.dataclass(frozen=True)
class Chain:
  """Applies transforms in order, each with a key of its own.

  Attributes:
    transforms: What to apply, the first one first.

  Raises:
    ValueError: If there is no transform, or one that moves targets.
  """

  transforms: tuple[Transform, ...]

  def __post_init__(self):
    if not self.transforms:
      raise ValueError('Chain has no transform; use None for no augmentation')
    if any(hasattr(transform, 'move_targets') for transform in self.transforms):
      raise ValueError('Chain would leave the targets of a Joint in place; use Joint(move, change)')

  def __call__(self, key: jax.Array, image: jax.Array) -> jax.Array:
    for position, transform in enumerate(self.transforms):
      image = transform(jax.random.fold_in(key, position), image)
    return image
