"""Two random changes of one image, for networks that learn what is the same in both."""

import dataclasses

import jax
import jax.numpy as jnp

from medjax.data.augment.base import Chain, Transform
from medjax.data.augment.geometry import Affine
from medjax.data.augment.intensity import Blur, Brightness, Contrast, Gamma
from medjax.data.augment.presets import require_channels
from medjax.data.augment.stain import Stain
from medjax.data.augment.symmetry import Symmetry
from medjax.errors import UserError


@dataclasses.dataclass(frozen=True)
class Pair:
  """Two changes of an image, each by a draw of its own, side by side: [H, 2 W, C].

  Attributes:
    change: the transform, which is drawn twice.

  Example:
    >>> Pair(Affine(flip=0.5))(jax.random.key(0), jnp.zeros((8, 8, 1))).shape
    (8, 16, 1)
  """

  change: Transform

  def __call__(self, key: jax.Array, image: jax.Array) -> jax.Array:
    first, second = (self.change(jax.random.fold_in(key, i), image) for i in range(2))
    return jnp.concatenate([first, second], axis=1)


def pair(name: str, channels: int = 3) -> Pair:
  """Two strong changes of images of a kind, from which a network is to see that they are one.

  Enlarged up to two times and moved by up to a fifth, contrast and gamma 0.6 to 1.4, brightness
  +-0.2, blur up to 1.5 pixels; turned and mirrored as ``preset`` of that name does, and stains of
  tissue by 20 %. Strong changes of exposure keep the network from telling images by their grey.

  Args:
    name: 'radiograph', 'histology' or 'endoscopy'.
    channels: of the images, 1 or 3.

  Raises:
    UserError: there is none of that name, or stains are to be changed in grey images.

  Source:
    Chen, T., Kornblith, S., Norouzi, M. and Hinton, G. (2020), A simple framework for contrastive
    learning of visual representations, ICML, section 3: crops with changes of colour matter most.
  """
  first: dict[str, tuple[Transform, ...]] = {
    'radiograph': (),
    'histology': (Symmetry(), Stain(0.2, 0.05)),
    'endoscopy': (Symmetry(),),
  }
  if name not in first:
    raise UserError(f'augment is {name!r}; expected one of {", ".join(first)}')
  require_channels(name, channels)
  flip = 0.5 if name == 'radiograph' else 0.0  # the symmetries hold it otherwise
  move = Affine(rotation=10.0, translation=0.2, scale=(1.0, 2.0), flip=flip)
  exposure = (Contrast(0.6, 1.4), Brightness(0.2), Gamma(0.6, 1.4), Blur(0.1, 1.5))
  return Pair(Chain((*first[name], move, *exposure)))
