"""The same networks in PyTorch, channels last, as its users write and train them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from medjax.bench import network

_STAGES = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


def build(
  spec: dict[str, Any], *, compiled: bool
) -> tuple[dict[str, Any], Callable[[], None], Callable[[], None]]:
  """What it is, one step, and a wait until all steps are done."""
  wanted = network.Spec(**spec)
  about, model, device = loaded(wanted)
  _, inputs = network.read(wanted)
  image = torch.from_numpy(inputs['image'].astype(np.float32) / 255).permute(0, 3, 1, 2)
  x = image.to(device).to(memory_format=torch.channels_last)
  y = torch.from_numpy(inputs['label'].astype(np.float32)[:, None]).to(device)
  optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=device == 'cuda')
  forward = torch.compile(model) if compiled else model
  mixed = wanted.precision == 'bfloat16'

  def step() -> None:
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast(device, torch.bfloat16, enabled=mixed):
      loss = nn.functional.binary_cross_entropy_with_logits(forward(x).float(), y)
    loss.backward()
    optimizer.step()

  return about, step, torch.cuda.synchronize if device == 'cuda' else lambda: None


def loaded(wanted: network.Spec) -> tuple[dict[str, Any], nn.Module, str]:
  """What it is, the network with the weights of the folder, in training, and its device."""
  weights, inputs = network.read(wanted)
  device = 'cuda' if torch.cuda.is_available() else 'cpu'
  torch.backends.cudnn.benchmark = True  # choose kernels by timing them, as XLA does
  torch.backends.cudnn.allow_tf32 = False  # float32 is float32 here too
  model = _network(wanted)
  for name, part in model.named_modules():
    _load(name, part, weights)
  model = model.to(device).to(memory_format=torch.channels_last)
  image = torch.from_numpy(inputs['image'].astype(np.float32) / 255).permute(0, 3, 1, 2)
  x = image[:2].to(device).to(memory_format=torch.channels_last)
  model.eval()
  with torch.no_grad():
    outputs = model(x).float().cpu().numpy()
  model.train()
  about = {
    'device': torch.cuda.get_device_name() if device == 'cuda' else 'cpu',
    'versions': {'torch': torch.__version__},
    'difference': float(np.abs(outputs - inputs['expected']).max()),
  }
  return about, model, device


def _network(spec: network.Spec) -> nn.Module:
  if spec.network == 'cnn':
    return _CNN(spec.image_size)
  if spec.network == 'unet':
    return _MeanUNet()
  return _ResNet(int(spec.network[6:]), spec.small_images)


class _CNN(nn.Module):
  def __init__(self, size: int):
    super().__init__()
    for i, (before, after) in enumerate(((3, 32), (32, 64), (64, 128))):
      setattr(self, f'Conv_{i}', nn.Conv2d(before, after, 3))
      size = (size - 2) // 2
    self.Dense_0 = nn.Linear(size * size * 128, 512)
    self.Dense_0.image = (size, size, 128)  # its inputs are an image, in another order here
    self.Dense_1 = nn.Linear(512, 1)

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    for i in range(3):
      x = nn.functional.max_pool2d(torch.relu(getattr(self, f'Conv_{i}')(x)), 2)
    return self.Dense_1(torch.relu(self.Dense_0(x.flatten(1))))


class _ResNet(nn.Module):
  def __init__(self, depth: int, small_images: bool, outputs: bool = True):
    super().__init__()
    self.small = small_images
    self.Conv_0 = _conv(3, 64, 3, 1) if self.small else _conv(3, 64, 7, 2)
    self.BatchNorm_0 = nn.BatchNorm2d(64)
    channels = 64
    self.stages: list[list[str]] = []
    block, number = _Bottleneck if depth >= 50 else _Basic, 0
    for stage, count in enumerate(_STAGES[depth]):
      self.stages.append([])
      for i in range(count):
        name = f'{block.__name__}_{number}'
        made = block(channels, 64 * 2**stage, 2 if stage and not i else 1)
        setattr(self, name, made)
        self.stages[-1].append(name)
        channels, number = made.channels, number + 1
    if outputs:
      self.Dense_0 = nn.Linear(channels, 1)

  def maps(self, x: torch.Tensor) -> list[torch.Tensor]:
    found = [torch.relu(self.BatchNorm_0(self.Conv_0(x)))]
    x = found[0] if self.small else nn.functional.max_pool2d(found[0], 3, 2, 1)
    for names in self.stages:
      for name in names:
        x = getattr(self, name)(x)
      found.append(x)
    return found

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    return self.Dense_0(self.maps(x)[-1].mean((2, 3)))


class _MeanUNet(nn.Module):
  def __init__(self) -> None:
    super().__init__()
    self.unet = _UNet()

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    return self.unet(x).mean((2, 3))


class _UNet(nn.Module):
  def __init__(self) -> None:
    super().__init__()
    self.encoder = _ResNet(18, False, outputs=False)
    channels = 512
    plan = zip((256, 128, 64, 32, 16), (256, 128, 64, 64, 0), strict=True)
    for i, (features, skip) in enumerate(plan):
      setattr(self, f'decoder{i}', _Step(channels + skip, features))
      channels = features
    self.head = nn.Conv2d(channels, 1, 3, padding=1)

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    *skips, x = self.encoder.maps(x)
    for i in range(5):
      x = nn.functional.interpolate(x, scale_factor=2, mode='nearest')
      if i < 4:
        x = torch.cat([x, skips[3 - i]], 1)
      x = getattr(self, f'decoder{i}')(x)
    return self.head(x)


class _Step(nn.Module):
  def __init__(self, before: int, features: int):
    super().__init__()
    self.conv0, self.norm0 = _conv(before, features, 3, 1), nn.BatchNorm2d(features)
    self.conv1, self.norm1 = _conv(features, features, 3, 1), nn.BatchNorm2d(features)

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    x = torch.relu(self.norm0(self.conv0(x)))
    return torch.relu(self.norm1(self.conv1(x)))


class _Block(nn.Module):
  """Convolutions beside the identity; ``kernels`` and channels say which."""

  def __init__(self, channels: int, plan: list[tuple[int, int, int]]):
    super().__init__()
    before, self.count = channels, len(plan)
    for i, (features, kernel, stride) in enumerate(plan):
      setattr(self, f'Conv_{i}', _conv(before, features, kernel, stride))
      setattr(self, f'BatchNorm_{i}', nn.BatchNorm2d(features))
      before = features
    self.channels, stride = before, max(stride for _, _, stride in plan)
    self.turned = before != channels or stride > 1
    if self.turned:
      setattr(self, f'Conv_{self.count}', _conv(channels, before, 1, stride))
      setattr(self, f'BatchNorm_{self.count}', nn.BatchNorm2d(before))

  def forward(self, x: torch.Tensor) -> torch.Tensor:
    y = x
    for i in range(self.count):
      y = getattr(self, f'BatchNorm_{i}')(getattr(self, f'Conv_{i}')(y))
      if i < self.count - 1:
        y = torch.relu(y)
    if self.turned:
      x = getattr(self, f'BatchNorm_{self.count}')(getattr(self, f'Conv_{self.count}')(x))
    return torch.relu(x + y)


class _Basic(_Block):
  def __init__(self, channels: int, width: int, stride: int):
    super().__init__(channels, [(width, 3, stride), (width, 3, 1)])


class _Bottleneck(_Block):
  def __init__(self, channels: int, width: int, stride: int):
    super().__init__(channels, [(width, 1, 1), (width, 3, stride), (4 * width, 1, 1)])


def _conv(before: int, after: int, kernel: int, stride: int) -> nn.Conv2d:
  return nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)


def _load(name: str, part: nn.Module, weights: dict[str, np.ndarray]) -> None:
  def given(leaf: str, collection: str = 'params') -> torch.Tensor:
    return torch.from_numpy(weights[f'{collection}.{name}.{leaf}'])

  with torch.no_grad():
    if isinstance(part, nn.Conv2d):
      part.weight.copy_(given('kernel').permute(3, 2, 0, 1))
    elif isinstance(part, nn.Linear):
      kernel = given('kernel')
      if hasattr(part, 'image'):
        kernel = kernel.reshape(*part.image, -1).permute(2, 0, 1, 3).reshape(kernel.shape)
      part.weight.copy_(kernel.T)
    elif isinstance(part, nn.BatchNorm2d):
      part.weight.copy_(given('scale'))
      part.running_mean.copy_(given('mean', 'batch_stats'))
      part.running_var.copy_(given('var', 'batch_stats'))
    if getattr(part, 'bias', None) is not None and isinstance(
      part, (nn.Conv2d, nn.Linear, nn.BatchNorm2d)
    ):
      part.bias.copy_(given('bias'))
