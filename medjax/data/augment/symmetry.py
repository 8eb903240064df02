"""The eight symmetries of a square, for images that have no up and no left."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp

from medjax.errors import UserError

# Of a batch of images, [B, H, W, C] to the same.
View = Callable[[jax.Array], jax.Array]


@dataclasses.dataclass(frozen=True)
class Symmetry:
  """Turns the image by a random multiple of 90 degrees and mirrors half of the images; exact.

  Right for tissue on a slide and for cells, wrong for whatever stands or lies as patients do. An
  image that is not square is turned by 180 degrees alone.

  Example:
    >>> Symmetry()(jax.random.key(0), jnp.zeros((4, 4, 3))).shape
    (4, 4, 3)
  """

  def __call__(self, key: jax.Array, image: jax.Array) -> jax.Array:
    down, across, turned = jax.random.bernoulli(key, shape=(3,))
    image = jnp.where(down, image[::-1], image)
    image = jnp.where(across, image[:, ::-1], image)
    if image.shape[0] != image.shape[1]:
      return image
    return jnp.where(turned, image.swapaxes(0, 1), image)


def views(name: str) -> tuple[View, ...]:
  """What a network is shown of every image to average its outputs (test-time augmentation).

  Args:
    name: 'none'; 'flip', the image and its mirror image; or 'symmetries', all eight of a square.

  Raises:
    UserError: the name is unknown.

  Example:
    >>> [view(jnp.arange(4).reshape(1, 2, 2, 1))[0, 0, :, 0].tolist() for view in views('flip')]
    [[0, 1], [1, 0]]
  """
  if name == 'none':
    return ()
  if name == 'flip':
    return _turned(0, False), _turned(0, True)
  if name == 'symmetries':
    return tuple(_turned(quarters, mirrored) for quarters in range(4) for mirrored in (False, True))
  raise UserError(f'views is {name!r}; expected one of none, flip, symmetries')


def _turned(quarters: int, mirrored: bool) -> View:
  def view(images: jax.Array) -> jax.Array:
    turned = jnp.rot90(images, quarters, axes=(1, 2))
    return turned[:, :, ::-1] if mirrored else turned

  return view
