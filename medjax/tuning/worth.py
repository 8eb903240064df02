"""What tuning was worth: the winner and the defaults, both from new seeds, on test cases."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from medjax.errors import UserError
from medjax.evaluation import Estimate
from medjax.evaluation.estimate import t_quantile
from medjax.outcomes import Outcome
from medjax.training import evaluate
from medjax.workdir import Workdir


def over_seeds(
  values: Sequence[float | None],
  ends: Sequence[tuple[float | None, float | None]],
  share: bool = False,
) -> Estimate:
  """The mean of what runs of several seeds have on the same cases, with its 95% interval.

  Its half-widths are the root of the summed squares of two: the mean of the runs' own, which are
  over cases (averaging cannot make it wider, as all have the same cases), and that of Student's
  interval over seeds. With one or two seeds the first one alone is known.

  Args:
    values: of each run.
    ends: of the interval of each, over cases.
    share: whether the value is between 0 and 1, and so its interval.

  Example:
    >>> over_seeds([0.8, 0.8], [(0.7, 0.9), (0.7, 0.9)]).reason
    'over cases alone: of 2 seeds no spread is told'
  """
  known = [(v, low, high) for v, (low, high) in zip(values, ends, strict=True) if v is not None]
  if not known:
    return Estimate(None, reason='no run defines it')
  value = float(np.mean([v for v, _, _ in known]))
  few = '' if len(known) == len(values) else f'of {len(known)} of {len(values)} runs'
  if any(low is None or high is None for _, low, high in known):
    return Estimate(value, reason='; '.join(filter(None, ['no interval over cases', few])))
  seeds, alone = 0.0, ''
  if len(known) > 2:
    deviation = float(np.std([v for v, _, _ in known], ddof=1))
    seeds = t_quantile(0.95, len(known) - 1) * deviation / math.sqrt(len(known))
  else:
    alone = 'over cases alone: of '
    alone += 'one seed no spread is told' if len(known) == 1 else '2 seeds no spread is told'
  below, above = (
    math.hypot(float(np.mean([abs(one[0] - one[end]) for one in known])), seeds)  # type: ignore[operator]
    for end in (1, 2)
  )
  low, high = value - below, value + above
  return Estimate(
    value,
    max(low, 0.0) if share else low,
    min(high, 1.0) if share else high,
    '; '.join(filter(None, [alone, few])),
  )


def of_runs(runs: Sequence[Workdir], outcome: Outcome, split: str) -> dict[str, Any]:
  """``monitor`` of runs of several seeds on a split: the mean, and of each run.

  Raises:
    UserError: a run is not evaluated.
  """
  found = []
  for run in runs:
    evaluated = run.read(run.evaluation)
    if split not in evaluated:
      return unknown(f'there is no {split} split')
    found.append(evaluated[split][outcome.monitor])
  metric = outcome.metric(outcome.monitor, list(evaluated[split]))
  mean = over_seeds(
    [one['value'] for one in found],
    [(one['low'], one['high']) for one in found],
    metric is not None and metric.share,
  )
  return {'mean': mean.to_json(), 'runs': found}


def unknown(reason: str) -> dict[str, Any]:
  """What stands for a figure that nobody has."""
  return {'mean': Estimate(None, reason=reason).to_json(), 'runs': []}


def difference(
  winner: Sequence[Workdir], default: Sequence[Workdir], outcome: Outcome
) -> dict[str, Any]:
  """``monitor`` of the winner's runs less that of the defaults', seed by seed on the test cases.

  Raises:
    UserError: a run is not evaluated.
  """
  if any('test' not in run.read(run.evaluation) for run in (*winner, *default)):
    return unknown('there is no test split')
  pairs, reason = [], ''
  try:
    pairs = [_paired(one, other, outcome) for one, other in zip(winner, default, strict=True)]
  except UserError as error:  # such as predictions that have no paired test
    reason = str(error)
  if not pairs:
    return unknown(reason)
  mean = over_seeds(
    [pair['value'] for pair in pairs], [(pair['low'], pair['high']) for pair in pairs]
  )
  return {'mean': mean.to_json(), 'runs': pairs}


def _paired(one: Workdir, other: Workdir, outcome: Outcome) -> dict[str, Any]:
  runs = (one, other)
  tables = [outcome.read_table(run.verified(run.predictions('test'))) for run in runs]
  decisions = [evaluate.read_decision(outcome.read_decision, run) for run in runs]
  differences = outcome.compare(tables, decisions)
  if outcome.monitor not in differences:
    raise UserError(f'there is no paired test of {outcome.monitor}')
  return differences[outcome.monitor].to_json()


def verdict(mean: dict[str, Any]) -> str:
  """What the difference on test says, in a sentence."""
  if mean['value'] is None or mean['low'] is None:
    return f'nobody can say whether the winner is better on test: {mean.get("reason", "")}'
  of = f' ({mean["reason"]})' if mean.get('reason') else ''
  if mean['low'] > 0:
    return f'the winner is better on test{of}'
  if mean['high'] < 0:
    return f'the winner is worse on test: the defaults are the better choice{of}'
  return f'the winner is not shown to be better on test: chance may explain the difference{of}'
