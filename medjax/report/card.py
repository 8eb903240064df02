"""card.md: a model card with the items of TRIPOD+AI and CLAIM, filled in from the run's own files.

What a run cannot know, such as who the patients were, is left to the author and says so; nothing is
invented.

References:
  Mitchell et al. (2019), Model cards for model reporting, FAT*.
  Collins et al. (2024), TRIPOD+AI statement, BMJ 385:e078378.
  Tejani et al. (2024), Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024
    update, Radiology: Artificial Intelligence 6:e240300.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Sequence
from typing import Any

import jax
from flax import linen as nn

from medjax import files, models
from medjax.config import flatten
from medjax.data.modality import Modality
from medjax.errors import UserError
from medjax.outcomes import CardRow, Outcome
from medjax.outcomes.card import estimate, plain
from medjax.report import baseline, privacy, validations
from medjax.report.validations import Validation
from medjax.workdir import PRIVACY, Workdir

# Settings of evaluation, which may be run again with others: what was used stands in decision.json.
_OF_DECISION = ('operating_point', 'operating_target', 'calibration', 'conformal', 'coverage')
TO_FILL = '*to be filled in by the author*'


@dataclasses.dataclass(frozen=True)
class Network:
  """What a card says of the network that was trained.

  Attributes:
    structure: its kind and settings, in words.
    parameters: how many numbers were trained.
    weights: of each class in the loss; empty where every case counts alike.
    balance: how far classes are seen equally often in training; see ``Experiment``.
  """

  structure: str
  parameters: int
  weights: tuple[float, ...] = ()
  balance: float = 0.0

  @classmethod
  def of(
    cls, model: nn.Module, params: Any, weights: Sequence[float], balance: float = 0.0
  ) -> 'Network':
    """Of a model with its trained parameters.

    Example:
      >>> Network.of(MLP((8, 4)), params, ()).structure  # doctest: +SKIP
      'MLP (features (8, 4), outputs 1)'
    """
    parameters = sum(leaf.size for leaf in jax.tree.leaves(params))
    return cls(_structure(model), parameters, tuple(weights), balance)


def _structure(model: Any) -> str:
  """A network's kind and settings; of several that are made in turn each kind once."""
  name = type(model).__name__
  if models.members(model) and hasattr(model, 'make'):
    kinds = dict.fromkeys(_structure(model.member(i)) for i in range(models.members(model)))
    return f'{name} (count {models.members(model)}: {"; ".join(kinds)})'
  told = [
    f'{field.name} {_spelled(getattr(model, field.name))}'
    for field in dataclasses.fields(model)
    if field.name not in ('parent', 'name')
    and getattr(model, field.name) not in (None, '', False, ())
  ]
  return f'{name} ({", ".join(told)})' if told else name


def _spelled(value: Any) -> str:
  """A setting of a network, which may be a network itself."""
  if isinstance(value, nn.Module):
    return _structure(value)
  if isinstance(value, functools.partial):
    settings = [_spelled(part) for part in value.args]
    settings += [f'{name} {_spelled(part)}' for name, part in value.keywords.items()]
    return f'{_spelled(value.func)} ({", ".join(settings)})'
  return getattr(value, '__name__', None) or str(value)


def write(
  workdir: Workdir,
  outcome: Outcome,
  modality: Modality,
  tables: dict[str, Any],
  network: Network,
) -> pathlib.Path:
  """Writes card.md from the files of an evaluated run and returns its path.

  Args:
    workdir: The run folder.
    outcome: What its labels are.
    modality: What its inputs are.
    tables: The outcome's table of each split.
    network: What was trained.

  Raises:
    UserError: a file of the run is missing or damaged.
  """
  try:
    config, data = workdir.read(workdir.config), workdir.read(workdir.data)
    about, evaluation = workdir.read(workdir.environment), workdir.evaluated()
    spent = workdir.read(workdir.evaluation).get(PRIVACY)
    began = workdir.read(workdir.weights) if workdir.weights.exists() else None
    decision = outcome.read_decision(workdir.read(workdir.decision))
    split = 'test' if 'test' in evaluation else 'val'
    rows = outcome.card_rows(
      decision, data | {'weights': network.weights, 'balance': network.balance}
    )
    subgroups = outcome.subgroup_rows(tables[split], decision) if split in tables else []
    prepared = modality.preparation(_shapes(data['example']))
    text = _card(
      flatten(config), data, about, evaluation, split, decision.checkpoint_step, rows, subgroups,
      prepared, bool(outcome.about_examples) and modality.always_drawn, network,
      baseline.read(workdir, outcome), began, validations.read(workdir, outcome),
      spent,
    )  # fmt: skip
  except (KeyError, TypeError, ValueError) as error:
    raise UserError(f'{workdir.folder}: a file of the run is damaged ({error})') from None
  with files.replacing(workdir.card) as new:
    new.write_text(text, encoding='utf-8')
  return workdir.card


def _card(
  config: dict[str, Any],
  data: dict[str, Any],
  about: dict[str, Any],
  evaluation: dict[str, Any],
  split: str,
  step: int,
  deciding: Sequence[CardRow],
  subgroups: Sequence[dict[str, Any]],
  prepared: str,
  shows_cases: bool,
  network: Network,
  beside: baseline.Baseline,
  began: dict[str, Any] | None,
  elsewhere: Sequence[Validation],
  spent: dict[str, Any] | None,
) -> str:
  metrics, classes = evaluation[split], data['classes']
  augment = plain(config.get('augment', 'none'))
  head = [f'# Model card: {plain(about["experiment"])}', '']
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
      ('Source (5a; data sources)', f'{plain(data["source"])}, fingerprint {data["fingerprint"]}'),
      ('Representativeness, dates (5a, 5b)', None),
      ('Setting, eligibility, treatments (6; inclusion and exclusion)', None),
      ('De-identification (data handling)', None),
      ('Preparation (7; preprocessing)', f'{prepared}; random changes in training: {augment}'),
      ('Outcome and how it was assessed (8; reference standard, annotators)', None),
      ('Classes', ', '.join(map(plain, classes)) or 'none'),
      ('Sample size (10)', _sizes(data)),
      ('Why that many (10)', None),
      ('Predictors: what the inputs are and how they were measured (9)', None),
      ('Missing data (11)', _notes(data)),
      ('Partitions (12a; level at which they are disjoint)', _partitions(data)),
    ],
    'Model': [
      (
        'Type and structure (12c, 22; model)',
        f'{plain(network.structure)}, {network.parameters:,} parameters; '
        f'input {_shapes(data["example"])}; why this one: {TO_FILL}',
      ),
      ('Weights before training (12c; initialization)', _began(began)),
      ('Training (12c; hyperparameters)', _training(config)),
      (
        'Choice of the final model (12c)',
        f'checkpoint of step {step}: {_choice(config, evaluation[split])}',
      ),
      *deciding,
      ('Software (18f)', ', '.join(f'{k} {v}' for k, v in about['versions'].items())),
      (
        'Revision and command (18f; availability)',
        f'{about.get("git_revision") or "not known"}; `{plain(about["command"])}`',
      ),
    ],
    f'Performance on the {split} split (12e, 23a; metrics and uncertainty)': [
      (name, estimate(metric))
      for name, metric in metrics.items()
      if name not in ('checkpoint_step', 'threshold')
    ],
    'Simple models on the same splits (12e; comparison with another method)': _baseline(beside),
    'Fairness and subgroups (14, 23a)': _subgroups(subgroups),
    'Other sites (16, 23b; external testing)': _elsewhere(elsewhere),
    **({'Privacy of training patients': privacy.rows(spent)} if spent else {}),
    'What remains': [
      ('Differences between training and evaluation data (16, 20)', None),
      ('Model updating (24)', None),
      ('Heterogeneity between places (23b): what it comes from', None),
      (
        'Failures: what kind of cases go wrong (failure analysis)',
        'the most wrong cases are shown in report.html; what they have in common: ' + TO_FILL
        if shows_cases
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
    lines += [f'| {plain(item)} | {TO_FILL if text is None else text} |' for item, text in items]
    lines.append('')
  return '\n'.join(lines)


def _shapes(example: dict[str, Any]) -> str:
  """Shapes and dtypes of the arrays that one example is, without its label."""
  arrays = {name: spec for name, spec in flatten(example).items() if name.split('.')[0] != 'label'}
  return ', '.join(map(str, arrays.values()))


def _sizes(data: dict[str, Any]) -> str:
  parts = []
  for name, split in data['splits'].items():
    counts = ', '.join(f'{count} {plain(c)}' for c, count in split['classes'].items())
    of_classes = f' ({counts})' if counts else ''
    parts.append(f'{name}: {split["examples"]} cases of {split["groups"]} groups{of_classes}')
  return '; '.join(parts)


def _notes(data: dict[str, Any]) -> str:
  notes = '; '.join(map(plain, data.get('notes', []))) or 'nothing was noted while reading'
  return f'{notes}; how missing values came about: {TO_FILL}'


def _began(weights: dict[str, Any] | None) -> str:
  """What weights.json says."""
  if weights is None:
    return 'random'
  source = f'of {plain(weights["source"])} ({weights["digest"]})' if weights['source'] else 'random'
  return '; '.join([source, *map(plain, weights['notes'])])


def _choice(config: dict[str, Any], metrics: dict[str, Any]) -> str:
  """How the checkpoint was chosen."""
  if config.get('select') == 'last':
    return 'the last'
  chosen = metrics.get('checkpoint_step') or {}
  return chosen.get('reason') or 'the best on validation, and the last'


def _partitions(data: dict[str, Any]) -> str:
  shared = data.get('groups_in_two_splits')
  if shared is None:
    return TO_FILL
  return f'{shared} groups (such as patients) are in more than one split'


def _training(config: dict[str, Any]) -> str:
  return ', '.join(
    f'{name} {plain(value)}'
    for name, value in config.items()
    if not name.startswith('data.') and name not in _OF_DECISION
  )


def _baseline(beside: baseline.Baseline) -> list[CardRow]:
  if beside.problem:
    return [('Baseline', f'none: {plain(beside.problem)}')]
  rows: list[CardRow] = []
  for row in beside.rows:
    text = (
      f'none: {row.problem}'
      if row.problem
      else (f'{row.figure}; {row.difference}: {row.verdict}. It sees: {row.about}')
    )
    rows.append((f'Baseline: {row.name}', plain(text)))
  return [*rows, ('How it was made', plain(beside.about))]


def _elsewhere(found: Sequence[Validation]) -> list[CardRow]:
  rows: list[CardRow] = []
  for one in found:
    told = one.problem or ' '.join([one.sentence, *one.more, f'{one.cases}: {one.figures}.'])
    rows.append((f'External validation: {plain(one.site)}', plain(told)))
  return rows or [('External validation', None)]


def _subgroups(subgroups: Sequence[dict[str, Any]]) -> list[CardRow]:
  rows: list[CardRow] = [('Which groups matter, and why', None)]
  for row in subgroups:
    metrics = ', '.join(
      f'{name} {estimate(metric)}'
      for name, metric in row['metrics'].items()
      if metric['value'] is not None
    )
    few = ' (few cases)' if row['small'] else ''
    rows.append((f'{row["column"]}: {row["value"]}, {row["cases"]} cases{few}', metrics))
  return rows
