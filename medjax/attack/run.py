"""``audit --privacy``: membership inference and canaries, with a private training and without."""

import copy
import pathlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from medjax import sealed
from medjax.attack import canaries, lira
from medjax.attack.canaries import Bound
from medjax.attack.lira import Attack
from medjax.attack.networks import Networks, taken
from medjax.audit import page
from medjax.audit.finding import Checked, Finding
from medjax.config import Config
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.privacy import accounting, sampling
from medjax.runtime import Devices
from medjax.training import budget

_FEWEST = 40  # patients, below which 1% of half of them is no case

Build = Callable[[Any], Experiment]


def audit(
  build: Build,
  config: Config,
  devices: Devices,
  name: str,
  shadows: int,
  json: pathlib.Path,
  html: pathlib.Path,
) -> None:
  """Attacks trainings of the settings, prints what came of it, and writes it.

  Args:
    build: the experiment of settings, its data loaded as those of a run are.
    config: the settings.
    devices: devices of all hosts.
    name: of the experiment.
    shadows: networks for membership inference, an even number.
    json: the file with all figures.
    html: the page.

  Raises:
    UserError: there are too few patients, or a file cannot be written.
  """
  accounting.require()
  if shadows < 4 or shadows % 2:
    raise UserError(f'--shadows={shadows}: expected an even number of at least 4')
  began = time.monotonic()
  off = copy.copy(config)
  off.privacy = type(config.privacy)()
  settings = {'without': off} | ({'with': config} if config.privacy.epsilon else {})
  found: dict[str, tuple[Attack, Bound | str]] = {}
  data = None
  for kind, one in settings.items():
    experiment = build(one)
    data = experiment.data
    found[kind] = (_inferred(experiment, one, devices, shadows), _bounded(experiment, one, devices))
    _say(kind, *found[kind])
  assert data is not None
  about = {
    'name': name,
    'source': data.name,
    'simulated': data.simulated,
    'cases': len(data.splits['train']),
    'what': 'training cases',
    'notes': [],
    'of': 'privacy',
    'nothing': 'That these attacks find nothing is no proof that none could.',
  }
  checked = [_membership(found, shadows), _canaries(found)]
  page.write(html, checked, {**about, 'data': json.name}, lambda _: None)
  seconds = round(time.monotonic() - began, 1)
  values = {kind: _to_json(*one) for kind, one in found.items()}
  sealed.write(
    json, {**about, 'shadows': shadows, 'seconds': seconds, 'trainings': values},
    data=data.fingerprint,
  )  # fmt: skip
  print(f'audit of privacy: {html}')


def _inferred(experiment: Experiment, config: Config, devices: Devices, shadows: int) -> Attack:
  split = experiment.data.splits['train']
  names, unit = np.unique(budget.units(split), return_inverse=True)
  if len(names) < _FEWEST:
    raise UserError(f'audit --privacy: {len(names)} training patients; expected at least {_FEWEST}')
  inside = lira.halves(len(names), shadows, sampling.system_generator())
  networks = Networks(experiment, config, devices, len(names) // 2)
  scores = np.empty(inside.shape)
  for number, members in enumerate(inside):
    train = taken(split, np.flatnonzero(members[unit]))
    of_rows = networks.scores(train, split, config.seed + 1 + number)
    scores[number] = np.bincount(unit, of_rows) / np.bincount(unit)
  return lira.attack(scores, inside)


def _bounded(experiment: Experiment, config: Config, devices: Devices) -> Bound | str:
  """The bound, or why there is none."""
  try:
    return canaries.bound(experiment, config, devices, config.seed)
  except UserError as error:
    return str(error).removeprefix('audit --privacy: ')


def _to_json(attack: Attack, bound: Bound | str) -> dict[str, Any]:
  told = {'problem': bound} if isinstance(bound, str) else vars(bound)
  return {
    'membership': {name: estimate.to_json() for name, estimate in vars(attack).items()},
    'canaries': dict(told),
  }


def _say(kind: str, attack: Attack, bound: Bound | str) -> None:
  rate = attack.true_positive_rate
  print(
    f'{kind} differential privacy: {_spelled(rate)} of members found at 1% false positives, AUROC '
    f'{_spelled(attack.auroc)}; {_line(bound)}'
  )


def _spelled(estimate: Any) -> str:
  return f'{estimate.value:.3f} (95% interval {estimate.low:.3f} to {estimate.high:.3f})'


def _line(bound: Bound | str) -> str:
  if isinstance(bound, str):
    return f'no canaries: {bound}'
  claimed = 'none is claimed' if bound.claimed is None else f'{bound.claimed:g} is claimed'
  return f'epsilon is at least {bound.epsilon:.2f} by {bound.canaries} canaries, {claimed}'


def _membership(found: dict[str, tuple[Attack, Bound | str]], shadows: int) -> Checked:
  rows = [
    {
      'training': f'{kind} differential privacy',
      'members found at 1% false positives': _spelled(attack.true_positive_rate),
      'AUROC': _spelled(attack.auroc),
      'balanced accuracy': _spelled(attack.balanced_accuracy),
    }
    for kind, (attack, _) in found.items()
  ]
  worst = [(kind, one[0].true_positive_rate) for kind, one in found.items()]
  told = '; '.join(f'{kind} differential privacy {_spelled(rate)}' for kind, rate in worst)
  leaks = any(rate.low is not None and rate.low > 0.01 for _, rate in worst)
  return Checked(
    'membership inference',
    f'{shadows} networks, each trained on half of the patients; each is attacked by one who has '
    'the others, with likelihood ratios (Carlini et al. 2022). By chance .01 of members are '
    'found at 1% false positives, and the AUROC is .5.',
    [
      Finding(
        f'members found at 1% false positives: {told}',
        'a network that tells who was trained on is as sensitive as the data; '
        'config.privacy.epsilon trains with differential privacy' if leaks else '',
        rows,
        information=not leaks,
      )
    ],
  )  # fmt: skip


def _canaries(found: dict[str, tuple[Attack, Bound | str]]) -> Checked:
  about = (
    'Training patients with wrong labels, each put in by the toss of a coin, and a guess of who '
    'was in (Steinke, Nasr and Jagielski 2023). The bound holds with 95% confidence; the truth may '
    'be far above.'
  )
  findings, problems = [], []
  for kind, (_, bound) in found.items():
    if isinstance(bound, str):
      problems.append(bound)
      continue
    above = bound.claimed is not None and bound.epsilon > bound.claimed
    findings.append(
      Finding(
        f'{kind} differential privacy, {_line(bound)}',
        'the claim does not hold: do not rely on it, and report this' if above else '',
        [
          {
            'training': f'{kind} differential privacy',
            'at least': f'{bound.epsilon:.2f}',
            'claimed': 'none' if bound.claimed is None else f'{bound.claimed:g}',
            'delta': f'{bound.delta:.2g}',
            'canaries': bound.canaries,
            'put in': bound.inside,
          }
        ],
        information=not above,
      )
    )
  return Checked('canaries', about, findings, '' if findings else problems[0])
