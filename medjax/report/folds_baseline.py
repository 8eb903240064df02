"""Simple models in the runs of a cross-validation: means over folds, and of the differences."""

from collections.abc import Sequence
from typing import Any

from medjax.outcomes import Outcome
from medjax.report import baseline, run_means
from medjax.workdir import Workdir


def summarise(runs: Sequence[Workdir], outcome: Outcome) -> list[dict[str, Any]]:
  """A simple model each: means over runs of its metrics, and of the network's less its own.

  Intervals are Student's over runs; see ``run_means.mean_over_runs``. A run without that model is
  left out and counted.

  Args:
    runs: folders of evaluated runs.
    outcome: what their labels are.

  Returns:
    JSON objects with 'learner', 'name', 'runs' (how many have the model), 'metrics' and
    'differences' (estimates by name).
  """
  by_learner: dict[str, list[dict[str, Any]]] = {}
  for run in runs:
    if not baseline.read(run, outcome).problem:
      for model in run.read(run.baseline)['models']:
        if not model['problem']:
          by_learner.setdefault(model['learner'], []).append(model)
  return [
    {
      'learner': learner,
      'name': models[0]['name'],
      'runs': len(models),
      'metrics': _means([model['metrics'] for model in models], len(runs), outcome),
      'differences': _means([model['differences'] for model in models], len(runs)),
    }
    for learner, models in by_learner.items()
  ]


def _means(
  of_runs: Sequence[dict[str, Any]], runs: int, outcome: Outcome | None = None
) -> dict[str, Any]:
  """Means over runs by name; of metrics with the outcome, which knows those that are shares."""
  names = list(dict.fromkeys(name for one in of_runs for name in one))
  means = {}
  for name in names:
    if name not in run_means.LEFT_OUT:
      known = [one[name]['value'] for one in of_runs if name in one]
      known = [value for value in known if value is not None]
      share = outcome is not None and run_means.is_share(outcome, name, names)
      means[name] = run_means.mean_over_runs(known, runs, share).to_json()
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
