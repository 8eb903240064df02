"""report.html: one page on one run, which can be mailed and opened anywhere.

The page needs no network and no script: styles are inline, figures are inline SVG and pictures are
PNG in the page itself. It is made from the files of the run folder alone; a file that is missing or
broken is named in its section, so that half a run still gives a page.
"""

import json
import os
import pathlib
import re
from collections.abc import Callable
from typing import Any

import jinja2
import markupsafe
import numpy as np

from medjax.config import flatten
from medjax.errors import UserError
from medjax.evaluation import (
  Confidence,
  Decision,
  Interval,
  LabelDecisions,
  Labels,
  Numbers,
  Positions,
  Predictions,
  read_csv,
  read_labels,
  read_numbers,
  read_positions,
)
from medjax.report import (
  class_plots,
  decisions,
  explanations,
  label_rows,
  motifs,
  number_plots,
  plots,
  position_plots,
)
from medjax.workdir import Workdir

_METRICS = {
  # name: (title, how its interval is made)
  'auroc': ('AUROC', 'DeLong'),
  'auprc': ('AUPRC (average precision)', 'bootstrap'),
  'accuracy': ('Accuracy', 'Wilson'),
  'balanced_accuracy': ('Balanced accuracy', 'bootstrap'),
  'sensitivity': ('Sensitivity', 'Wilson'),
  'specificity': ('Specificity', 'Wilson'),
  'ppv': ('Positive predictive value', 'Wilson'),
  'npv': ('Negative predictive value', 'Wilson'),
  'f1': ('F1', 'bootstrap'),
  'mcc': ('Matthews correlation', 'bootstrap'),
  'threshold': ('Threshold', 'chosen on validation'),
  'rmse': ('Root mean squared error', 'bootstrap'),
  'mae': ('Mean absolute error', 'bootstrap'),
  'r2': ('R2', 'bootstrap'),
  'spearman': ("Spearman's correlation", 'bootstrap'),
  'exact_match': ('All labels right', 'Wilson'),
  'sov': ('Segment overlap (SOV)', 'bootstrap'),
}
# What each kind of decision is shown by: the name of its template.
_SHOWN = {
  Confidence: 'positions',
  Decision: 'classes',
  Interval: 'numbers',
  LabelDecisions: 'labels',
}
_OF: dict[str, tuple[Callable[..., Any], Callable[..., dict[str, Any]]]] = {
  'classes': (read_csv, class_plots.context),
  'numbers': (read_numbers, number_plots.context),
  'labels': (read_labels, label_rows.context),
  'positions': (read_positions, position_plots.context),
}
_OF_CLASS = ('auroc', 'auprc', 'sensitivity', 'specificity', 'ppv', 'npv', 'f1', 'sov')
# Share of positions that are right among so many states; Q3 of helix, strand and coil.
_RIGHT = re.compile(r'(chain_)?q(\d+)')
# By what labels are: how tables are read, and which template shows them.
_TABLES = {'classes': read_csv, 'numbers': read_numbers, 'positions': read_positions}
# Splits from the one that counts to the ones that the model has seen.
_SPLIT_ORDER = ('test', 'val', 'train')


def write(
  folder: pathlib.Path,
  *,
  pictures: dict[str, list[str]],
  explanation: str = '',
) -> pathlib.Path:
  """Writes `folder/report.html` from the files of the run.

  Args:
    folder: Run folder, see `medjax.workdir.Workdir`; any of its files may be missing.
    pictures: Of examples by id: data URIs, of which the last is an explanation where there is one;
      see ``pictures.sources``. Ids that the predictions do not hold are left out.
    explanation: The method that says what speaks for the class that a case is called; '' for none.

  Returns:
    The path of the page.

  Example:
    >>> write(pathlib.Path('runs/a'), pictures={})  # doctest: +SKIP
    PosixPath('runs/a/report.html')
  """
  workdir = Workdir(folder)
  config = _Section(workdir.config, _read_object)
  environment = _Section(workdir.environment, _read_object)
  data = _Section(workdir.data, _read_object)
  evaluation = _Section(workdir.evaluation, _read_object)
  decision = _Section(workdir.decision, lambda path: decisions.from_json(_read_object(path)))
  shown = _shown(decision.value, data.value or {})
  read_table, context_of = _OF[shown]
  history = _Section(workdir.metrics, _read_lines)
  tables = {
    path.stem: _Section(path, read_table)
    for path in sorted((workdir.folder / 'predictions').glob('*.csv'))
  }
  found = {name: table.value.labelled() for name, table in tables.items() if not table.problem}
  split = _first_split(found or evaluation.value or {})
  table = found.get(split)
  metrics = (evaluation.value or {}).get(split, {})
  context = {
    'name': (environment.value or {}).get('experiment') or workdir.folder.resolve().name,
    'folder': workdir.folder.resolve().name,
    'simulated': (data.value or {}).get('simulated'),
    'split': split,
    'summary': _summary(table, metrics),
    'data': data,
    'history': history,
    'curves': _curves(history.value or [], (config.value or {}).get('select') != 'last'),
    'tables': tables,
    'decision': decision,
    'shown': shown,
    'coefficients': _Section(workdir.coefficients, _read_object)
    if workdir.coefficients.exists()
    else None,
    'motifs': _Section(workdir.motifs, lambda _: motifs.read(workdir))
    if workdir.motifs.exists()
    else None,
    'kind': (data.value or {}).get('kind', 'images'),
    **context_of(table, metrics, decision.value, pictures),
    'explanation': explanation,
    'grades': dict(
      zip(('names', 'rows', 'problems'), explanations.grade_rows(workdir), strict=True)
    ),
    'evaluation': evaluation,
    'metric_rows': _metric_rows(evaluation.value or {}),
    'splits': _in_order(evaluation.value or {}),
    'environment': environment,
    'environment_rows': flatten(environment.value or {}),
    'config': config,
    'config_rows': flatten(config.value or {}),
  }
  here = pathlib.Path(__file__).parent
  engine = jinja2.Environment(
    loader=jinja2.FileSystemLoader(here),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
  )
  engine.filters |= {'count': _count_text, 'number': _number_text, 'duration': _duration_text}
  temporary = workdir.report.with_name(f'.{workdir.report.name}.{os.getpid()}')
  temporary.write_text(engine.get_template('page.html').render(context), encoding='utf-8')
  os.replace(temporary, workdir.report)
  return workdir.report


def _shown(decision: Any, data: dict[str, Any]) -> str:
  """The name of the template; without a decision the data say what labels are."""
  if decision is not None:
    return _SHOWN[type(decision)]
  if data.get('kind') == 'residues':
    return 'positions'
  return 'numbers' if data.get('classes') == [] else 'classes'


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


def _read_object(path: pathlib.Path) -> dict[str, Any]:
  value = json.loads(path.read_text(encoding='utf-8'))
  if not isinstance(value, dict):
    raise ValueError('expected a JSON object')
  return value


def _read_lines(path: pathlib.Path) -> list[dict[str, Any]]:
  lines = []
  for text in path.read_text(encoding='utf-8').splitlines():
    try:
      line = json.loads(text)
    except ValueError:
      continue  # a run that was killed may have left half a line
    if isinstance(line, dict):
      lines.append(line)
  return lines


def _in_order(splits: Any) -> list[str]:
  known = [name for name in _SPLIT_ORDER if name in splits]
  return known + sorted(set(splits) - set(known))


def _first_split(splits: Any) -> str:
  return next(iter(_in_order(splits)), 'test')


def _summary(
  table: Predictions | Numbers | Labels | Positions | None, metrics: dict[str, Any]
) -> dict[str, Any]:
  right = [name for name in metrics if _RIGHT.fullmatch(name)]
  names = (*right[:1], 'sov', *right[1:], 'auroc', 'r2', 'sensitivity', 'specificity', 'auprc',
           'balanced_accuracy', 'accuracy', 'rmse', 'mae', 'spearman')  # fmt: skip
  tiles = [(_title(name), metrics[name]) for name in names if name in metrics]
  summary: dict[str, Any] = {
    'main': tiles[0] if tiles else None,
    'tiles': tiles[1:4],
    'cases': None,
  }
  if table is not None:
    summary['cases'] = len(table)
    summary['groups'] = len(set(table.group.tolist()))
    if isinstance(table, Predictions) and table.is_binary and len(table):
      summary['positives'] = int(table.label.sum())
      summary['prevalence'] = float(table.label.mean())
      summary['positive'] = table.classes[1]
  return summary


def _curves(lines: list[dict[str, Any]], mark_best: bool = True) -> list[markupsafe.Markup]:
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
  figures = [plots.learning_curve(losses, 'Loss')] if losses else []
  for name, by_epoch in validation.items():
    known = {epoch: value for epoch, value in by_epoch.items() if not np.isnan(value)}
    best = max(known, key=lambda epoch: known[epoch]) if known and mark_best else None
    title = _title(name)
    curve = {'validation': (list(by_epoch), list(by_epoch.values()))}
    figures.append(plots.learning_curve(curve, f'Validation {title}', best))
  return [markupsafe.Markup(figure) for figure in figures]


def _metric_rows(evaluation: dict[str, Any]) -> list[dict[str, Any]]:
  found = list(dict.fromkeys(name for metrics in evaluation.values() for name in metrics))
  several = any(name.startswith('auroc_') for name in found)
  positions = any(_RIGHT.fullmatch(name) for name in found)
  rows = []
  for name in found:
    metric, _, of_class = name.partition('_')
    if _RIGHT.fullmatch(name):
      title, method = _title(name), 'bootstrap'
    elif name in _METRICS:
      title, method = _METRICS[name]
      if several and name in _OF_CLASS:
        title, method = f'{title}, mean over classes', 'bootstrap'
    elif metric in _OF_CLASS:
      title, method = _METRICS[metric]
      title = f'{title}, {of_class} against the rest'
      method = 'bootstrap' if positions else method
    else:
      continue  # it has a section of its own
    cells = [evaluation[split].get(name) for split in _in_order(evaluation)]
    rows.append({'title': title, 'method': method, 'cells': cells})
  return rows


def _title(name: str) -> str:
  """What a metric is called.

  Example:
    >>> _title('chain_q3'), _title('r2')
    ('Q3, mean over chains', 'R2')
  """
  right = _RIGHT.fullmatch(name)
  if right:
    return f'Q{right[2]}' + (', mean over chains' if right[1] else '')
  return _METRICS.get(name, (name,))[0]


def _number_text(number: float | None) -> str:
  return '–' if number is None else f'{number:.4g}'


def _count_text(number: int) -> str:
  return f'{number:,}'.replace(',', '\N{THIN SPACE}')


def _duration_text(seconds: float) -> str:
  minutes, rest = divmod(round(seconds), 60)
  hours, minutes = divmod(minutes, 60)
  if hours:
    return f'{hours} h {minutes} min'
  return f'{minutes} min {rest} s' if minutes else f'{rest} s'
