"""report.html: one page on one run, which can be mailed and opened anywhere.

The page needs no network and no script: styles are inline, figures are inline SVG and pictures are
PNG in the page itself. It is made from the files of the run folder alone; a file that is missing or
broken is named in its section, so that half a run still gives a page.
"""

import pathlib
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import markupsafe
import numpy as np

from medjax import files
from medjax.config import flatten
from medjax.data.modality import Modality
from medjax.errors import UserError
from medjax.outcomes import Evaluated, Outcome
from medjax.plots import curves, html
from medjax.report import audit, baseline, explanations, motifs, privacy, validations
from medjax.training import history as histories
from medjax.workdir import PRIVACY, Workdir

# Splits from the one that counts to the ones that the model has seen.
_SPLIT_ORDER = ('test', 'val', 'train')


def write(
  folder: pathlib.Path,
  outcome: Outcome,
  modality: Modality,
  *,
  pictures: Mapping[str, Sequence[str]],
  notes: Mapping[str, str] = types.MappingProxyType({}),
  summary: str = '',
  explanation: str = '',
  matched_pairs: Mapping[str, Any] | None = None,
) -> pathlib.Path:
  """Writes `folder/report.html` from the files of the run.

  Args:
    folder: Run folder, see `medjax.workdir.Workdir`; any of its files may be missing.
    outcome: What its labels are.
    modality: What its inputs are.
    pictures: Of examples by id: data URIs, of which the last is an explanation where there is one;
      see ``explanations.pictures_of``. Ids that the predictions do not hold are left out.
    notes: A line on the explanation of each by id.
    summary: A sentence on all explanations.
    explanation: The method that says what speaks for the class that a case is called; '' for none.
    matched_pairs: Values for matched_pairs.html; None for no such section.

  Returns:
    The path of the page.

  Example:
    >>> write(pathlib.Path('runs/a'), Classes(), modality, pictures={})  # doctest: +SKIP
    PosixPath('runs/a/report.html')
  """
  workdir = Workdir(folder)
  config = _Section(workdir.config, workdir.read)
  environment = _Section(workdir.environment, workdir.read)
  data = _Section(workdir.data, workdir.read)
  evaluation = _Section(workdir.evaluation, lambda _: workdir.evaluated())
  spent = _Section(workdir.evaluation, workdir.read).value or {}
  decision = _Section(workdir.decision, lambda path: outcome.read_decision(workdir.read(path)))
  history = _Section(workdir.metrics, lambda _: histories.read(workdir))
  sections = {
    path.stem: _Section(path, lambda path: outcome.read_table(_checked(workdir, path)))
    for path in workdir.tables()
  }
  tables = {name: one.value.labelled() for name, one in sections.items() if not one.problem}
  split = _first_split(tables or evaluation.value or {})
  table = tables.get(split)
  metrics = (evaluation.value or {}).get(split, {})
  rows, splits = _metric_rows(outcome, evaluation.value or {}), _in_order(evaluation.value or {})
  evaluated = Evaluated(
    split=split,
    table=table,
    metrics=metrics,
    decision=decision.value,
    decision_problem=decision.problem,
    evaluation_problem=evaluation.problem,
    problems=[one.problem for one in sections.values() if one.problem],
    metric_rows=rows,
    splits=splits,
  )
  kept_last = (config.value or {}).get('select') == 'last'
  examples = [] if table is None else outcome.example_groups(table, metrics, pictures)
  context = {
    'name': (environment.value or {}).get('experiment') or workdir.folder.resolve().name,
    'folder': workdir.folder.resolve().name,
    'simulated': (data.value or {}).get('simulated'),
    'split': split,
    'summary': _summary(outcome, table, metrics),
    'counted': outcome.counted,
    'privacy': _privacy(spent.get(PRIVACY)),
    'choice': metrics.get('checkpoint_step') or {},
    'baseline': baseline.read(workdir, outcome),
    'data': data,
    'guesses': [note for note in (data.value or {}).get('notes', []) if ', A GUESS: ' in note],
    'history': history,
    'audit': _Section(workdir.audit, lambda _: audit.read(workdir))
    if workdir.audit.exists()
    else None,
    'curves': _curves(
      outcome, history.value.lines if history.value else [], mark_best=not kept_last
    ),
    'section': outcome.section(evaluated),
    'validations': validations.read(workdir, outcome),
    'coefficients': _Section(workdir.coefficients, workdir.read)
    if workdir.coefficients.exists()
    else None,
    'motifs': _Section(workdir.motifs, lambda _: motifs.read(workdir))
    if workdir.motifs.exists()
    else None,
    'matched_pairs': matched_pairs,
    'examples': examples,
    'layout': modality.layout or ('wide' if explanation or outcome.marks else ''),
    'about_examples': outcome.about_examples,
    'expects_pictures': modality.always_drawn and not examples,
    'caption': f'{modality.caption(explanation)} {summary}'.rstrip() if explanation else '',
    'notes': notes,
    'grades': dict(
      zip(('names', 'rows', 'problems'), explanations.grade_rows(workdir), strict=True)
    ),
    'evaluation': evaluation,
    'evaluation_problem': evaluation.problem,
    'metric_rows': rows,
    'splits': splits,
    'environment': environment,
    # The log knows more of a run that was killed.
    'seconds': (history.value and history.value.seconds)
    or (environment.value or {}).get('seconds'),
    'environment_rows': flatten(
      {k: v for k, v in (environment.value or {}).items() if k != 'spent'}
    ),
    'spent': (environment.value or {}).get('spent', {}),
    'config': config,
    'config_rows': flatten(config.value or {}),
  }
  page = html.render(pathlib.Path(__file__).parent / 'page.html', **context)
  with files.replacing(workdir.report) as new:
    new.write_text(page, encoding='utf-8')
  return workdir.report


def _privacy(spent: dict[str, Any] | None) -> dict[str, Any] | None:
  if spent is None:
    return None
  return {'sentence': privacy.sentence(spent), 'rows': privacy.rows(spent)}


class _Section:
  """What one file holds, or one line on why it does not.

  Attributes:
    value: What was read, or None.
    problem: Empty where the file was read.
  """

  def __init__(self, path: pathlib.Path, read: Callable[[pathlib.Path], Any]):
    self.value: Any = None
    self.problem = ''
    if not path.exists():
      self.problem = f'{path.name} is not in the run folder.'
      return
    try:
      self.value = read(path)
    except (OSError, ValueError, KeyError, TypeError, UserError) as error:
      self.problem = f'{path.name} cannot be read: {error}'


def _checked(workdir: Workdir, path: pathlib.Path) -> pathlib.Path:
  """A table that is as the evaluation left it, where there was one."""
  return workdir.verified(path) if workdir.evaluation.exists() else path


def _in_order(splits: Any) -> list[str]:
  known = [name for name in _SPLIT_ORDER if name in splits]
  return known + sorted(set(splits) - set(known))


def _first_split(splits: Any) -> str:
  return next(iter(_in_order(splits)), 'test')


def _summary(outcome: Outcome, table: Any, metrics: dict[str, Any]) -> dict[str, Any]:
  tiles = [
    (_title(outcome, name, ()), metrics[name]) for name in outcome.headline if name in metrics
  ]
  summary: dict[str, Any] = {
    'main': tiles[0] if tiles else None,
    'tiles': tiles[1:4],
    'cases': None,
  }
  if table is not None:
    summary['cases'] = len(table)
    summary['groups'] = len(set(table.group.tolist()))
    summary['about'] = outcome.about_cases(table)
  return summary


def _curves(
  outcome: Outcome, lines: list[dict[str, Any]], mark_best: bool
) -> list[markupsafe.Markup]:
  """Loss by epoch, and each further validation metric in a figure of its own; the best epoch is
  marked where its checkpoint is the one that was taken."""
  sums: dict[int, list[float]] = {}
  validation: dict[str, dict[int, float]] = {}
  for line in lines:
    epoch = line.get('epoch', 0) + 1
    if line.get('split') == 'train' and line.get('loss') is not None:
      examples = line.get('examples') or 1
      total = sums.setdefault(epoch, [0.0, 0.0])
      total[0] += line['loss'] * examples
      total[1] += examples
    elif line.get('split') == 'val':
      for name, value in line.items():
        if name not in ('step', 'epoch', 'split'):
          by_epoch = validation.setdefault(name, {})
          by_epoch[epoch] = np.nan if value is None else value
  losses = {}
  if sums:
    losses['training'] = (list(sums), [total / count for total, count in sums.values()])
  if 'loss' in validation:
    by_epoch = validation.pop('loss')
    losses['validation'] = (list(by_epoch), list(by_epoch.values()))
  figures = [curves.learning_curve(losses, 'Loss')] if losses else []
  for name, by_epoch in validation.items():
    known = {epoch: value for epoch, value in by_epoch.items() if not np.isnan(value)}
    best = max(known, key=lambda epoch: known[epoch]) if known and mark_best else None
    title = _title(outcome, name, ())
    curve = {'validation': (list(by_epoch), list(by_epoch.values()))}
    figures.append(curves.learning_curve(curve, f'Validation {title}', best))
  return [markupsafe.Markup(figure) for figure in figures]


def _metric_rows(outcome: Outcome, evaluation: dict[str, Any]) -> list[dict[str, Any]]:
  """Rows of the table of all metrics; those that the outcome does not name are shown elsewhere."""
  names = list(dict.fromkeys(name for metrics in evaluation.values() for name in metrics))
  rows = []
  for name in names:
    metric = outcome.metric(name, names)
    if metric is not None:
      cells = [evaluation[split].get(name) for split in _in_order(evaluation)]
      methods = (cell['method'] for cell in cells if cell and cell.get('method'))
      rows.append({'title': metric.title, 'method': next(methods, ''), 'cells': cells})
  return rows


def _title(outcome: Outcome, name: str, names: Sequence[str]) -> str:
  """What a metric is called at the top of the page and in figures."""
  metric = outcome.metric(name, names)
  return name if metric is None else metric.title
