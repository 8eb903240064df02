"""Masks: which pixels of an image show a structure, or which of several."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax

from medjax.ops import surface
from medjax.outcomes import Masks
from medjax.tasks.base import Task


@dataclasses.dataclass(frozen=True)
class PerPixel(Task):
  """A structure at each pixel, or none: soft Dice and cross-entropy, each image alike.

  Labels are [B, H, W], 0 for background and k for the k-th structure. One structure has one output,
  whose sigmoid is its probability; several have an output each after that of the background, and
  probabilities by softmax. What is called is the structure above 0.5, or the most probable.

  Attributes:
    structures: their names, at least one.
    dice: share of the soft Dice loss; the rest is that of the cross-entropy.

  Example:
    >>> task = PerPixel(('polyp',))
    >>> label = jnp.array([[[1, 0], [0, 0]]])
    >>> logits = jnp.where(label[..., None] == 1, 20.0, -20.0)
    >>> round(float(task.loss(logits, {'label': label})[0]), 3)
    0.0

  Source:
    Milletari, F., Navab, N. and Ahmadi, S.-A. (2016), V-Net. 3DV, 565-571 (soft Dice); the sum with
    cross-entropy is that of Isensee, F. et al. (2021), nnU-Net. Nature Methods 18:203-211.
  """

  structures: tuple[str, ...]
  dice: float = 0.5

  @property
  def outputs(self) -> int:  # type: ignore[override]
    """One for one structure; otherwise one each and one for the background."""
    return 1 if len(self.structures) == 1 else len(self.structures) + 1

  @property
  def outcome(self) -> Masks:  # type: ignore[override]
    """Masks of these structures."""
    return Masks(self.structures)

  def loss(self, outputs: jax.Array, batch: dict[str, Any]) -> jax.Array:
    """Loss of each image [B] of logits [B, H, W, outputs]."""
    label = batch['label'].astype(jnp.int32)
    if self.outputs == 1:
      each = optax.sigmoid_binary_cross_entropy(outputs[..., 0], (label == 1).astype(jnp.float32))
    else:
      each = optax.softmax_cross_entropy_with_integer_labels(outputs, label)
    probability = self._by_structure(self.predict(outputs))
    true = self._true(label)
    both = (probability * true).sum((1, 2))
    # One pixel more in both, so that an image without the structure has a gradient and no 0 / 0.
    overlap = (2 * both + 1) / (probability.sum((1, 2)) + true.sum((1, 2)) + 1)
    return self.dice * (1 - overlap.mean(-1)) + (1 - self.dice) * each.mean((1, 2))

  def predict(self, outputs: jax.Array) -> jax.Array:
    """Probability of the structure [B, H, W]; or of background and each structure, [B, H, W, C]."""
    return jax.nn.sigmoid(outputs[..., 0]) if self.outputs == 1 else jax.nn.softmax(outputs)

  def statistics(self, outputs: jax.Array, batch: dict[str, Any]) -> dict[str, jax.Array]:
    """Of each image and structure, float32 [B, K]: pixels that are ``both`` called and true, those
    ``called`` and ``true``, and ``hausdorff95`` in pixels, -1 where one of the masks is empty."""
    called = self._called(self.predict(outputs))
    true = self._true(batch['label'].astype(jnp.int32)) > 0
    apart = [surface.hausdorff95(called[..., k], true[..., k]) for k in range(len(self.structures))]
    counts = {'both': called & true, 'called': called, 'true': true}
    return {
      **{name: mask.sum((1, 2), dtype=jnp.float32) for name, mask in counts.items()},
      'hausdorff95': jnp.stack(apart, -1),
    }

  def _true(self, label: jax.Array) -> jax.Array:
    """Where each structure is, float32 [B, H, W, K]."""
    numbers = jnp.arange(1, len(self.structures) + 1)
    return (label[..., None] == numbers).astype(jnp.float32)

  def _by_structure(self, probability: jax.Array) -> jax.Array:
    """Probability of each structure, [B, H, W, K]."""
    return probability[..., None] if self.outputs == 1 else probability[..., 1:]

  def _called(self, probability: jax.Array) -> jax.Array:
    """Which structure each pixel is called, bool [B, H, W, K]."""
    if self.outputs == 1:
      return probability[..., None] > 0.5
    return self._true(probability.argmax(-1)) > 0
