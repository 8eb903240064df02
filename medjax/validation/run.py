"""Predicts the cases of another site with a frozen run and judges them."""

import dataclasses
import pathlib
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from medjax import files
from medjax.audit.run import one_thread
from medjax.config import Config
from medjax.data.dataset import Dataset
from medjax.data.split import EXTERNAL
from medjax.errors import UserError
from medjax.evaluation import Difference, Estimate, transport
from medjax.experiment import Experiment
from medjax.outcomes import Outcome
from medjax.runtime import Devices
from medjax.training import evaluate, parallel, predict
from medjax.validation import mix, page, updates, verdict
from medjax.validation.verdict import Verdict, spelled
from medjax.workdir import Workdir


@dataclasses.dataclass(frozen=True)
class _Site:
  """Predictions of another site.

  Attributes:
    raw: labelled cases as the network gave them.
    shown: the same as the run shows them.
    metrics: of them.
  """

  raw: Any
  shown: Any
  metrics: dict[str, Estimate]


def validate(
  experiment: Experiment,
  development: Dataset | None,
  why_not: str,
  workdir: Workdir,
  devices: Devices,
  config: Config,
  html: pathlib.Path | None = None,
) -> Verdict:
  """Judges a frozen run by cases of another site, and writes what was found.

  Args:
    experiment: of the run, with the cases of the site as its only split; see ``data.external``.
    development: the data that the run was made with; None where they are not at hand.
    why_not: why they are not.
    workdir: the run folder.
    devices: devices of all hosts.
    config: settings of the run.
    html: where the page is written; None for beside the figures.

  Returns:
    The verdict; the rest is in validation.json, predictions.csv and validation.html.

  Raises:
    UserError: the run was not evaluated, or no case of the site can be judged.
  """
  outcome, data = experiment.task.outcome, experiment.data
  folder = workdir.validation(file_name(data.name))
  variables, step = evaluate.chosen_variables(experiment, workdir)
  decision: Any = evaluate.read_decision(outcome.read_decision, workdir, step)
  before, of_test = _development(outcome, workdir, decision)
  with one_thread():
    found = _mix(development, experiment)
  table = _predicted(experiment, variables, devices, config)
  site = _judged(outcome, table, decision, list(found['copies']))
  shared = _shared(site.shown, of_test)
  trained = _trained_on(development, site.shown)
  differences = {
    name: transport.difference(site.metrics[name], before[name])
    for name in site.metrics
    if name in before and name not in ('threshold', 'half_width', 'checkpoint_step')
  }
  if shared:
    paired = [_patients(one, shared) for one in (site.shown, of_test)]
    differences[outcome.monitor] = transport.paired_difference(outcome.score, *paired)
  promised = outcome.promised(decision)
  judged = verdict.judge(outcome, data.name, site.metrics, before, differences, promised)
  with one_thread():
    mended = updates.compare(outcome, site.raw, site.shown, decision)
  of_mix = mix.predicted(outcome, of_test, site.shown)
  value = {
    'site': data.name,
    'fingerprint': data.fingerprint,
    'simulated': data.simulated,
    'decision': files.digest(workdir.decision),
    'verdict': judged.to_json(),
    'recalibration': updates.sentence(outcome, mended, judged),
    'cases': len(site.shown),
    'groups': len(np.unique(site.shown.group)),
    'notes': [*data.notes, *_notes(data, table, found, why_not, shared), *trained],
    'copies': found['copies'],
    'metrics': {name: one.to_json() for name, one in site.metrics.items()},
    'development': {name: one.to_json() for name, one in before.items()},
    'differences': {name: one.to_json() for name, one in differences.items()},
    'updates': {name: part for name, part in mended.items() if name != 'tables'},
    'mix': of_mix,
    'why': mix.why(
      judged.rules[0].about, of_mix, found['differs'], judged.rules[0].state == verdict.BROKEN
    ),
    'columns_of_one': found['columns'],
    'differs': found['differs'],
    'not_compared': found['problem'],
  }
  predictions = folder / 'predictions.csv'
  site.shown.write_csv(predictions)
  workdir.write(folder / 'validation.json', value, covers=[predictions])
  path = html or folder / 'validation.html'
  page.write(path, outcome, decision, value, site.shown, mended['tables'], workdir)
  _say(judged, value)
  print(f'validation: {path}')
  return judged


def file_name(name: str) -> str:
  """A folder's name for what a data set is called.

  Example:
    >>> file_name('site a/b.csv')
    'site-a-b.csv'
  """
  return re.sub(r'[^\w.-]+', '-', name).strip('-.') or 'site'


def _development(
  outcome: Outcome, workdir: Workdir, decision: Any
) -> tuple[dict[str, Estimate], Any]:
  """Metrics of the run's own test cases and their table; nothing where there is no test split."""
  metrics = workdir.read(workdir.evaluation).get('test')
  if metrics is None:
    return {}, None
  table = outcome.read_table(workdir.verified(workdir.predictions('test'))).labelled()
  found = {name: Estimate(**fields) for name, fields in metrics.items()}
  return {**found, **outcome.judged(table, decision)}, table


def _mix(development: Dataset | None, experiment: Experiment) -> dict[str, Any]:
  """Copies of the run's own cases, and what tells the site's cases from them."""
  if development is None:
    problem = 'the data of the run are not at hand'
    return {'copies': {}, 'differs': [], 'problem': problem, 'columns': ''}
  there = experiment.data.splits[EXTERNAL]
  both = mix.of_both(development, there)
  copied = mix.copies(both)
  differs = mix.differences(both, list(copied), experiment.data.name)
  columns = mix.columns_of_one(development, there)
  return {'copies': copied, 'differs': differs, 'problem': '', 'columns': columns}


def _predicted(
  experiment: Experiment, variables: dict[str, Any], devices: Devices, config: Config
) -> Any:
  """The table of all cases as the network gives them."""
  step = parallel.compile_evaluate(experiment, devices, config.precision)
  split, on_devices = experiment.data.splits[EXTERNAL], parallel.place(variables, devices)
  return predict.predict_split(experiment, step, on_devices, split, devices, config.batch_size)[0]


def _judged(outcome: Outcome, table: Any, decision: Any, copied: Sequence[str]) -> _Site:
  """Labelled cases that are no copies, and their metrics."""
  left = set(copied)
  kept = table.take(np.flatnonzero([name not in left for name in table.id.tolist()])).labelled()
  if not len(kept):
    why = 'all are copies of cases of the run' if left else 'none has a label'
    raise UserError(f'validate: no case is left to judge: {why}')
  shown, metrics = outcome.evaluate(kept, decision)
  return _Site(kept, shown, {**metrics, **outcome.judged(shown, decision)})


def _shared(there: Any, of_test: Any) -> set[str]:
  """Patients with cases on both sides; a group that is called as its case is no patient."""
  if of_test is None:
    return set()
  own = {*there.id.tolist(), *of_test.id.tolist()}
  return {*there.group.tolist()} & {*of_test.group.tolist()} - own


def _trained_on(development: Dataset | None, there: Any) -> list[str]:
  """A note on patients that are called as those whom the run was trained or validated on.

  They are not left out: hospitals number their patients alike, and only who knows both can say.
  """
  if development is None:
    return []
  own, groups = {*there.id.tolist()}, set()
  for name, cases in development.splits.items():
    if name != 'test':
      own |= {*cases.id.tolist()}
      groups |= {*cases.group.tolist()}
  found = {*there.group.tolist()} & groups - own
  if not found:
    return []
  return [
    f'{len(found)} patients are called as patients that the run was trained or validated on, such '
    f'as {min(found)}: if they are the same people, leave them out, as figures are then too good'
  ]


def _patients(table: Any, shared: set[str]) -> Any:
  """The table with groups that are only called alike kept apart."""
  side = table.split
  named = [one if one in shared else f'{side} {one}' for one in table.group.tolist()]
  return dataclasses.replace(table, group=np.array(named))


def _notes(
  data: Dataset, table: Any, found: dict[str, Any], why_not: str, shared: set[str]
) -> list[str]:
  notes = ['all cases of the source are taken, whatever splits it names']
  unlabelled = len(table) - len(table.labelled())
  if unlabelled:
    notes.append(f'{unlabelled} cases without a label are left out')
  if copied := found['copies']:
    name, of = next(iter(copied.items()))
    notes.append(
      f'{len(copied)} cases are the same as cases of the run and are left out, such as {name} as '
      f'{of}: a model is not validated by what it was made with'
    )
  if shared:
    notes.append(
      f'{len(shared)} patients are called as patients of the test split, such as '
      f'{min(shared)}: the difference of the first metric is paired by patient; intervals of other '
      'differences take both as independent, and so are too wide rather than too narrow'
    )
  if why_not:
    notes.append(f'copies and the mix of inputs were not compared: {why_not}')
  return notes


def _say(judged: Verdict, value: dict[str, Any]) -> None:
  print(f'judged by {value["cases"]} cases of {value["groups"]} groups (such as patients)')
  for line in (judged.sentence, judged.also, value['why'], value['recalibration']):
    if line:
      print(line)
  for note in value['notes']:
    if 'left out' in note or 'patients are called' in note or 'leave them out' in note:
      print(f'note: {note}')
  for name, found in value['metrics'].items():
    if name in value['differences'] and '_' not in name:
      gap = _gap(Difference(**value['differences'][name]))
      print(f'{name}: {spelled(Estimate(**found))}{gap}')


def _gap(found: Difference) -> str:
  if found.value is None or found.low is None or found.high is None:
    return ''
  return f'; less development {found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})'
