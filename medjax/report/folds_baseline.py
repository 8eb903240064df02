"""Simple models in the runs of a cross-validation: means over folds, and of the differences."""

from collections.abc import Sequence
from typing import Any

from medjax.outcomes import Outcome
from medjax.report import baseline, run_means
from medjax.report.sweep import Sweep


def summarise(sweep: Sweep, outcome: Outcome) -> list[dict[str, Any]]:
  """A simple model each: means over runs of its metrics, and of the network's less its own.

  For intervals see ``run_means.mean_over_runs``. A run without that model is left out and counted.

  Args:
    sweep: the runs.
    outcome: what their labels are.

  Returns:
    JSON objects with 'learner', 'name', 'runs' (how many have the model), 'metrics' and
    'differences' (estimates by name).
  """
  by_learner: dict[str, list[dict[str, Any] | None]] = {}
  for number, run in enumerate(sweep.done):
    if not baseline.read(run, outcome).problem:
      for model in run.read(run.baseline)['models']:
        if not model['problem']:
          of_runs = by_learner.setdefault(model['learner'], [None] * len(sweep.done))
          of_runs[number] = model
  found = []
  for learner, of_runs in by_learner.items():
    there = [model for model in of_runs if model is not None]
    metrics = [model and model['metrics'] for model in of_runs]
    differences = [model and model['differences'] for model in of_runs]
    found.append(
      {
        'learner': learner,
        'name': there[0]['name'],
        'runs': len(there),
        'metrics': _means(sweep, metrics, outcome),
        'differences': _means(sweep, differences),
      }
    )
  return found


def _means(
  sweep: Sweep, of_runs: Sequence[dict[str, Any] | None], outcome: Outcome | None = None
) -> dict[str, Any]:
  """Means over runs by name; of metrics with the outcome, which knows those that are shares."""
  names = list(dict.fromkeys(name for one in of_runs for name in one or ()))
  ratio, means = sweep.ratio(), {}
  for name in names:
    if name not in run_means.LEFT_OUT:
      values = sweep.grid([(one or {}).get(name, {}).get('value') for one in of_runs])
      share = outcome is not None and run_means.is_share(outcome, name, names)
      means[name] = run_means.mean_over_runs(values, ratio, share).to_json()
  return means


def rows(found: Sequence[dict[str, Any]], outcome: Outcome) -> list[baseline.Row]:
  """What the page shows of each simple model: its most important metric, and the difference."""
  shown = []
  for model in found:
    name = outcome.monitor
    metric = outcome.metric(name, list(model['metrics']))
    title = name if metric is None else metric.title
    difference = model['differences'].get(name)
    shown.append(
      baseline.Row(
        model['name'],
        f'mean test {title} {baseline.estimate(model["metrics"][name])}',
        f'the network minus this baseline: {baseline.difference_text(difference)}, over runs',
        baseline.verdict(difference),
      )
    )
  return shown


def lines(found: Sequence[dict[str, Any]], outcome: Outcome) -> list[str]:
  """What the terminal shows of them."""
  if not found:
    return ['no baseline: no run has one']
  return [
    f'baseline: {row.name}: {row.figure}; {row.difference}: {row.verdict}'
    for row in rows(found, outcome)
  ]
