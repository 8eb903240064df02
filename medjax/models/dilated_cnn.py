"""Dilated residual convolutions along sequences, with an output at each position or one of all.

References:
  Yu and Koltun (2016), Multi-scale context aggregation by dilated convolutions, ICLR.
  He et al. (2016), Identity mappings in deep residual networks, ECCV (order within a block).
  Hu, Shen and Sun (2018), Squeeze-and-excitation networks, CVPR (what the whole sequence says of a
    position; here it is added, not multiplied).
"""

from typing import ClassVar, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax.models import padding
from medjax.models.norm import BatchNorm


class DilatedCNN(nn.Module):
  """Outputs at each position of sequences [B, L, channels]; padding, rows of zeros, counts for
  nothing, so that outputs do not depend on how much of it there is.

  A wide convolution reads the input. Each block normalises, convolves with holes and adds: to
  every position what its neighbours say, and what the mean over the whole sequence says.

  Attributes:
    features: channels of each layer.
    first: positions that the first convolution sees.
    kernel: positions that a filter of a block sees.
    dilations: distance between them, of each block.
    hidden: units of the dense layer at each position.
    outputs: numbers of each position.
    pool: 'none' for outputs at each position, 'mean' for one output of the mean over positions.
    dropout: rate in each block and before the last layer.
    axis_name: of the devices that share a batch; None outside of ``jax.pmap``.

  Example:
    >>> model = DilatedCNN(features=8, dilations=(1, 2), outputs=3)
    >>> variables = model.init(jax.random.key(0), jnp.zeros((1, 50, 20)))
    >>> model.apply(variables, jnp.zeros((2, 70, 20))).shape
    (2, 70, 3)
  """

  features: int = 128
  first: int = 15
  kernel: int = 5
  dilations: tuple[int, ...] = (1, 2, 4, 8, 1, 2, 4, 8)
  hidden: int = 128
  outputs: int = 1
  pool: Literal['none', 'mean'] = 'none'
  dropout: float = 0.1
  axis_name: str | None = 'data'
  takes_mask: ClassVar[bool] = True

  @nn.compact
  def __call__(
    self, x: jax.Array, *, train: bool = False, mask: jax.Array | None = None
  ) -> jax.Array:
    """Outputs [B, L, outputs], or [B, outputs] where they are pooled.

    Args:
      x: [B, L, channels], zeros after the end of a sequence.
      train: use dropout and the batch's statistics.
      mask: [B] bool, False for padding of the batch; None if there is none.
    """
    inside = padding.present(x)
    if mask is not None:
      inside &= mask[:, None]
    there = inside[..., None]
    length = jnp.maximum(there.sum(axis=1), 1)
    drop = nn.Dropout(self.dropout, deterministic=not train)

    def normal(x: jax.Array) -> jax.Array:
      x = BatchNorm(axis_name=self.axis_name)(x, inside, train=train)
      return jnp.where(there, nn.relu(x), 0)

    # Normalisation takes any constant away: biases would only drift.
    x = nn.Conv(self.features, (self.first,), use_bias=False)(x)
    for dilation in self.dilations:
      seen = normal(x)
      near = nn.Conv(self.features, (self.kernel,), kernel_dilation=(dilation,), use_bias=False)(
        drop(seen)
      )
      whole = nn.Dense(self.features, use_bias=False)(seen.sum(axis=1) / length)
      x = x + near + whole[:, None]
    x = normal(x)
    if self.pool == 'mean':
      x = x.sum(axis=1) / length
    x = nn.relu(nn.Dense(self.hidden)(drop(x)))
    return nn.Dense(self.outputs)(drop(x))
