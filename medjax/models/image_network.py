"""Classifiers of images by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, get_args

import flax.linen as nn

from medjax.models.convnext import ConvNeXt
from medjax.models.densenet import DenseNet
from medjax.models.efficientnet import EfficientNet
from medjax.models.norm import Norm
from medjax.models.resnet import ResNet
from medjax.models.vit import VisionTransformer

ImageNetwork = Literal[
  'resnet18',
  'resnet34',
  'resnet50',
  'densenet121',
  'efficientnet_b0',
  'convnext_tiny',
  'vit_small',
]
IMAGE_NETWORKS: tuple[str, ...] = get_args(ImageNetwork)


def _resnet(depth: int) -> Callable[..., nn.Module]:
  return lambda **settings: ResNet(depth=depth, **settings)


def _vit_small(*, small_images: bool, **settings: Any) -> nn.Module:
  return VisionTransformer(patch=8 if small_images else 16, **settings)


_MAKERS: Mapping[str, Callable[..., nn.Module]] = MappingProxyType(
  {
    'resnet18': _resnet(18),
    'resnet34': _resnet(34),
    'resnet50': _resnet(50),
    'densenet121': DenseNet,
    'efficientnet_b0': EfficientNet,
    'convnext_tiny': ConvNeXt,
    'vit_small': _vit_small,
  }
)


def image_network(
  name: str, *, outputs: int = 1, small_images: bool = False, norm: Norm = 'batch'
) -> nn.Module:
  """A classifier of images, in the form in which its weights are published.

  Args:
    name: one of ``IMAGE_NETWORKS``.
    outputs: outputs (logits); 1 for a binary task.
    small_images: begin with a finer grid, for images of about 28 to 64 pixels. Published weights do
      not fit then.

  norm: of networks with batch statistics, normalise over groups of channels instead; their
      published weights do not fit then.

  Raises:
    ValueError: there is none of that name, or it has no batch statistics.

  Example:
    >>> image_network('resnet34', outputs=3).depth
    34
  """
  if name not in _MAKERS:
    raise ValueError(f'image network {name}: expected one of {", ".join(IMAGE_NETWORKS)}')
  settings: dict[str, Any] = {} if norm == 'batch' else {'norm': norm}
  if settings and not hasattr(_MAKERS[name](small_images=False), 'norm'):
    raise ValueError(f'image network {name}: has no batch statistics; expected norm=batch')
  return _MAKERS[name](outputs=outputs, small_images=small_images, **settings)
