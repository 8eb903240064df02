"""Inputs and targets that are moved together, from the same draw."""

import dataclasses

import jax
import jax.numpy as jnp

from medjax.data.augment.base import Transform
from medjax.data.dataset import Batch


@dataclasses.dataclass(frozen=True)
class Joint:
  """Moves an image and what is drawn on it by one draw, and then changes the image alone.

  Targets are images [H, W] or [H, W, C]: outlines (bool), class numbers (integers) or floats such
  as a dose. Classes are moved as shares of a pixel and the largest share wins, so that no pixel
  gets a class that is between two others.

  Attributes:
    move: Changes where things are and not the size, such as ``Affine``; applied to image and
      targets. Targets that are floats beyond 0 to 1 need one that does not clip, as it does not.
    change: Changes of the image that leave everything in place, such as ``Brightness``; or None.
    targets: Names of the targets in a batch.
    classes: Of targets that are class numbers, how many classes there are.

  Example:
    >>> joint = Joint(Affine(flip=1.0), targets=('outline',))
    >>> outline = jnp.array([[True, False, False]])
    >>> joint.move_targets(jax.random.key(0), {'outline': outline})['outline'].tolist()
    [[False, False, True]]
  """

  move: Transform
  change: Transform | None = None
  targets: tuple[str, ...] = ('label',)
  classes: int = 2

  def __call__(self, key: jax.Array, image: jax.Array) -> jax.Array:
    image = self.move(jax.random.fold_in(key, 0), image)
    return image if self.change is None else self.change(jax.random.fold_in(key, 1), image)

  def move_targets(self, key: jax.Array, example: Batch) -> Batch:
    """The targets of one example, moved as ``__call__`` with the same key moves its image."""
    return {name: self._moved(jax.random.fold_in(key, 0), example[name]) for name in self.targets}

  def _moved(self, key: jax.Array, target: jax.Array) -> jax.Array:
    if jnp.issubdtype(target.dtype, jnp.floating):
      image = target if target.ndim == 3 else target[..., None]
      return self.move(key, image).reshape(target.shape)
    if target.ndim == 2:
      shares = jax.nn.one_hot(target.astype(jnp.int32), self.classes)
      return self.move(key, shares).argmax(axis=-1).astype(target.dtype)
    moved = [self._moved(key, target[..., channel]) for channel in range(target.shape[-1])]
    return jnp.stack(moved, axis=-1)
