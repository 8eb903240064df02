"""The same private training in PyTorch with Opacus, by kept gradients or by ghost clipping."""

from collections.abc import Callable
from typing import Any

import numpy as np
import opacus
import torch
from opacus import PrivacyEngine
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from medjax.bench import network, peer_private, peer_torch


def build(
  spec: dict[str, Any], *, compiled: bool
) -> tuple[dict[str, Any], Callable[[], None], Callable[[], None]]:
  """What it is, one step on a Poisson draw, and a wait until all steps are done.

  Args:
    spec: of ``network.Spec``.
    compiled: whether it clips by ghost norms, in two passes back, or keeps all gradients.

  Raises:
    NotImplementedError: Opacus does not train this network, or not in this precision.
  """
  wanted = network.Spec(**spec)
  if wanted.network != 'cnn' or wanted.precision != 'float32':
    raise NotImplementedError('opacus: only the CNN in float32')
  privacy = peer_private.mechanism(wanted.batch_size)
  about, model, device = peer_torch.loaded(wanted)
  _, inputs = network.read(wanted)
  image = torch.from_numpy(inputs['image'].astype(np.float32) / 255).permute(0, 3, 1, 2)
  label = torch.from_numpy(inputs['label'].astype(np.float32)[:, None])
  # As many units as there are in the study: the examples again and again, without copies.
  number = torch.arange(privacy.units)
  loader = DataLoader(TensorDataset(number), batch_size=wanted.batch_size)
  criterion = nn.BCEWithLogitsLoss(reduction='mean')
  made = PrivacyEngine().make_private(
    module=model,
    optimizer=torch.optim.Adam(model.parameters(), 1e-3, fused=device == 'cuda'),
    data_loader=loader,
    noise_multiplier=privacy.noise_multiplier,
    max_grad_norm=privacy.clip_norm,
    grad_sample_mode='ghost' if compiled else 'hooks',
    **({'criterion': criterion} if compiled else {}),
  )
  model, optimizer, *rest, loader = made
  loss_of = rest[0] if rest else criterion
  batches = _endless(loader)

  def step() -> None:
    chosen = next(batches) % wanted.batch_size
    x = image[chosen].to(device).to(memory_format=torch.channels_last)
    optimizer.zero_grad(set_to_none=True)
    loss_of(model(x), label[chosen].to(device)).backward()
    optimizer.step()

  about['versions'] |= {'opacus': opacus.__version__}
  return about, step, torch.cuda.synchronize if device == 'cuda' else lambda: None


def _endless(loader: Any) -> Any:
  while True:
    for (numbers,) in loader:
      yield numbers
