"""What a run's budget of privacy asks for: refusals, the noise of its updates, and what is spent.

A run spends its budget on its own. Of several runs on the same patients, as in a cross-validation,
each has spent its own, and whoever sees them all has seen more than any one tells.
"""

import copy
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from medjax import files
from medjax.config import Config
from medjax.data import patients
from medjax.data.dataset import Dataset, Split
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.privacy import Privacy, accounting, sampling
from medjax.privacy.release import STATISTICS, Release
from medjax.training import history, state
from medjax.workdir import Workdir

# What data.json keeps of a loader, and does not come from training cases.
_HARMLESS = frozenset(
  ('alphabet', 'length', 'keep', 'sequence_column', 'both_strands', 'label', 'inputs',
   'leads', 'rate', 'seconds', 'names', 'private', 'preprocessing', 'typical', 'kinds')
)  # fmt: skip
_TOLD = {
  'label_mean': 'the mean of the labels',
  'label_scale': 'the standard deviation of the labels',
  'mean_atoms': 'the mean number of atoms',
  'positions': 'the number of positions',
  'places': 'at which places sequences differ (config.data.varying)',
  'domain': 'what the training molecules look like',
  'event_times': 'the times of events',
}


def prepared(config: Config, workdir: Workdir) -> Config:
  """The config with what its loader may tell of training cases.

  Args:
    config: settings of the run.
    workdir: its folder; what data.json holds was told before, and is not drawn again.

  Raises:
    UserError: what does the accounting is not installed.
  """
  privacy = config.privacy
  if not privacy.epsilon:
    return config
  accounting.require()
  given: Any = copy.copy(config)
  if not hasattr(given, 'data'):
    return config
  given.data = copy.copy(given.data)
  noise = 0.0
  if privacy.statistics_share and not privacy.columns:
    # By delta of a thousand units at least: how many there are is not known before they are read.
    noise = _statistics(privacy.epsilon, privacy.delta or 1e-4, privacy.statistics_share)
  before = workdir.read(workdir.data)['details'] if workdir.data.exists() else None
  given.data.private = Release(noise, privacy.columns, before)
  return given


def _statistics(epsilon: float, delta: float, share: float) -> float:
  """The noise multiplier of each statistic, all of which have ``share`` of what there is."""
  return accounting.gaussian(epsilon, delta) * (STATISTICS / share) ** 0.5


def applied(
  experiment: Experiment, config: Config, planned: Callable[[int], int] | None = None
) -> Experiment:
  """The experiment with its mechanism, for a config with a budget.

  Args:
    experiment: with the patients that are trained on.
    config: settings of the run.
    planned: number of training examples -> updates of the whole training; None for those of
      ``config.num_epochs`` epochs.

  Raises:
    UserError: something in the experiment would tell of private cases beside the mechanism, or the
      budget allows for no training.
  """
  wanted = config.privacy
  if not wanted.epsilon:
    return experiment
  _check(experiment, config)
  split = experiment.data.splits['train']
  several = len(np.unique(units(split))) < len(split)
  count = len(np.unique(units(split)))
  delta = wanted.delta or 0.1 / count
  if delta >= 1 / count:
    raise UserError(
      f'config.privacy.delta={delta:g}: lets a patient of {count} be told outright; expected less '
      f'than {1 / count:.2g}'
    )
  batch = min(config.batch_size, count)
  if planned is None:
    updates = steps_per_epoch(len(split), config) * config.num_epochs
  else:
    updates = planned(len(split))
  noise: tuple[float, ...] = ()
  if 'preprocessing' in experiment.data.details and not wanted.columns:
    one = _statistics(wanted.epsilon, wanted.delta or 1e-4, wanted.statistics_share)
    noise = (one,) * STATISTICS
  of_updates = (1 - accounting.OVERFLOW) * delta
  rate = batch / count
  privacy = Privacy(
    unit='patient' if several or _named(split) else 'example',
    units=count,
    epsilon=wanted.epsilon,
    delta=delta,
    clip_norm=wanted.clip_norm,
    noise_multiplier=accounting.noise_multiplier(wanted.epsilon, rate, updates, of_updates, noise),
    batch=batch,
    width=accounting.width(count, batch, updates, wanted.epsilon, delta),
    updates=updates,
    statistics=noise,
  )
  return dataclasses.replace(experiment, privacy=privacy)


def units(split: Split) -> np.ndarray:
  """Whose each example is: the patient, or the example itself; [N]."""
  return np.array([patients.key(str(name)) for name in split.group])


def key(experiment: Experiment, config: Config) -> jax.Array:
  """What the steps of a run draw from: its seed, or where noise is drawn the system."""
  return sampling.system_key() if experiment.privacy is not None else jax.random.key(config.seed)


def steps_per_epoch(examples: int, config: Config) -> int:
  """Updates of an epoch."""
  return -(-examples // config.batch_size)


def _named(split: Split) -> bool:
  """Whether groups are other names than those of the examples."""
  return [str(name) for name in split.group] != [str(name) for name in split.id]


def _check(experiment: Experiment, config: Config) -> None:
  """Refuses what would tell of private cases beside the mechanism."""
  if jax.process_count() > 1:
    raise UserError('config.privacy.epsilon: needs one process, as all draw the same noise')
  if experiment.mix is not None:
    raise UserError(
      'config.privacy.epsilon: a mixture of two patients (config.mix) has one gradient for both; '
      'expected none'
    )
  if experiment.balance or any(experiment.task.weights):
    what = 'config.balance' if experiment.balance else 'config.class_weight'
    raise UserError(
      f'{what}: counts of classes are statistics of private cases, without a share of '
      'config.privacy.epsilon; expected 0'
    )
  if experiment.task.compares:
    raise UserError(
      'config.privacy.epsilon: this loss compares patients with each other, and so has no gradient '
      'of one; expected a loss of each case'
    )
  if experiment.beside is not None:
    raise UserError(
      f'{experiment.beside.settings}: would be fitted to private cases without noise; expected none'
    )
  held = set(state.abstract(experiment).model_state)
  if held:
    raise UserError(
      f'config.privacy.epsilon: this network keeps statistics of its batches '
      f'({", ".join(sorted(held))}), in which patients influence one another; expected one '
      'without: config.norm=group, or another config.network'
    )
  if getattr(getattr(config, 'data', None), 'length', None) == 0:
    raise UserError(
      'config.data.length=0: is the length of the longest training sequence, which is not told '
      'with noise; expected a length'
    )
  for told in fitted(experiment.data):
    raise UserError(
      f'config.privacy.epsilon: {told} of the training cases is not told with noise, and the '
      'network is scaled by it; there is no private training on these labels or inputs yet'
    )


def fitted(data: Dataset) -> list[str]:
  """What a data set tells of its training cases as it is, in words; none where nothing."""
  details = data.details
  found = [
    _TOLD.get(name, name)
    for name, value in details.items()
    if name not in _HARMLESS and value not in (None, [], {}, '')
  ]
  if 'preprocessing' in details and not details.get('private'):
    found.append('the mean and scale of each column')
  return found


def lost(experiment: Experiment, workdir: Workdir, step: int) -> None:
  """Notes updates that were done, seen in the log, and are done again with other noise.

  Args:
    experiment: of the run.
    workdir: its folder.
    step: that it goes on from.
  """
  if experiment.privacy is None:
    return
  if 'sites' in _kept(workdir):  # each of which counts what it sends
    return
  last = max((line['step'] for line in history.read(workdir).lines), default=0)
  before = _lost(workdir)
  if last > step or not workdir.privacy.exists():
    workdir.write(workdir.privacy, {'lost_updates': before + max(last - step, 0)})


def _lost(workdir: Workdir) -> int:
  return int(_kept(workdir).get('lost_updates', 0))


def _kept(workdir: Workdir) -> dict[str, Any]:
  return workdir.read(workdir.privacy) if workdir.privacy.exists() else {}


def sent(workdir: Workdir, site: str) -> int:
  """Updates whose outcome a site has sent to others, in a run of sites that train together."""
  return int(_kept(workdir).get('sites', {}).get(site, {}).get('updates', 0))


def sends(workdir: Workdir, updates: Mapping[str, tuple[Privacy, int]]) -> None:
  """Notes, before sites send what came of updates, that they do.

  A site whose round is asked for twice has told twice as much, so nothing is ever taken back.

  Args:
    workdir: folder of the run.
    updates: of each site its mechanism, and how many it sends: 0 of a site that does not.

  Raises:
    UserError: a site had another mechanism before.
  """
  kept = _kept(workdir)
  sites = dict(kept.get('sites', {}))
  for name, (privacy, count) in updates.items():
    mechanism = privacy.to_json()
    if name in sites and sites[name]['mechanism'] != mechanism:
      changed = [key for key, value in mechanism.items() if sites[name]['mechanism'][key] != value]
      raise UserError(
        f'config.privacy.epsilon: {", ".join(changed)} of the private training in {workdir.folder} '
        'would be other than they were; what was sent before is accounted for as it was, and '
        'nothing more is sent'
      )
    sites[name] = {'mechanism': mechanism, 'updates': sent(workdir, name) + count}
  workdir.write(workdir.privacy, {**kept, 'sites': sites})
  files.keep(workdir.privacy)


def spent(experiment: Experiment, workdir: Workdir, step: int) -> dict[str, Any] | None:
  """What evaluation.json says of privacy; None for a run without.

  Args:
    experiment: of the run.
    workdir: its folder.
    step: updates that its newest checkpoint has seen.
  """
  if experiment.privacy is None:
    return None
  sites = _kept(workdir).get('sites')
  if not sites:
    return _spent(experiment.privacy, step, _lost(workdir))
  each = {
    name: _spent(Privacy.of_json(one['mechanism']), one['updates'], 0)
    for name, one in sites.items()
  }
  # A patient is of one site, and what others do is computed of what that one sent.
  worst = max(each.values(), key=lambda one: one['epsilon'])
  whole = {
    'delta': max(one['delta'] for one in each.values()),
    'units': sum(one['units'] for one in each.values()),
    'not_covered': f'{NOT_COVERED}; a patient of two sites, of whom both tell',
  }
  return {**worst, **whole, 'sites': each}


def _spent(privacy: Privacy, step: int, again: int) -> dict[str, Any]:
  # A hundredth of delta is for batches that would be wider than their arrays.
  of_updates = (1 - accounting.OVERFLOW) * privacy.delta
  return {
    'epsilon': accounting.epsilon(
      privacy.noise_multiplier, privacy.rate, step + again, of_updates, privacy.statistics
    ),
    'delta': privacy.delta,
    'unit': privacy.unit,
    'units': privacy.units,
    'target_epsilon': privacy.epsilon,
    'clip_norm': privacy.clip_norm,
    'noise_multiplier': privacy.noise_multiplier,
    'sampling_rate': privacy.rate,
    'updates': step,
    'lost_updates': again,
    'statistics_noise_multipliers': list(privacy.statistics),
    'not_covered': NOT_COVERED,
  }


NOT_COVERED = (
  'validation and test patients, of whom metrics, calibration, thresholds and predictions tell; '
  'how many patients were trained on, and counts of data.json and card.md; names and kinds of '
  'columns; other runs on the same patients, each of which spends its own'
)
