"""screen.html: what was screened, by which run, and what was found."""

import pathlib
from collections.abc import Sequence
from typing import Any

import markupsafe
import numpy as np

from medjax.deploy.predictor import SPREAD
from medjax.deploy.screening.hits import Hit
from medjax.deploy.screening.screened import Request, Screened
from medjax.experiment import Experiment
from medjax.outcomes import Row, trust
from medjax.plots import curves, html, molecule
from medjax.report import run as report
from medjax.workdir import Workdir

_TEMPLATE = pathlib.Path(__file__).parent / 'screen.html'
_SHOWN = 100  # hits in the table; hits.csv has all
_COLUMNS = {
  'ef_1': 'Enrichment at 1%',
  'ef_5': 'Enrichment at 5%',
  'bedroc': 'BEDROC (alpha 20)',
  'auroc': 'ROC AUC',
}


def draw(
  experiment: Experiment, workdir: Workdir, request: Request, screened: Screened
) -> markupsafe.Markup:
  """The page.

  Args:
    experiment: data description, model and task of the run.
    workdir: the run folder.
    request: what was asked for.
    screened: what was found.

  Raises:
    UserError: a file of the run is missing or damaged.
  """
  evaluation, data = workdir.read(workdir.evaluation), workdir.read(workdir.data)
  about = workdir.read(workdir.environment)
  split = 'test' if 'test' in evaluation else next(iter(evaluation))
  outcome, ranked = experiment.task.outcome, screened.ranked
  named = request.named or (experiment.data.classes[1:2] or ('',))[0]
  of_class = f' of {named}' if named else ''
  sign = -1 if request.lowest else 1
  figure = ''
  if screened.hits:
    figure = curves.histogram(
      sign * ranked.score,
      f'Predicted {screened.column}{"" if of_class in screened.column else of_class}',
      'Rows of the library',
      float(screened.hits[-1].found.row[screened.column]),
      f'the best {len(screened.hits)}',
    )
  metrics = [
    {'title': metric.title, 'estimate': value}
    for name, value in evaluation[split].items()
    if isinstance(value, dict) and (metric := outcome.metric(name, list(evaluation[split])))
  ]
  return html.render(
    _TEMPLATE,
    library=str(request.library),
    name=request.library.name,
    folder=str(workdir.folder),
    experiment=about['experiment'],
    source=data['source'],
    checkpoint=report.checkpoint_line(workdir),
    split=split,
    metrics=metrics,
    baselines=report.baseline_lines(workdir, outcome),
    warnings=[
      *_warnings(experiment, workdir, split, evaluation[split], data),
      *_far(screened.hits),
    ],
    simulated=data['simulated'],
    ranked=ranked,
    screened=screened,
    column=screened.column,
    of_class=of_class,
    lowest=request.lowest,
    figure=markupsafe.Markup(figure),
    enrichment=[
      {'title': _COLUMNS[name], 'estimate': estimate.to_json()}
      for name, estimate in (screened.enrichment or {}).items()
    ],
    rows=[_shown(hit, screened.column) for hit in screened.hits[:_SHOWN]],
    picks=[_shown(hit, screened.column) | {'drawing': _drawing(hit)} for hit in screened.picks],
    known=all(hit.nearest is not None for hit in screened.hits),
    explained=any(hit.weights is not None for hit in screened.picks),
    spread=SPREAD in screened.columns,
  )


def _warnings(
  experiment: Experiment, workdir: Workdir, split: str, metrics: dict[str, Any], data: Any
) -> list[str]:
  """What the run's report and model card warn of."""
  lines = []
  if split != 'test':
    lines.append(
      f'the run has no test split: its numbers are of {split}, on which choices were made, and so '
      'too good'
    )
  lines += [f'the {note}' for note in data.get('notes', []) if ', A GUESS' in note]
  lines += [note for note in data.get('notes', []) if note.startswith('nearest training molecule')]
  decision = experiment.task.outcome.read_decision(workdir.read(workdir.decision))
  if hasattr(decision, 'conformal'):
    lines += trust.coverage_warnings(metrics, experiment.data.classes, decision)
  return lines


def _far(hits: Sequence[Hit]) -> list[str]:
  """How near the hits are to what the run knows."""
  near = [hit.nearest for hit in hits if hit.nearest is not None]
  if not near:
    return []
  return [
    f'nearest training molecule of a hit: median {np.median(near):.2f}; the further away, the less '
    'the numbers below say of it'
  ]


def _drawing(hit: Hit) -> markupsafe.Markup:
  name = hit.found.row['name'] or hit.found.row['row']
  return markupsafe.Markup(molecule.svg(hit.mol, hit.weights, title=f'structure of {name}'))


def _shown(hit: Hit, column: str) -> dict[str, Any]:
  """What the page says of a hit."""
  row, like = hit.found.row, hit.like
  failed = [
    *([] if like.lipinski else [f'Lipinski ({like.broken_rules} rules)']),
    *([] if like.veber else ['Veber']),
    *(f'PAINS {name}' for name in like.pains),
    *(f'Brenk {name}' for name in like.brenk),
  ]
  return {
    'rank': hit.rank,
    'name': row['name'],
    'row': row['row'],
    'smiles': row['smiles'],
    'predicted': float(row[column]),
    'uncertain': '; '.join(_uncertain(row, hit.inside)),
    'failed': failed,
    'like': like,
    'nearest': hit.nearest,
    'inside': hit.inside,
    'copies': len(hit.found.copies) + hit.found.more,
    'active': row['active'],
  }


def _uncertain(row: Row, inside: bool | None) -> Sequence[str]:
  """How sure the prediction is, as the run's outcome says it; outside of its domain it promises
  nothing."""
  lines = []
  promised = inside is not False
  if promised and row.get('low'):
    lines.append(f'{float(row["low"]):.3g} to {float(row["high"]):.3g}')
  if promised and row.get('set'):
    lines.append(f'set: {row["set"]}')
  if row.get(SPREAD):
    lines.append(f'members ± {float(row[SPREAD]):.2g}')
  return lines
