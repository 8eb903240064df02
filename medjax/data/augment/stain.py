"""Stain: haematoxylin, eosin and DAB as they vary between laboratories."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from medjax.data.augment.check import require

# Optical density of red, green and blue for each stain: Ruifrok and Johnston (2001), Quantification
# of histochemical staining by color deconvolution, Anal Quant Cytol Histol 23:291-299.
STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
_DARKEST = 1e-6  # of the light that comes through, so that its logarithm is finite


@dataclasses.dataclass(frozen=True)
class Stain:
  """Changes how much of each stain there is: `a * stain + b`, a and b drawn for each of the three.

  The image is taken apart into stains (HED space), each is changed, and it is put together again.

  Attributes:
    factor: a is uniform in [1 - factor, 1 + factor].
    shift: b is uniform in [-shift, shift], in units of optical density.

  Raises:
    ValueError: If an attribute is out of range; when called, if the image has not three channels.

  Source:
    Tellez, D. et al. (2018), Whole-slide mitosis detection in H&E breast histology using PHH3 as a
    reference to train distilled stain-invariant convolutional networks. IEEE TMI 37:2126-2136.

  Example:
    >>> Stain(0.05, 0.01)(jax.random.key(0), jnp.full((4, 4, 3), 0.5)).shape
    (4, 4, 3)
  """

  factor: float = 0.05
  shift: float = 0.05

  def __post_init__(self):
    require(0 <= self.factor < 1, 'Stain', 'factor', self.factor, 'a number in [0, 1)')
    require(0 <= self.shift <= 1, 'Stain', 'shift', self.shift, 'a number in [0, 1]')

  def __call__(self, key: jax.Array, image: jax.Array) -> jax.Array:
    if image.shape[-1] != 3:
      raise ValueError(f'Stain takes colours apart; the image has {image.shape[-1]} channels')
    factor, shift = 2 * jax.random.uniform(key, (2, 3)) - 1
    changed = (1 + self.factor * factor) * to_stains(image) + self.shift * shift
    return from_stains(changed)


def to_stains(image: jax.Array) -> jax.Array:
  """Haematoxylin, eosin and DAB [H, W, 3] of red, green and blue [H, W, 3] in 0 to 1."""
  density = -jnp.log(jnp.maximum(image, _DARKEST))
  return density @ jnp.asarray(np.linalg.inv(_unit()), image.dtype)


def from_stains(stains: jax.Array) -> jax.Array:
  """The inverse of ``to_stains``, cut to 0 to 1."""
  return jnp.clip(jnp.exp(-(stains @ jnp.asarray(_unit(), stains.dtype))), 0, 1)


def _unit() -> np.ndarray:
  """The stains' densities with a length of 1 each."""
  return STAINS / np.linalg.norm(STAINS, axis=1, keepdims=True)
