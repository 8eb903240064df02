"""learning-curve.html: a metric over the number of training cases."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import markupsafe
import numpy as np

from medjax import sealed
from medjax.evaluation import learning
from medjax.outcomes import Outcome
from medjax.plots import curves
from medjax.report import of_runs
from medjax.workdir import Workdir

SUMMARY, PAGE = 'learning-curve.json', 'learning-curve.html'
_TEMPLATE = pathlib.Path(__file__).parent / 'learning_curve.html'
_TIMES = (2, 4)  # as many training cases as there are


def show(
  by_share: Mapping[float, Sequence[Workdir]], outcome: Outcome, folder: pathlib.Path
) -> dict[str, Any]:
  """Prints the curve and writes it as JSON and as a page.

  Args:
    by_share: evaluated runs of each share of the training patients, one a draw.
    outcome: what their labels are.
    folder: where the files are written.

  Raises:
    UserError: a run is not evaluated.
  """
  name = outcome.monitor
  sizes: list[dict[str, Any]] = []
  undefined, split = 0, 'test'
  for share, runs in by_share.items():
    evaluated = [run.read(run.evaluation) for run in runs]
    split = 'test' if all('test' in one for one in evaluated) else 'val'
    draws = [one[split].get(name, {}).get('value') for one in evaluated]
    undefined += sum(value is None for value in draws)
    trained = [run.read(run.data)['splits']['train'] for run in runs]
    size = {'share': share} | {
      what: float(np.mean([of[what] for of in trained])) for what in ('examples', 'groups')
    }
    if None not in draws:
      sizes.append(size | {'mean': float(np.mean(draws)), 'draws': draws})
  sizes.sort(key=lambda size: size['examples'])
  cases = [size['examples'] for size in sizes]
  wanted = [round(times * cases[-1]) for times in _TIMES] if cases else []
  metric = outcome.metric(name, [name])
  most = 1.0 if metric is None else metric.most
  ahead = learning.forecast(cases, [size['draws'] for size in sizes], wanted, most)
  about: dict[str, Any] = {
    'metric': name,
    'title': name if metric is None else metric.title,
    'split': split,
    'runs': sum(map(len, by_share.values())),
    'undefined': undefined,
    'sizes': sizes,
    'forecast': [
      {'cases': count, **estimate.to_json()} for count, estimate in zip(wanted, ahead, strict=True)
    ],
  }
  sealed.write(folder / SUMMARY, about)
  _print(about)
  first = next(iter(by_share.values()))[0]
  page = of_runs.write(folder / PAGE, _TEMPLATE, first, about, _figure(about))
  print(f'learning curve: {folder / SUMMARY}')
  print(f'report: {page}')
  return about


def _print(about: dict[str, Any]) -> None:
  for size in about['sizes']:
    of = size['draws']
    among = f' ({min(of):.3f} to {max(of):.3f} in {len(of)} draws)' if len(of) > 1 else ''
    what = f'{about["split"]} {about["title"]} {size["mean"]:.3f}'
    print(
      f'{size["examples"]:>8,.0f} training cases of {size["groups"]:,.0f} patients: {what}{among}'
    )
  for one in about['forecast']:
    if one['value'] is None:
      print(f'{one["cases"]:>8,} would give: not known: {one["reason"]}')
    else:
      shown = (
        f'({one["low"]:.3f} to {one["high"]:.3f})' if one['low'] is not None else one['reason']
      )
      print(f'{one["cases"]:>8,} would give, by the curve: {one["value"]:.3f} {shown}')
  if about['split'] == 'test':
    print(
      f'the test cases were looked at by {about["runs"]} runs: choose no settings by this curve'
    )


def _figure(about: dict[str, Any]) -> markupsafe.Markup | str:
  sizes, ahead = about['sizes'], about['forecast']
  if len(sizes) < 2:
    return ''
  counts = [size['examples'] for size in sizes]
  means = [size['mean'] for size in sizes]
  lines = {
    'measured, all draws': (
      counts,
      means,
      [min(size['draws']) for size in sizes],
      [max(size['draws']) for size in sizes],
    )
  }
  known = [one for one in ahead if one['value'] is not None]
  if known:
    values = [one['value'] for one in known]
    lines['by the curve'] = (
      [counts[-1], *[one['cases'] for one in known]],
      [means[-1], *values],
      [means[-1], *[one['value'] if one['low'] is None else one['low'] for one in known]],
      [means[-1], *[one['value'] if one['high'] is None else one['high'] for one in known]],
    )
  return markupsafe.Markup(
    curves.over_cases(lines, f'{about["split"].capitalize()} {about["title"]}')
  )
