"""The networks that are compared, their weights and inputs, as every framework reads them.

Weights travel as named arrays in flax's layout: convolution kernels [height, width, in, out],
dense kernels [in, out]. A peer builds the same layers under the same names.
"""

import dataclasses
import pathlib
from typing import Any, ClassVar

import flax.linen as nn
import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np

from medjax import models, runtime

NAMES = ('cnn', 'resnet18', 'resnet34', 'resnet50', 'unet')


@dataclasses.dataclass(frozen=True)
class Spec:
  """One training to be timed, the same in every framework: Adam 1e-3, one logit, cross-entropy.

  Attributes:
    network: one of ``NAMES``.
    image_size: height and width in pixels.
    batch_size: examples an update.
    precision: 'float32' or 'bfloat16'.
    folder: where weights and inputs lie.
  """

  network: str
  image_size: int
  batch_size: int
  precision: str
  folder: str

  @property
  def title(self) -> str:
    """What is trained."""
    return f'{self.network} at {self.image_size} px'

  def write(self) -> None:
    """Writes weights and inputs to the folder; see the function of that name."""
    write(self)

  @property
  def small_images(self) -> bool:
    """Whether a ResNet has its stem for small images."""
    return self.image_size < 128


class MeanUNet(nn.Module):
  """A U-Net with a ResNet-18, whose logits' mean over pixels is the one logit of an image."""

  takes_mask: ClassVar[bool] = True

  @nn.compact
  def __call__(
    self, x: jax.Array, *, train: bool = False, mask: jax.Array | None = None
  ) -> jax.Array:
    """Logits [batch, 1] of images [batch, height, width, channels]; arguments as for the U-Net."""
    return models.UNet('resnet18', name='unet')(x, train=train, mask=mask).mean((1, 2))


def build(spec: Spec) -> nn.Module:
  """The linen module of a spec."""
  if spec.network == 'cnn':
    return models.CNN()
  if spec.network == 'unet':
    return MeanUNet()
  return models.ResNet(depth=int(spec.network[6:]), small_images=spec.small_images)


def write(spec: Spec) -> None:
  """Writes weights.npz, inputs.npz and the module's own outputs for them to the folder."""
  shape = (spec.batch_size, spec.image_size, spec.image_size, 3)
  rng = np.random.default_rng(0)
  image = rng.integers(0, 256, shape, np.uint8)
  label = rng.integers(0, 2, spec.batch_size).astype(np.int32)
  model = build(spec)
  variables = jax.jit(model.init)(jax.random.key(0), jnp.zeros((1, *shape[1:])))
  outputs = jax.jit(model.apply)(variables, jnp.float32(image[:2]) / 255)
  folder = pathlib.Path(spec.folder)
  weights: Any = flat(variables)  # a dict of names, which np.savez's types do not foresee
  np.savez(folder / 'weights.npz', **weights)
  np.savez(folder / 'inputs.npz', image=image, label=label, expected=np.asarray(outputs))


def flat(variables: Any) -> dict[str, np.ndarray]:
  """Arrays by name, such as 'params.Conv_0.kernel'."""
  return {
    '.'.join(path): np.asarray(leaf)
    for path, leaf in flax.traverse_util.flatten_dict(variables).items()
  }


def read(spec: Any) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
  """Weights and inputs that ``write`` left in the folder of a spec."""
  folder = pathlib.Path(spec.folder)
  with np.load(folder / 'weights.npz') as weights, np.load(folder / 'inputs.npz') as inputs:
    return dict(weights), dict(inputs)


def about(outputs: Any, inputs: dict[str, np.ndarray]) -> dict[str, Any]:
  """What an entrant on JAX says of itself, with its outputs for the first two images."""
  environment: Any = runtime.environment()
  return {
    'device': environment['device'],
    'versions': {k: environment['versions'][k] for k in ('jax', 'jaxlib', 'flax', 'optax')},
    'difference': float(np.abs(np.asarray(outputs) - inputs['expected']).max()),
  }
