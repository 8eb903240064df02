"""What the page, the card and the terminal say of simple models beside the network."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from medjax.errors import UserError
from medjax.outcomes import Outcome
from medjax.workdir import Workdir

# A simple model should take at most this share of the training's time; loading scikit-learn alone
# takes a second or two.
_SHARE = 0.1


@dataclasses.dataclass(frozen=True)
class Row:
  """One simple model in words.

  Attributes:
    name: such as 'PCA and logistic regression'.
    figure: its most important metric with its interval.
    difference: the network's less its own, with interval and p value.
    verdict: whether the network is better, in plain words.
    about: what it sees and how it is set.
    problem: why there are no figures; '' where there are.
  """

  name: str
  figure: str = ''
  difference: str = ''
  verdict: str = ''
  about: str = ''
  problem: str = ''


@dataclasses.dataclass(frozen=True)
class Baseline:
  """What baseline.json says, in words.

  Attributes:
    rows: a row a model.
    about: on how many cases, and how long that took.
    problem: why there is none; '' where there is one.
  """

  rows: Sequence[Row] = ()
  about: str = ''
  problem: str = ''


def read(workdir: Workdir, outcome: Outcome) -> Baseline:
  """The baseline of a run as its report shows it.

  Args:
    workdir: the run folder.
    outcome: what its labels are.
  """
  if not workdir.baseline.exists():
    return Baseline(problem='baseline.json is missing; run evaluate again')
  try:
    about = workdir.read(workdir.baseline)
    if about['problem']:
      return Baseline(problem=about['problem'])
    step = workdir.read(workdir.decision)['checkpoint_step']
    if about['checkpoint_step'] != step:
      return Baseline(problem='that in the run folder is of another checkpoint; run evaluate again')
    rows = [_row(model, about['split'], outcome) for model in about['models']]
    return Baseline(rows, _about(about, _training_seconds(workdir)))
  except UserError as error:
    return Baseline(problem=str(error))
  except (KeyError, TypeError, ValueError) as error:
    return Baseline(problem=f'{workdir.baseline.name} is damaged ({error}); run evaluate again')


def _row(model: dict[str, Any], split: str, outcome: Outcome) -> Row:
  if model['problem']:
    return Row(model['name'], problem=model['problem'])
  name = outcome.monitor
  metric = outcome.metric(name, list(model['metrics']))
  title = name if metric is None else metric.title
  difference = model['differences'].get(name)
  return Row(
    model['name'],
    f'{split} {title} {estimate(model["metrics"][name])}',
    'the network minus this baseline: ' + difference_text(difference),
    verdict(difference),
    f'{model["features"]}; {model["settings"]}',
  )


def estimate(value: dict[str, Any]) -> str:
  """A metric with its interval.

  Example:
    >>> estimate({'value': 0.8624, 'low': 0.8, 'high': 0.92})
    '0.862 (95% interval 0.800 to 0.920)'
  """
  if value['value'] is None:
    return f'undefined: {value.get("reason", "no reason was given")}'
  if value['low'] is None:
    return f'{value["value"]:.3f} (no interval: {value.get("reason", "no reason was given")})'
  return f'{value["value"]:.3f} (95% interval {value["low"]:.3f} to {value["high"]:.3f})'


def difference_text(value: dict[str, Any] | None) -> str:
  """A paired difference with interval and p value.

  Example:
    >>> difference_text({'value': 0.02, 'low': -0.031, 'high': 0.07, 'p_value': 0.44})
    '+0.020 (95% interval -0.031 to +0.070), p = 0.440'
  """
  if value is None:
    return 'not compared'
  if value['value'] is None or value['low'] is None:
    shown = 'undefined' if value['value'] is None else f'{value["value"]:+.3f}'
    return f'{shown} (no interval: {value.get("reason", "no reason was given")})'
  text = f'{value["value"]:+.3f} (95% interval {value["low"]:+.3f} to {value["high"]:+.3f})'
  p = value.get('p_value')
  if p is None:
    return text
  return text + (', p < 0.001' if p < 0.001 else f', p = {p:.3f}')


def verdict(value: dict[str, Any] | None) -> str:
  """Whether the network is better, of the paired difference of a metric that should be large.

  Example:
    >>> verdict({'value': 0.02, 'low': -0.031, 'high': 0.07})
    'the network is not shown to be better than this simple model'
  """
  if value is None or value['low'] is None:
    return 'whether the network is better than this simple model cannot be tested'
  if value['low'] > 0:
    return 'the network is better than this simple model'
  if value['high'] < 0:
    return 'the network is worse than this simple model'
  return 'the network is not shown to be better than this simple model'


def _about(about: dict[str, Any], trained: float | None) -> str:
  cases, of = about['cases'], about['training_cases']
  all_of = f'all {of:,} training cases'
  fitted = f'{cases:,} of {of:,} training cases, drawn once' if cases < of else all_of
  text = (
    f'Fitted to {fitted}, each of which counts alike, with settings that nothing has tuned; '
    f'probabilities are not calibrated. It took {about["seconds"]:.1f} s'
  )
  if trained and about['seconds'] > _SHARE * trained:
    return f'{text}, more than a tenth of the {trained:.0f} s of training.'
  return text + '.'


def _training_seconds(workdir: Workdir) -> float | None:
  try:
    return float(workdir.read(workdir.environment)['seconds'])
  except (UserError, KeyError, TypeError, ValueError):
    return None
