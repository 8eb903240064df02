"""A lower bound on epsilon from one training, with patients who were put in by the toss of a coin.

Canaries are patients whose labels are wrong, which a network can only know by heart. Each is put in
or left out at random. Who guesses from the network which ones were in, and is right too often, has
shown that epsilon is at least so large.

Source:
  Steinke, Nasr and Jagielski (2023), Privacy auditing with one (1) training run. NeurIPS.
"""

import dataclasses
from typing import Any

import jax
import numpy as np

from medjax.attack.networks import Networks, taken
from medjax.config import Config
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.privacy import sampling
from medjax.runtime import Devices
from medjax.training import budget

CONFIDENCE = 0.95
_MOST, _SHARE = 500, 0.25  # canaries, and of the training patients


@dataclasses.dataclass(frozen=True)
class Bound:
  """What canaries show.

  Attributes:
    epsilon: the lower bound, with confidence 0.95; 0 shows nothing.
    delta: for which it holds.
    canaries: how many there were.
    inside: how many of them were put in.
    claimed: epsilon that the training claims; None for a training that claims nothing.
  """

  epsilon: float
  delta: float
  canaries: int
  inside: int
  claimed: float | None


def bound(experiment: Experiment, config: Config, devices: Devices, seed: int) -> Bound:
  """Trains once with canaries and bounds epsilon.

  Args:
    experiment: without a mechanism.
    config: its settings.
    devices: devices of all hosts.
    seed: of the network's weights.

  Raises:
    UserError: labels are no classes, or there are too few patients.
  """
  from jax_privacy import auditing

  split = experiment.data.splits['train']
  wrong = _wrong(split.label, len(experiment.data.classes))
  random = sampling.system_generator()
  names, unit = np.unique(budget.units(split), return_inverse=True)
  chosen = random.permutation(len(names))[: min(_MOST, int(_SHARE * len(names)))]
  if len(chosen) < 10:
    raise UserError(f'audit --privacy: {len(names)} training patients; expected at least 40')
  tossed = random.random(len(chosen)) < 0.5
  if tossed.all() or not tossed.any():
    tossed[0] = not tossed[0]
  canary = np.isin(unit, chosen)
  inside = np.isin(unit, chosen[tossed])
  label = jax.tree.map(
    lambda right, other: np.where(canary.reshape(-1, *[1] * (right.ndim - 1)), other, right),
    split.label,
    wrong,
  )
  train = taken(split, np.flatnonzero(~canary | inside), label)
  networks = Networks(experiment, config, devices, len(names) - len(chosen) + int(tossed.sum()))
  asked = np.flatnonzero(canary)
  scores = networks.scores(train, taken(split, asked, label), seed)
  of_unit = np.array([scores[unit[asked] == one].mean() for one in chosen])
  claimed = networks.claimed
  delta = claimed[1] if claimed else 0.1 / len(names)
  auditor = auditing.CanaryScoreAuditor(of_unit[tossed], of_unit[~tossed])
  epsilon = auditor.epsilon_one_run(1 - CONFIDENCE, delta)
  return Bound(
    float(max(epsilon, 0.0)), delta, len(chosen), int(tossed.sum()), claimed[0] if claimed else None
  )


def _wrong(label: Any, classes: int) -> Any:
  """Other labels than those that are there."""
  if not (isinstance(label, np.ndarray) and classes):
    raise UserError('audit --privacy: canaries have wrong classes, and these labels are no classes')
  if label.dtype.kind in 'iu' and label.ndim == 1:
    return ((label + 1) % max(classes, 2)).astype(label.dtype)
  if label.dtype.kind == 'f' and label.ndim == 2:
    return (1 - label).astype(label.dtype)
  raise UserError('audit --privacy: canaries need one class a case, or findings of each case')
