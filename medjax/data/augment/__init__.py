"""Random changes of training images, on the device, inside the compiled step.

A transform is a small frozen dataclass, so that it prints, compares and hashes, and is called as
`transform(key, image)` on one image, float32 [H, W, C] in [0, 1], of any number of channels. It
returns an image of the same kind; only `Resize` and the crops change its shape, to a static one.
`Chain` applies several in order, and `augment_batch` a transform to a batch.

Example:
  >>> transform = Chain((Affine(rotation=7, flip=0.5), Brightness(0.1)))
  >>> image = jnp.full((8, 8, 1), 0.5)
  >>> transform(jax.random.key(0), image).shape
  (8, 8, 1)
"""

from medjax.data.augment.base import Chain, Transform, augment_batch, augment_examples
from medjax.data.augment.clahe import CLAHE
from medjax.data.augment.cutout import Cutout
from medjax.data.augment.elastic import Elastic
from medjax.data.augment.geometry import (
  Affine,
  HorizontalFlip,
  RandomCrop,
  RandomResizedCrop,
  Resize,
  Rotation,
  Scale,
  Translation,
  affine,
)
from medjax.data.augment.intensity import Blur, Brightness, Contrast, Gamma, GaussianNoise
from medjax.data.augment.joint import Joint
from medjax.data.augment.mix import CutMix, Mix, Mixup, beside, mix_batch
from medjax.data.augment.pair import Pair, pair
from medjax.data.augment.presets import endoscopy, histology, joint_preset, preset, radiograph
from medjax.data.augment.stain import Stain
from medjax.data.augment.symmetry import Symmetry, View, views

__all__ = [
  'CLAHE',
  'Affine',
  'Blur',
  'Brightness',
  'Chain',
  'Contrast',
  'CutMix',
  'Cutout',
  'Elastic',
  'Gamma',
  'GaussianNoise',
  'HorizontalFlip',
  'Joint',
  'Mix',
  'Mixup',
  'Pair',
  'RandomCrop',
  'RandomResizedCrop',
  'Resize',
  'Rotation',
  'Scale',
  'Stain',
  'Symmetry',
  'Transform',
  'Translation',
  'View',
  'affine',
  'augment_batch',
  'augment_examples',
  'beside',
  'endoscopy',
  'histology',
  'joint_preset',
  'mix_batch',
  'pair',
  'preset',
  'radiograph',
  'views',
]
