"""Chemprop's D-MPNN on its own data loader, as its command line trains it but for what it logs.

Molecules are turned into graphs once, before, and kept, which its command line does by default.
What is timed is its loader, which joins the graphs of a batch, its loss, and PyTorch's Adam.
"""

import importlib.metadata
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from chemprop import data, models, nn

from medjax.bench import molecules, network


def build(
  spec: dict[str, Any], *, compiled: bool
) -> tuple[dict[str, Any], Callable[[], None], Callable[[], None]]:
  """What it is, one step, and a wait until all steps are done."""
  del compiled  # it has no such option
  wanted = molecules.Spec(**spec)
  weights, inputs = network.read(wanted)
  device = 'cuda' if torch.cuda.is_available() else 'cpu'
  points = [
    data.MoleculeDatapoint.from_smi(smiles, np.array([label]))
    for smiles, label in zip(wanted.molecules(), inputs['label'], strict=True)
  ]
  kept = data.MoleculeDataset(points)
  kept.cache = True
  passing = nn.BondMessagePassing(d_h=wanted.hidden, depth=wanted.depth)
  head = nn.RegressionFFN(input_dim=wanted.hidden, hidden_dim=wanted.hidden)
  model = models.MPNN(passing, nn.MeanAggregation(), head)
  _load(model, weights)
  model.to(device).eval()
  with torch.no_grad():
    first = data.collate_batch([kept[0], kept[1]])
    first.bmg.to(device)
    outputs = model(first.bmg).cpu().numpy()
  model.train()
  optimizer = torch.optim.Adam(model.parameters(), 1e-3)
  loader = data.build_dataloader(kept, wanted.batch_size, num_workers=0, shuffle=True, seed=0)

  def batches() -> Iterator[Any]:
    while True:
      yield from loader

  endless = batches()

  def step() -> None:
    """Of ``MPNN.training_step``, without its log."""
    batch = next(endless)
    batch.bmg.to(device)
    target, weight = batch.Y.to(device), batch.w.to(device)
    optimizer.zero_grad(set_to_none=True)
    found = model.predictor.train_step(model.fingerprint(batch.bmg))
    there = target.isfinite()
    loss = model.criterion(found, target.nan_to_num(nan=0.0), there, weight, None, None)
    loss.backward()
    optimizer.step()

  about = {
    'device': torch.cuda.get_device_name() if device == 'cuda' else 'cpu',
    'versions': {'chemprop': importlib.metadata.version('chemprop'), 'torch': torch.__version__},
    'difference': float(np.abs(outputs - inputs['expected']).max()),
  }
  return about, step, torch.cuda.synchronize if device == 'cuda' else lambda: None


def _load(model: models.MPNN, weights: dict[str, np.ndarray]) -> None:
  """Weights of a ``medjax.models.DMPNN`` into the network; raises where one is left over."""
  named = {
    'message_passing.W_i.weight': 'input.kernel',
    'message_passing.W_h.weight': 'message.kernel',
    'message_passing.W_o.weight': 'readout.kernel',
    'message_passing.W_o.bias': 'readout_bias',
    'predictor.ffn.0.0.weight': 'Dense_0.kernel',
    'predictor.ffn.0.0.bias': 'Dense_0.bias',
    'predictor.ffn.1.2.weight': 'Dense_1.kernel',
    'predictor.ffn.1.2.bias': 'Dense_1.bias',
  }
  state = {
    theirs: torch.from_numpy(weights[f'params.{ours}'].T.copy()) for theirs, ours in named.items()
  }
  rest = model.load_state_dict(state, strict=False)
  # Chemprop keeps the scale of the targets beside the weights.
  missing = [name for name, _ in model.named_parameters() if name in rest.missing_keys]
  if missing or rest.unexpected_keys:
    raise ValueError(f'weights that differ: {missing}, {rest.unexpected_keys}')
