"""A network of two inputs, a drug and a target: an encoder of each, joined by dense layers.

Reference:
  Öztürk, Özgür and Ozkirimli (2018), DeepDTA: deep drug-target binding affinity prediction,
    Bioinformatics 34:i821-i829 (convolutions over residues, joined with the drug's encoding).
"""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax.models.base import mask_argument


class DrugTarget(nn.Module):
  """Outputs of pairs.

  Attributes:
    drug: a network of what stands under 'drug', such as ``MLP`` or ``DMPNN``; its outputs are the
      drug's encoding.
    target: one of one-hot residues [B, L, 20], such as ``SequenceCNN``.
    features: units of each dense layer on both encodings.
    outputs: numbers or logits.
    dropout: rate after each of these layers.

  Example:
    >>> model = DrugTarget(MLP((8,), outputs=4), SequenceCNN(features=8, outputs=4), (16,))
    >>> pairs = {'drug': jnp.ones((2, 64)), 'target': jnp.ones((2, 30, 20))}
    >>> model.apply(model.init(jax.random.key(0), pairs), pairs).shape
    (2, 1)
  """

  drug: nn.Module
  target: nn.Module
  features: tuple[int, ...] = (256, 128)
  outputs: int = 1
  dropout: float = 0.1
  takes_mask: ClassVar[bool] = True

  @nn.compact
  def __call__(
    self, pairs: dict[str, Any], *, train: bool = False, mask: jax.Array | None = None
  ) -> jax.Array:
    """Outputs [B, outputs].

    Args:
      pairs: 'drug' and 'target', leaves [B, ...].
      train: use dropout and the batch's statistics.
      mask: [B] bool, False for padding of the batch; None if there is none.
    """
    encoded = [
      nn.relu(encoder(pairs[name], train=train, **mask_argument(encoder, mask)))
      for name, encoder in (('drug', self.drug), ('target', self.target))
    ]
    x = jnp.concatenate([one.astype(jnp.float32) for one in encoded], axis=-1)
    for width in self.features:
      x = nn.relu(nn.Dense(width)(x))
      x = nn.Dropout(self.dropout, deterministic=not train)(x)
    return nn.Dense(self.outputs, dtype=jnp.float32)(x)
