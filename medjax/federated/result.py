"""What training together was worth: beside training on all cases, and at each site alone."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import markupsafe
import numpy as np

from medjax import sealed
from medjax.errors import UserError
from medjax.evaluation import Estimate
from medjax.federated import server
from medjax.outcomes import Outcome
from medjax.plots import curves
from medjax.report import of_runs, run_means
from medjax.training import evaluate, history
from medjax.workdir import Workdir

SUMMARY, PAGE = 'federation.json', 'federation.html'
_TEMPLATE = pathlib.Path(__file__).parent / 'federation.html'
CENTRAL = 'central'


@dataclasses.dataclass(frozen=True)
class Judged:
  """A model on the test cases of all sites.

  Attributes:
    table: what it predicted.
    decision: how that is decided.
    site: of each case.
  """

  table: Any
  decision: Any
  site: np.ndarray


def read(workdir: Workdir, outcome: Outcome, site_of: Mapping[str, str]) -> Judged:
  """A model that was evaluated.

  Args:
    workdir: its run folder.
    outcome: what labels are.
    site_of: the site of each test case, by its name.

  Raises:
    UserError: it was not evaluated, or on other cases, or a file is damaged.
  """
  table: Any = outcome.read_table(workdir.verified(workdir.predictions('test')))
  decision = evaluate.read_decision(outcome.read_decision, workdir)
  if odd := [case for case in table.id.tolist() if case not in site_of]:
    raise UserError(
      f'{workdir.predictions("test")}: {odd[0]} is a test case of no site; this run was evaluated '
      'on other data meanwhile; federate again in another --workdir'
    )
  return Judged(table, decision, np.array([site_of[case] for case in table.id.tolist()]))


def show(
  folder: pathlib.Path,
  seeds: Sequence[Mapping[str, Workdir]],
  outcome: Outcome,
  site_of: Mapping[str, str],
  about: Mapping[str, Any],
) -> dict[str, Any]:
  """Prints the comparison and writes it to federation.json and federation.html.

  Args:
    folder: of the command.
    seeds: of each seed the run folders by name: strategies first, and where they were trained
      ``CENTRAL`` and those of the sites alone.
    outcome: what labels are.
    site_of: the site of each test case, by its name.
    about: what else is told: ``strategies`` with their settings in words, and lines on the sites.

  Raises:
    UserError: a run is not evaluated.
  """
  name = outcome.monitor
  metric = outcome.metric(name, [name])
  judged = [{one: read(run, outcome, site_of) for one, run in runs.items()} for runs in seeds]
  first = next(iter(judged[0].values()))
  sites = sorted(set(first.site.tolist()), key=lambda site: (len(site), site))
  found = dict(about) | {
    'metric': name,
    'title': name if metric is None else metric.title,
    'sites': sites,
    'seeds': len(seeds),
    'models': [
      _model(one, judged, sites, outcome, name, metric is not None and metric.share)
      for one in judged[0]
    ],
    'cases': {site: int((first.site == site).sum()) for site in sites},
    'rounds': {
      strategy: [_rounds(runs[strategy], name) for runs in seeds]
      for strategy in about['strategies']
    },
  }
  sealed.write(folder / SUMMARY, found)
  _print(found)
  first_run = next(iter(seeds[0].values()))
  page = of_runs.write(folder / PAGE, _TEMPLATE, first_run, found, _figure(found))
  print(f'federation: {folder / SUMMARY}')
  print(f'report: {page}')
  return found


def _model(
  which: str,
  judged: Sequence[Mapping[str, Judged]],
  sites: Sequence[str],
  outcome: Outcome,
  name: str,
  share: bool,
) -> dict[str, Any]:
  """A row of the comparison: a metric on the test cases of all sites and of each."""
  of_all = [_estimate(of[which], None, outcome, name) for of in judged]
  by_site = {site: [_estimate(of[which], site, outcome, name) for of in judged] for site in sites}
  means = {site: _mean(found, share) for site, found in by_site.items()}
  row: dict[str, Any] = {
    'name': which,
    'all': _mean(of_all, share).to_json(),
    'seeds': [one.to_json() for one in of_all],
    'sites': {site: mean.to_json() for site, mean in means.items()},
  }
  known = [mean.value for mean in means.values() if mean.value is not None]
  if known:
    row['fairness'] = {
      'worst': min(means, key=lambda site: _or(means[site].value, np.inf)),
      'lowest': min(known),
      'highest': max(known),
    }
  if which != CENTRAL and CENTRAL in judged[0]:
    gaps = [_gap(of[which], of[CENTRAL], outcome, name) for of in judged]
    known_gaps = [gap for gap in gaps if gap is not None]
    if len(known_gaps) == len(gaps):
      row['beside_central'] = [gap.to_json() for gap in known_gaps]
      values = [Estimate(gap.value) for gap in known_gaps]
      row['difference'] = (
        known_gaps[0].to_json() if len(gaps) == 1 else _mean(values, False).to_json()
      )
  return row


def _gap(one: Judged, other: Judged, outcome: Outcome, name: str) -> Any:
  """The difference of a metric on the same cases; None where the outcome has none."""
  return outcome.compare((one.table, other.table), (one.decision, other.decision)).get(name)


def _or(value: float | None, other: float) -> float:
  return other if value is None else value


def _estimate(one: Judged, site: str | None, outcome: Outcome, name: str) -> Estimate:
  """The metric on the cases of a site, or of all."""
  table = one.table if site is None else one.table.take(np.flatnonzero(one.site == site))
  metrics = outcome.evaluate(table, one.decision)[1]
  return metrics.get(name) or Estimate(None, reason='not defined')


def _mean(found: Sequence[Estimate], share: bool) -> Estimate:
  """Over seeds, with Student's interval from three on; of one seed what it has itself."""
  if len(found) == 1:
    return found[0]
  values = np.array([_or(one.value, np.nan) for one in found], float)
  if len(found) == 2 and np.isfinite(values).all():
    return Estimate(float(values.mean()), reason='two seeds: no interval')
  return run_means.mean_over_runs(values.reshape(-1, 1, 1), share=share)


def _rounds(workdir: Workdir, name: str) -> dict[str, Any]:
  """Validation by round, and which sites were left out, of a run."""
  lines = [line for line in history.read(workdir).lines if line['split'] == 'val']
  return {
    'round': [line['step'] for line in lines],
    'val': [line.get(name) for line in lines],
    'left_out': [line for line in server.read(workdir) if line['left_out']],
  }


def _print(about: Mapping[str, Any]) -> None:
  title = about['title']
  for row in about['models']:
    of_all = _spell(row['all'])
    line = f'{row["name"]}: test {title} of all sites {of_all}'
    if gap := row.get('difference'):
      line += f'; minus central {_spell(gap, signed=True)}'
    if fair := row.get('fairness'):
      line += f'; sites from {fair["lowest"]:.3f} ({fair["worst"]}) to {fair["highest"]:.3f}'
    print(line)


def _spell(estimate: Mapping[str, Any], signed: bool = False) -> str:
  if estimate['value'] is None:
    return f'not known ({estimate.get("reason", "")})'
  form = '+.3f' if signed else '.3f'
  value = format(estimate['value'], form)
  if estimate.get('low') is None:
    return value
  return f'{value} (95% interval {estimate["low"]:{form}} to {estimate["high"]:{form}})'


def _figure(about: Mapping[str, Any]) -> markupsafe.Markup | str:
  """Validation over rounds, the mean of the seeds that have all of them."""
  lines = {}
  for strategy, seeds in about['rounds'].items():
    whole = [one for one in seeds if len(one['round']) > 1 and None not in one['val']]
    same = [one['val'] for one in whole if one['round'] == whole[0]['round']]
    if same:
      lines[strategy] = (whole[0]['round'], np.mean(same, axis=0).tolist())
  if not lines:
    return ''
  return markupsafe.Markup(curves.over_rounds(lines, f'Validation {about["title"]}'))
