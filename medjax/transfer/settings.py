"""Settings of a network that starts from weights of somewhere else."""

import dataclasses
import pathlib
from typing import Literal

import flax.linen as nn

from medjax.config import setting
from medjax.errors import UserError
from medjax.models import ImageNetwork, Pixels, VisionTransformer

FILES = ('.safetensors', '.pth', '.pt', '.bin')  # names of files of weights end so


@dataclasses.dataclass
class WeightSettings:
  """Where the weights of a network come from, and how fast they learn."""

  weights: str = setting(
    '',
    'Weights to start from: a file of torchvision, timm or TorchXRayVision (.safetensors, .pth, '
    '.pt), or a run folder; empty for random ones.',
  )
  pixels: Literal['auto', 'unit', 'imagenet', 'centred', 'xrayvision'] = setting(
    'auto',
    'Scale of pixels that the weights expect: 0..1, as in ImageNet, -1..1, or -1024..1024. auto is '
    'unit without a file of weights, centred for a ViT of one, and imagenet for others.',
  )
  frozen: Literal['none', 'backbone'] = setting(
    'none', 'What does not learn: nothing, or all but the outputs (of a U-Net, the encoder).'
  )
  backbone_rate: float = setting(
    1.0, "Learning rate of the backbone as a share of the outputs'.", low=0.0, high=1.0
  )
  layer_decay: float = setting(
    1.0, 'Learning rate of each block as a share of that of the one above it.', low=0.1, high=1.0
  )

  def validate(self) -> None:
    """Checks what one setting alone cannot show.

    Raises:
      UserError: what is frozen has a learning rate, or is random.
    """
    if self.frozen == 'none':
      return
    if not self.weights:
      raise UserError(
        f'config.model.frozen={self.frozen}: would keep random weights as they are; expected '
        'config.model.weights too'
      )
    for name in ('backbone_rate', 'layer_decay'):
      if getattr(self, name) != 1:
        raise UserError(
          f'config.model.{name}={getattr(self, name)}: the backbone does not learn with '
          f'config.model.frozen={self.frozen}; expected one of them'
        )

  def scale(self, network: nn.Module) -> Pixels:
    """What ``pixels`` stands for with this network."""
    if self.pixels != 'auto':
      return self.pixels
    if pathlib.PurePath(self.weights).suffix not in FILES:
      return 'unit'
    return 'centred' if isinstance(network, VisionTransformer) else 'imagenet'


@dataclasses.dataclass
class GraphStart:
  """Where the weights of a network on graphs come from."""

  weights: str = setting(
    '',
    'Folder of a run of drug_pretrain, or of another one on graphs, whose network is the start; '
    'empty for random weights.',
  )


@dataclasses.dataclass
class ModelSettings(WeightSettings):
  """Which network, where its weights come from, and how fast they learn."""

  name: ImageNetwork = setting('resnet18', 'The network.')
