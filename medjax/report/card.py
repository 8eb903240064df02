"""card.md: a model card with the items of TRIPOD+AI and CLAIM, filled in from the run's own files.

What a run cannot know, such as who the patients were, is left to the author and says so; nothing is
invented.

References:
  Mitchell et al. (2019), Model cards for model reporting, FAT*.
  Collins et al. (2024), TRIPOD+AI statement, BMJ 385:e078378.
  Tejani et al. (2024), Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024
    update, Radiology: Artificial Intelligence 6:e240300.
"""

import math
import os
import pathlib
from typing import Any

from medjax.config import flatten
from medjax.errors import UserError
from medjax.evaluation import Confidence, Decision, Interval, LabelDecisions, Predictions
from medjax.report import decisions, trust
from medjax.workdir import Workdir, read_json

# Settings of evaluation, which may be run again with others: what was used stands in decision.json.
_OF_DECISION = ('operating_point', 'operating_target', 'calibration', 'conformal', 'coverage')
TO_FILL = '*to be filled in by the author*'


def write(workdir: Workdir, tables: dict[str, Any]) -> pathlib.Path:
  """Writes card.md from the files of an evaluated run and returns its path.

  Args:
    workdir: The run folder.
    tables: The task's table of each split.

  Raises:
    UserError: a file of the run is missing or damaged.
  """
  try:
    config, data = read_json(workdir.config), read_json(workdir.data)
    about, evaluation = read_json(workdir.environment), read_json(workdir.evaluation)
    decision = decisions.from_json(read_json(workdir.decision))
    text = _card(flatten(config), data, about, evaluation, decision, tables)
  except (KeyError, TypeError, ValueError) as error:
    raise UserError(f'{workdir.folder}: a file of the run is damaged ({error})') from None
  temporary = workdir.card.with_name(f'.{workdir.card.name}.{os.getpid()}')
  temporary.write_text(text, encoding='utf-8')
  os.replace(temporary, workdir.card)
  return workdir.card


def _card(
  config: dict[str, Any],
  data: dict[str, Any],
  about: dict[str, Any],
  evaluation: dict[str, Any],
  decision: decisions.AnyDecision,
  tables: dict[str, Any],
) -> str:
  split = 'test' if 'test' in evaluation else 'val'
  metrics, classes = evaluation[split], data['classes']
  head = [f'# Model card: {_plain(about["experiment"])}', '']
  if data['simulated']:
    head += ['**SIMULATED DATA: no patient stands behind any number in this card.**', '']
  head += [
    'For research only. Not a medical device: not for diagnosis or treatment.',
    '',
    'Numbers in brackets are items of TRIPOD+AI (2024); words in brackets are topics of CLAIM '
    f'(2024). What the run does not know is marked {TO_FILL}.',
    '',
  ]
  sections: dict[str, list[tuple[str, str | None]]] = {
    'Purpose': [
      ('Title, target population, outcome (1)', None),
      ('Health care context, intended users, place in the care pathway (3a, 3b)', None),
      ('Abstract (2)', None),
      ('Known inequalities between groups of patients (3c)', None),
      ('Objectives: development, evaluation or both (4; study goal)', None),
    ],
    'Data': [
      ('Source (5a; data sources)', f'{_plain(data["source"])}, fingerprint {data["fingerprint"]}'),
      ('Representativeness, dates (5a, 5b)', None),
      ('Setting, eligibility, treatments (6; inclusion and exclusion)', None),
      ('De-identification (data handling)', None),
      ('Preparation (7; preprocessing)', _preparation(config, data)),
      ('Outcome and how it was assessed (8; reference standard, annotators)', None),
      ('Classes', ', '.join(map(_plain, classes)) or 'none: labels are numbers'),
      ('Sample size (10)', _sizes(data)),
      ('Why that many (10)', None),
      ('Predictors: what the inputs are and how they were measured (9)', None),
      ('Missing data (11)', _notes(data)),
      ('Partitions (12a; level at which they are disjoint)', _partitions(data)),
    ],
    'Model': [
      ('Type and structure (12c, 22; model)', None),
      ('Training (12c; hyperparameters)', _training(config)),
      (
        'Choice of the final model (12c)',
        f'checkpoint of step {decision.checkpoint_step}, '
        + ('the last' if config.get('select') == 'last' else 'the best on validation'),
      ),
      *_deciding(decision, data, classes),
      ('Software (18f)', ', '.join(f'{k} {v}' for k, v in about['versions'].items())),
      (
        'Revision and command (18f; availability)',
        f'{about.get("git_revision") or "not known"}; `{_plain(about["command"])}`',
      ),
    ],
    f'Performance on the {split} split (12e, 23a; metrics and uncertainty)': [
      (name, _estimate(found))
      for name, found in metrics.items()
      if name not in ('checkpoint_step', 'threshold')
    ],
    'Fairness and subgroups (14, 23a)': _subgroups(tables.get(split), decision),
    'What remains': [
      ('Differences between training and evaluation data (16, 20)', None),
      ('Model updating (24)', None),
      ('Heterogeneity between places (23b), external evaluation', None),
      (
        'Failures: what kind of cases go wrong (failure analysis)',
        'the most wrong cases are shown in report.html; what they have in common: ' + TO_FILL
        if classes and data.get('kind', 'images') == 'images'
        else None,
      ),
      ('Interpretation (25)', None),
      ('Limitations (26)', None),
      ('Usability: missing or poor input, users, next steps (27)', None),
      ('Ethical approval (17)', None),
      ('Funding, conflicts of interest, protocol, registration (18a-18d)', None),
      ('Sharing of data and code (18e, 18f)', None),
      ('Patient and public involvement (19)', None),
    ],
  }
  lines = head
  if split == 'val':
    lines += [
      'There is no test split: these numbers are of validation, on which choices were made, and so '
      'too good.',
      '',
    ]
  for title, items in sections.items():
    lines += [f'## {title}', '', '| item | |', '| --- | --- |']
    lines += [f'| {_plain(item)} | {TO_FILL if text is None else text} |' for item, text in items]
    lines.append('')
  return '\n'.join(lines)


def _plain(text: Any) -> str:
  """Text that cannot leave its cell of a Markdown table or start an element."""
  escaped = str(text).replace('\\', '\\\\').replace('|', '\\|').replace('<', '&lt;')
  return ' '.join(escaped.split())


def _deciding(
  decision: decisions.AnyDecision, data: dict[str, Any], classes: list[str]
) -> list[tuple[str, str | None]]:
  """How an output becomes what is said of a case."""
  if isinstance(decision, Interval):
    width = f'{decision.half_width:.4g}' if math.isfinite(decision.half_width) else 'infinity'
    promise = f'made to hold the truth in {decision.coverage:.0%} of the cases'
    return [
      ('Output (15)', 'a number in the unit of the labels'),
      ('Uncertainty (15)', f'plus or minus {width}, {promise}; {_plain(decision.reason)}'),
    ]
  if isinstance(decision, LabelDecisions):
    called = ', '.join(
      f'{_plain(name)} at {one.threshold.value:.3g}' for name, one in decision.classes.items()
    )
    fits = ', '.join(f'{_plain(n)} {one.calibration.method}' for n, one in decision.classes.items())
    return [
      ('Class imbalance (13)', _imbalance(data)),
      ('Output and threshold (15)', f'probability of each class by itself; called: {called}'),
      ('Calibration (12c)', fits),
    ]
  if isinstance(decision, Confidence):
    return [
      ('Class imbalance (13)', _imbalance(data)),
      (
        'Output (15)',
        'probability of each state at each position; the most probable one is called',
      ),
      (
        'Uncertainty (15)',
        'a digit at each position, the probability in tenths; how often each is right: '
        + _plain(decision.reason),
      ),
    ]
  fitted = decision.calibration
  return [
    ('Class imbalance (13)', _imbalance(data)),
    ('Output and threshold (15)', _output(decision, classes)),
    ('Calibration (12c)', f'{fitted.method}: {_plain(fitted.reason)}'),
    ('Abstention (15; uncertainty)', _abstention(decision)),
  ]


def _preparation(config: dict[str, Any], data: dict[str, Any]) -> str:
  shape = ' x '.join(map(str, data['input_shape']))
  how = {'images': ', divided by 255'}.get(data.get('kind', 'images'), '')
  augment = config.get('augment', 'none')
  return f'inputs of {shape}{how}; random changes in training: {_plain(augment)}'


def _sizes(data: dict[str, Any]) -> str:
  parts = []
  for name, split in data['splits'].items():
    counts = ', '.join(f'{count} {_plain(c)}' for c, count in split['classes'].items())
    of_classes = f' ({counts})' if counts else ''
    parts.append(f'{name}: {split["examples"]} cases of {split["groups"]} groups{of_classes}')
  return '; '.join(parts)


def _notes(data: dict[str, Any]) -> str:
  notes = '; '.join(map(_plain, data.get('notes', []))) or 'nothing was noted while reading'
  return f'{notes}; how missing values came about: {TO_FILL}'


def _partitions(data: dict[str, Any]) -> str:
  shared = data.get('groups_in_two_splits')
  if shared is None:
    return TO_FILL
  return f'{shared} groups (patients) are in more than one split'


def _training(config: dict[str, Any]) -> str:
  return ', '.join(
    f'{name} {_plain(value)}'
    for name, value in config.items()
    if not name.startswith('data.') and name not in _OF_DECISION
  )


def _imbalance(data: dict[str, Any]) -> str:
  counts = data['splits'].get('train', {}).get('classes', {})
  total = sum(counts.values())
  shares = ', '.join(f'{_plain(c)} {count / total:.1%}' for c, count in counts.items() if total)
  return f'in training: {shares}; the loss weighs every case alike'


def _output(decision: Decision, classes: list[str]) -> str:
  if decision.threshold.value is None:
    return 'probability of each class; the most probable one is called'
  return (
    f'probability of {_plain(classes[1])}; called at {decision.threshold.value:.4g} or more '
    f'({_plain(decision.threshold.reason)})'
  )


def _abstention(decision: Decision) -> str:
  conformal = decision.conformal
  each = ' in each class' if conformal.method == 'mondrian' else ''
  return (
    f'conformal sets made to hold the truth in {conformal.coverage:.0%} of the cases{each}, '
    f'{_plain(conformal.reason)}; where the set is not one class there is no decision'
  )


def _subgroups(table: Any, decision: decisions.AnyDecision) -> list[tuple[str, str | None]]:
  rows: list[tuple[str, str | None]] = [('Which groups matter, and why', None)]
  if not (isinstance(table, Predictions) and isinstance(decision, Decision)):
    return rows
  for row in trust.subgroup_rows(table, decision):
    metrics = ', '.join(
      f'{name} {_estimate(found)}'
      for name, found in row['metrics'].items()
      if found['value'] is not None
    )
    few = ' (few cases)' if row['small'] else ''
    rows.append((f'{row["column"]}: {row["value"]}, {row["cases"]} cases{few}', metrics))
  return rows


def _estimate(found: dict[str, Any]) -> str:
  if found['value'] is None:
    return f'undefined: {_plain(found.get("reason", ""))}'
  if found['low'] is None:
    return f'{found["value"]:.3f}'
  return f'{found["value"]:.3f} ({found["low"]:.3f} to {found["high"]:.3f})'
