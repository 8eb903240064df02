"""What published weights call the parameters of our networks.

Names of ours are paths such as 'block1_0/depthwise/kernel'. A dialect is a list of replacements
that turns such a path into the name that one library has for it.
"""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import flax.linen as nn

from medjax import models

Dialect = Callable[[str], str]  # of a path of ours
_Pairs = Sequence[tuple[str, str]]

# The last part of a path, as modules of PyTorch call it.
_LEAVES = (
  (r'/kernel$', '.weight'),
  (r'/scale$', '.weight'),
  (r'/bias$', '.bias'),
  (r'/mean$', '.running_mean'),
  (r'/var$', '.running_var'),
)

_DENSENET: _Pairs = (
  (r'^(denseblock\d+)_(denselayer\d+)/', r'features.\1.\2.'),
  (r'^((?:conv|norm|transition)\d)/', r'features.\1/'),
)
_EFFICIENTNET: _Pairs = (
  (r'^stem/', 'features.0.0/'),
  (r'^stem_norm/', 'features.0.1/'),
  (r'^head/', 'features.8.0/'),
  (r'^head_norm/', 'features.8.1/'),
  (r'^classifier/', 'classifier.1/'),
  # The first stage does not widen.
  (r'^block1_(\d)/', r'features.1.\1.block.'),
  (r'^block(\d)_(\d)/', r'features.\1.\2.block.+'),
  (r'\+expand/', '0.0/'),
  (r'\+expand_norm/', '0.1/'),
  (r'\+depthwise/', '1.0/'),
  (r'\+depthwise_norm/', '1.1/'),
  (r'\+squeeze/', '2.fc1/'),
  (r'\+excite/', '2.fc2/'),
  (r'\+project/', '3.0/'),
  (r'\+project_norm/', '3.1/'),
  (r'block\.depthwise/', 'block.0.0/'),
  (r'block\.depthwise_norm/', 'block.0.1/'),
  (r'block\.squeeze/', 'block.1.fc1/'),
  (r'block\.excite/', 'block.1.fc2/'),
  (r'block\.project/', 'block.2.0/'),
  (r'block\.project_norm/', 'block.2.1/'),
)
_EFFICIENTNET_TIMM: _Pairs = (
  (r'^stem/', 'conv_stem/'),
  (r'^stem_norm/', 'bn1/'),
  (r'^head/', 'conv_head/'),
  (r'^head_norm/', 'bn2/'),
  (r'^block1_(\d)/', r'blocks.0.\1.'),
  *((rf'^block{stage}_(\d)/', rf'blocks.{stage - 1}.\1.+') for stage in range(2, 8)),
  (r'\+expand/', 'conv_pw/'),
  (r'\+expand_norm/', 'bn1/'),
  (r'\+depthwise_norm/', 'bn2/'),
  (r'\+project/', 'conv_pwl/'),
  (r'\+project_norm/', 'bn3/'),
  (r'\.depthwise_norm/', '.bn1/'),
  (r'\.project/', '.conv_pw/'),
  (r'\.project_norm/', '.bn2/'),
  (r'[.+]depthwise/', '.conv_dw/'),
  (r'[.+]squeeze/', '.se.conv_reduce/'),
  (r'[.+]excite/', '.se.conv_expand/'),
  (r'\.\.', '.'),
)
_CONVNEXT: _Pairs = (
  (r'^stem/', 'features.0.0/'),
  (r'^stem_norm/', 'features.0.1/'),
  *((rf'^halving{stage}_norm/', f'features.{2 * stage}.0/') for stage in range(1, 4)),
  *((rf'^halving{stage}/', f'features.{2 * stage}.1/') for stage in range(1, 4)),
  *((rf'^block{stage}_(\d+)/', rf'features.{2 * stage + 1}.\1.') for stage in range(4)),
  (r'\.scale$', '.layer_scale'),
  (r'\.depthwise/', '.block.0/'),
  (r'\.norm/', '.block.2/'),
  (r'\.widen/', '.block.3/'),
  (r'\.narrow/', '.block.5/'),
  (r'^head_norm/', 'classifier.0/'),
  (r'^classifier/', 'classifier.2/'),
)
_CONVNEXT_TIMM: _Pairs = (
  (r'^stem/', 'stem.0/'),
  (r'^stem_norm/', 'stem.1/'),
  (r'^halving(\d)_norm/', r'stages.\1.downsample.0/'),
  (r'^halving(\d)/', r'stages.\1.downsample.1/'),
  (r'^block(\d)_(\d+)/', r'stages.\1.blocks.\2.'),
  (r'\.scale$', '.gamma'),
  (r'\.depthwise/', '.conv_dw/'),
  (r'\.widen/', '.mlp.fc1/'),
  (r'\.narrow/', '.mlp.fc2/'),
  (r'^head_norm/', 'head.norm/'),
  (r'^classifier/', 'head.fc/'),
)
_VIT_TIMM: _Pairs = (
  (r'^patch_embed/', 'patch_embed.proj/'),
  (r'^block(\d+)/', r'blocks.\1.'),
  (r'\.attn/', '.attn.'),
  (r'\.fc(\d)/', r'.mlp.fc\1/'),
)


def _spoken(pairs: _Pairs) -> Dialect:
  compiled = [(re.compile(pattern), new) for pattern, new in (*pairs, *_LEAVES)]

  def say(path: str) -> str:
    for pattern, new in compiled:
      path = pattern.sub(new, path)
    return path.replace('/', '.')

  return say


def _of_resnet(depth: int) -> _Pairs:
  """torchvision's names, which are also timm's."""
  kind, layers = ('_Bottleneck', 3) if depth >= 50 else ('_Basic', 2)
  stages = [
    (s, i) for s, blocks in enumerate(models.resnet.STAGES[depth], 1) for i in range(blocks)
  ]
  blocks = [(rf'^{kind}_{n}/', f'layer{s}.{i}.') for n, (s, i) in enumerate(stages)]
  inner = [
    ((rf'\.Conv_{i}/', f'.conv{i + 1}/'), (rf'\.BatchNorm_{i}/', f'.bn{i + 1}/'))
    for i in range(layers)
  ]
  return (
    (r'^Conv_0/', 'conv1/'),
    (r'^BatchNorm_0/', 'bn1/'),
    (r'^Dense_0/', 'fc/'),
    *blocks,
    *itertools.chain.from_iterable(inner),
    (rf'\.Conv_{layers}/', '.downsample.0/'),
    (rf'\.BatchNorm_{layers}/', '.downsample.1/'),
  )


_OTHERS: Mapping[type[nn.Module], tuple[_Pairs, ...]] = MappingProxyType(
  {
    models.ConvNeXt: (_CONVNEXT, _CONVNEXT_TIMM),
    models.DenseNet: (_DENSENET,),
    models.EfficientNet: (_EFFICIENTNET, _EFFICIENTNET_TIMM),
    models.VisionTransformer: (_VIT_TIMM,),
  }
)


def dialects(network: nn.Module) -> list[Dialect]:
  """Those in which weights of this network are published; none for one of which there are none."""
  pairs = _OTHERS.get(type(network), ())
  if isinstance(network, models.ResNet):
    pairs = (_of_resnet(network.depth),)
  return [_spoken(one) for one in pairs]


def cleaned(names: Sequence[str]) -> dict[str, str]:
  """Each name in a file of weights without what wrappers and old versions put into it."""
  found = {}
  prefix = next((p for p in ('module.', 'model.') if all(n.startswith(p) for n in names)), '')
  for name in names:
    short = name.removeprefix(prefix)
    # torchvision's file of DenseNet is older than its names: 'norm.1' is 'norm1'.
    found[name] = re.sub(r'(denselayer\d+\.(?:norm|conv))\.([12])\.', r'\1\2.', short)
  return found
