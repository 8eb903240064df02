"""A recurrent language model: how probable each token is after those before it.

Source:
  Segler, M. H. S., Kogej, T., Tyrchan, C. and Waller, M. P. (2018), Generating focused molecule
    libraries for drug discovery with recurrent neural networks, ACS Cent. Sci. 4:120.
  Cho et al. (2014), Learning phrase representations using RNN encoder-decoder, EMNLP 1724-1734
    (GRU; as in cuDNN, the reset gate comes after the product of state and weights).
"""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

Carry = Sequence[jax.Array]
"""The state [B, features] of each layer."""


class LanguageModel(nn.Module):
  """Gated recurrent units over tokens; the start of a sequence is token 0, which also pads it.

  What does not wait for the step before is one product over all positions: the input of every layer
  but the first, whose input is looked up in a table of a row a token, and the outputs.

  Attributes:
    vocabulary: different tokens, 0 among them.
    features: units of each layer.
    layers: recurrent layers, one over the other.
    dropout: rate between layers and before the outputs.

  Example:
    >>> model = LanguageModel(vocabulary=5, features=8)
    >>> sequences = jnp.array([[3, 2, 1, 0]])
    >>> variables = model.init(jax.random.key(0), sequences)
    >>> model.apply(variables, sequences).shape
    (1, 4)
  """

  vocabulary: int
  features: int = 512
  layers: int = 1
  dropout: float = 0.0

  def setup(self) -> None:
    width = 3 * self.features
    self.table = nn.Embed(self.vocabulary, width, embedding_init=nn.initializers.normal(0.5))
    self.inputs = [nn.Dense(width) for _ in range(self.layers - 1)]
    self.kernels = [
      self.param(
        f'kernel_{layer}',
        # Each gate's square by itself, so that a state neither grows nor fades.
        nn.initializers.orthogonal(column_axis=-1),
        (3, self.features, self.features),
      )
      for layer in range(self.layers)
    ]
    self.biases = [
      self.param(f'bias_{layer}', nn.initializers.zeros, (self.features,))
      for layer in range(self.layers)
    ]
    self.drop = nn.Dropout(self.dropout)
    self.outputs = nn.Dense(self.vocabulary - 1)

  def __call__(self, tokens: jax.Array, *, train: bool = False) -> jax.Array:
    """Log-likelihood, float32 [B, L] in nats, of each token after those before it; 0 of padding.

    Args:
      tokens: int32 [B, L], each row with its end, and 0 after it.
      train: use dropout.
    """
    logits = self.logits(tokens, train=train).astype(jnp.float32)
    number = jnp.maximum(tokens - 1, 0)[..., None]
    chosen = jnp.take_along_axis(nn.log_softmax(logits), number, axis=2)[..., 0]
    return jnp.where(tokens > 0, chosen, 0)

  def logits(self, tokens: jax.Array, *, train: bool = False) -> jax.Array:
    """Of tokens 1, 2, ... after those before them, [B, L, vocabulary - 1]; arguments as above."""
    before = jnp.pad(tokens[:, :-1], ((0, 0), (1, 0)))
    x = self.table(before.T)  # positions first, as they are scanned
    start = self.start(tokens.shape[0])
    for layer in range(self.layers):
      if layer:
        x = self.inputs[layer - 1](self.drop(x, deterministic=not train))
      kernel, bias = _joined(self.kernels[layer]), self.biases[layer]

      def step(
        state: jax.Array, x: jax.Array, kernel: jax.Array = kernel, bias: jax.Array = bias
      ) -> tuple[jax.Array, jax.Array]:
        state = _unit(kernel, bias, state, x)
        return state, state

      _, x = jax.lax.scan(step, start[layer].astype(x.dtype), x)
    return self.outputs(self.drop(x, deterministic=not train)).swapaxes(0, 1)

  def start(self, batch: int) -> Carry:
    """The states before the first token."""
    return [jnp.zeros((batch, self.features)) for _ in range(self.layers)]

  def next(self, states: Carry, tokens: jax.Array) -> tuple[Carry, jax.Array]:
    """The states after tokens [B], and logits [B, vocabulary - 1] that 1, 2, ... come next."""
    x, after = self.table(tokens), []
    for layer in range(self.layers):
      if layer:
        x = self.inputs[layer - 1](x)
      x = _unit(_joined(self.kernels[layer]), self.biases[layer], states[layer], x)
      after.append(x)
    return after, self.outputs(x)


def _joined(kernels: jax.Array) -> jax.Array:
  """Those of three gates [3, H, H] as one [H, 3H], so that a step is one product."""
  return kernels.swapaxes(0, 1).reshape(kernels.shape[1], -1)


def _unit(kernel: jax.Array, bias: jax.Array, state: jax.Array, x: jax.Array) -> jax.Array:
  """The state [B, H] after inputs x [B, 3H]: of the gates that reset, keep, and what is new."""
  reset_x, keep_x, new_x = jnp.split(x, 3, axis=1)
  reset, keep, new = jnp.split(state @ kernel, 3, axis=1)
  fresh = jnp.tanh(new_x + nn.sigmoid(reset_x + reset) * (new + bias))
  return fresh + nn.sigmoid(keep_x + keep) * (state - fresh)
