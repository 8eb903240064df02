"""One encoder for two views of each image, which are compared."""

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax.models.base import mask_argument


class Siamese(nn.Module):
  """An encoder and a small head, through which both views of an image go.

  The last layer of the encoder is the first one of the head, so that a classifier of the same name
  has every layer of the encoder but for its outputs.

  Attributes:
    encoder: a classifier of images, such as ``image_network`` gives; its outputs are the embedding.
    features: outputs of the head, in which views are compared.

  Example:
    >>> model = Siamese(image_network('resnet18', outputs=512))              # doctest: +SKIP
    >>> pairs = jnp.zeros((2, 64, 128, 3))
    >>> model.apply(variables, pairs, train=True, mutable=['batch_stats'])[0]['views'].shape
    (2, 2, 128)

  Source:
    Chen, T., Kornblith, S., Norouzi, M. and Hinton, G. (2020), A simple framework for contrastive
    learning of visual representations, ICML; embeddings from the middle of the head: Chen, T. et
    al. (2020), Big self-supervised models are strong semi-supervised learners, NeurIPS.
  """

  encoder: nn.Module
  features: int = 128
  takes_mask: ClassVar[bool] = True

  @nn.compact
  def __call__(
    self, x_BHWC: jax.Array, *, train: bool = False, mask: jax.Array | None = None
  ) -> dict[str, jax.Array]:
    """Embeddings of images, and their views in the space where these are compared.

    Args:
      x_BHWC: in training two views of each image side by side, [B, H, 2 W, C], as ``augment.Pair``
        gives them. Otherwise images [B, H, W, C]; the second view then is the middle of the image
        (three quarters of its height and width), enlarged.
      train: as for the encoder.
      mask: [B] bool, False for padding, for an encoder that takes it.

    Returns:
      ``embedding`` [B, E], of the first view, and ``views`` [B, 2, features], float32.
    """
    first, second = jnp.split(x_BHWC, 2, axis=2) if train else (x_BHWC, _middle(x_BHWC))
    twice = None if mask is None else jnp.concatenate([mask, mask])
    hidden = self.encoder(
      jnp.concatenate([first, second]), train=train, **mask_argument(self.encoder, twice)
    )
    projected = nn.Dense(self.features, dtype=jnp.float32, name='projection')(nn.relu(hidden))
    return {
      'embedding': hidden[: x_BHWC.shape[0]],
      'views': jnp.stack(jnp.split(projected, 2), axis=1),
    }


def _middle(images: jax.Array) -> jax.Array:
  """The middle of images [B, H, W, C] at the size of the whole."""
  height, width = (size // 8 for size in images.shape[1:3])
  inner = images[:, height : images.shape[1] - height, width : images.shape[2] - width]
  return jax.image.resize(inner, images.shape, 'linear').astype(images.dtype)
