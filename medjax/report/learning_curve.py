"""learning-curve.html: a metric of the test cases over the number of training cases."""

import pathlib
from collections.abc import Sequence
from typing import Any

import markupsafe
import numpy as np

from medjax import files, sealed
from medjax.evaluation import learning
from medjax.outcomes import Outcome
from medjax.plots import curves, html
from medjax.workdir import Workdir

SUMMARY, PAGE = 'learning-curve.json', 'learning-curve.html'
_TIMES = (2, 4)  # as many training cases as there are


def show(runs: Sequence[Workdir], outcome: Outcome, folder: pathlib.Path) -> dict[str, Any]:
  """Prints the curve and writes it as JSON and as a page.

  Args:
    runs: evaluated runs that differ by their share of the training patients and their draw.
    outcome: what their labels are.
    folder: where the files are written.

  Raises:
    UserError: a run is not evaluated, or has no test split.
  """
  name = outcome.monitor
  by_cases: dict[int, list[float]] = {}
  undefined = 0
  for run in runs:
    value = run.read(run.evaluation)['test'].get(name, {}).get('value')
    if value is None:
      undefined += 1
    else:
      splits = run.read(run.data)['splits']
      by_cases.setdefault(splits['train']['examples'], []).append(value)
  cases = sorted(by_cases)
  draws = [by_cases[count] for count in cases]
  wanted = [times * cases[-1] for times in _TIMES] if cases else []
  ahead = learning.forecast(cases, draws, wanted)
  metric = outcome.metric(name, [name])
  about: dict[str, Any] = {
    'metric': name,
    'title': name if metric is None else metric.title,
    'undefined': undefined,
    'sizes': [
      {'cases': count, 'mean': float(np.mean(of)), 'draws': of}
      for count, of in zip(cases, draws, strict=True)
    ],
    'forecast': [
      {'cases': count, **estimate.to_json()} for count, estimate in zip(wanted, ahead, strict=True)
    ],
  }
  sealed.write(folder / SUMMARY, about)
  _print(about)
  page = _write(about, runs[0], folder)
  print(f'learning curve: {folder / SUMMARY}')
  print(f'report: {page}')
  return about


def _print(about: dict[str, Any]) -> None:
  for size in about['sizes']:
    of = size['draws']
    among = f' ({min(of):.3f} to {max(of):.3f} in {len(of)} draws)' if len(of) > 1 else ''
    print(f'{size["cases"]:>8,} training cases: test {about["title"]} {size["mean"]:.3f}{among}')
  for one in about['forecast']:
    if one['value'] is None:
      print(f'{one["cases"]:>8,} would: {one["reason"]}')
    else:
      interval = '' if one['low'] is None else f' ({one["low"]:.3f} to {one["high"]:.3f})'
      print(f'{one["cases"]:>8,} would give, by the curve: {one["value"]:.3f}{interval}')


def _write(about: dict[str, Any], run: Workdir, folder: pathlib.Path) -> pathlib.Path:
  data, environment = run.read(run.data), run.read(run.environment)
  page = html.render(
    pathlib.Path(__file__).parent / 'learning_curve.html',
    name=environment.get('experiment') or folder.resolve().name,
    folder=folder.resolve().name,
    command=environment.get('command', ''),
    simulated=data.get('simulated'),
    source=data.get('source', 'not stated'),
    about=about,
    figure=_figure(about),
  )
  path = folder / PAGE
  with files.replacing(path) as new:
    new.write_text(page, encoding='utf-8')
  return path


def _figure(about: dict[str, Any]) -> markupsafe.Markup | str:
  sizes, ahead = about['sizes'], about['forecast']
  if len(sizes) < 2:
    return ''
  counts = [size['cases'] for size in sizes]
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
    lines['by the curve (95%)'] = (
      [counts[-1], *[one['cases'] for one in known]],
      [means[-1], *values],
      [means[-1], *[one['value'] if one['low'] is None else one['low'] for one in known]],
      [means[-1], *[one['value'] if one['high'] is None else one['high'] for one in known]],
    )
  return markupsafe.Markup(curves.over_cases(lines, f'Test {about["title"]}'))
