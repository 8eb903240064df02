"""Plain convolutional network: convolution, ReLU and max pooling, then dense layers."""

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax import ops


class CNN(nn.Module):
  """Stacked convolutions with 2x2 max pooling, one hidden dense layer, linear outputs.

  With the defaults this is the network of many a first chest X-ray study: at 224x224x3 it has
  44.4 M parameters, of which 44.3 M sit between the last pooling and the hidden layer.

  Attributes:
    features: channels of each convolution.
    hidden: units of the dense layer before the outputs; 0 leaves it out.
    outputs: outputs (logits); 1 for a binary task.
    kernel: height and width of every convolution.
    padding: 'VALID' or 'SAME'.
    dropout: rate after the hidden layer, in training.

  Example:
    >>> model = CNN(features=(8,), hidden=16, outputs=1)
    >>> x = jax.numpy.zeros((2, 32, 32, 3))
    >>> variables = model.init(jax.random.key(0), x)
    >>> model.apply(variables, x).shape
    (2, 1)
  """

  features: tuple[int, ...] = (32, 64, 128)
  hidden: int = 512
  outputs: int = 1
  kernel: tuple[int, int] = (3, 3)
  padding: str = 'VALID'
  dropout: float = 0.0

  @property
  def blocks(self) -> tuple[tuple[str, ...], ...]:
    """Names of modules from the images to the outputs, those of one depth together."""
    dense = ('Dense_0', 'Dense_1') if self.hidden else ('Dense_0',)
    return tuple((name,) for name in (*(f'Conv_{i}' for i in range(len(self.features))), *dense))

  @nn.compact
  def __call__(self, x_BHWC: jax.Array, *, train: bool = False) -> jax.Array:
    """Logits [batch, outputs] of images [batch, height, width, channels], floating.

    Raises:
      ValueError: the images are too small for this many convolutions.
    """
    x = x_BHWC
    for i, features in enumerate(self.features):
      lost = 0 if self.padding == 'SAME' else 1
      sides = [side - lost * (k - 1) for side, k in zip(x.shape[1:3], self.kernel, strict=True)]
      if min(sides) < 2:
        raise ValueError(
          f'images of {x_BHWC.shape[1]}x{x_BHWC.shape[2]} pixels are too small for '
          f'{len(self.features)} convolutions with pooling: nothing is left after number {i + 1}'
        )
      x = ConvReluPool(features, self.kernel, self.padding, name=f'Conv_{i}')(x)
    x = x.reshape(x.shape[0], -1)
    if self.hidden:
      x = nn.relu(nn.Dense(self.hidden)(x))
      x = nn.Dropout(self.dropout, deterministic=not train)(x)
    return nn.Dense(self.outputs, dtype=jnp.float32)(x)  # probabilities finer than bfloat16


class ConvReluPool(nn.Module):
  """Convolution with bias, ReLU and 2x2 max pooling; parameters as those of ``nn.Conv``.

  Attributes:
    features: channels of the result.
    kernel: height and width of the convolution.
    padding: 'VALID' or 'SAME'.

  Example:
    >>> block = ConvReluPool(8, (3, 3), 'VALID')
    >>> block.init_with_output(jax.random.key(0), jnp.zeros((1, 8, 8, 3)))[0].shape
    (1, 3, 3, 8)
  """

  features: int
  kernel: tuple[int, int]
  padding: str
  by_example: ClassVar[bool] = True  # for ``privacy.layers``: no example depends on another

  @nn.compact
  def __call__(self, x_BHWC: jax.Array) -> jax.Array:
    """[batch, rows, columns, features] of [batch, height, width, channels], floating."""
    shape = (*self.kernel, x_BHWC.shape[-1], self.features)
    kernel = self.param('kernel', nn.initializers.lecun_normal(), shape)
    bias = self.param('bias', nn.initializers.zeros, (self.features,))
    return ops.conv_relu_pool(x_BHWC, kernel, bias, self.padding)
