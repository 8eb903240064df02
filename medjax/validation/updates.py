"""What a fit to some cases of the other site would mend, and how many cases it needs."""

from typing import Any

from medjax.evaluation import updating
from medjax.evaluation.recalibration import LINE
from medjax.outcomes import Outcome
from medjax.validation.verdict import BROKEN, Verdict

FEWEST = 40  # cases that are divided into some that are fitted to and some that judge

_ALIKE = 0.05  # of the spread of the linear predictor

_SHOWN = (
  'calibration_intercept', 'calibration_slope', 'log_loss', 'brier', 'ece', 'rmse', 'mae',
  'r2', 'sensitivity', 'specificity', 'ppv', 'npv', 'accuracy', 'net_benefit',
)  # fmt: skip


def compare(outcome: Outcome, raw: Any, shown: Any, decision: Any) -> dict[str, Any]:
  """Metrics of the frozen model beside those of each update, cross-fitted, and the cost in cases.

  Args:
    outcome: what labels are.
    raw: labelled table of the site as the network gave it.
    shown: the same as the run shows it.
    decision: of the run.

  Returns:
    'rows', a name and metrics each, 'names' of the metrics, 'cost' by name, 'tables' by name (not
    JSON), and 'problem' where there is none of this.
  """
  empty: dict[str, Any] = {'rows': [], 'names': [], 'cost': {}, 'tables': {}}
  fits = outcome.updates(decision)
  if not fits:
    return {**empty, 'problem': 'predictions of this kind have no recalibration here yet'}
  if len(raw) < FEWEST:
    return {**empty, 'problem': f'needs {FEWEST} cases, and there are {len(raw)}'}
  if len(set(raw.group.tolist())) < 2:
    return {**empty, 'problem': 'every case is of one group'}
  tables = {'as frozen': shown}
  tables |= {name: updating.cross_fitted(raw, fit) for name, fit in fits.items()}
  judged = {name: outcome.judged(table, decision) for name, table in tables.items()}
  names = [name for name in _SHOWN if name in judged['as frozen']]
  rows = [
    {'name': name, 'metrics': {one: found[one].to_json() for one in names}}
    for name, found in judged.items()
  ]

  spent = {}
  before = outcome.losses(shown)
  if before is not None:

    def losses(table: Any) -> Any:
      return outcome.losses(table)

    found = updating.cost(raw, before, fits, losses)
    spent = {name: one.to_json() for name, one in found.items()}
  return {'rows': rows, 'names': names, 'cost': spent, 'tables': tables, 'problem': ''}


def sentence(outcome: Outcome, found: dict[str, Any], verdict: Verdict) -> str:
  """Whether recalibration mends what is broken, in words; '' where it was not tried."""
  if not found['rows']:
    return ''
  best = found['rows'][min(2, len(found['rows']) - 1)]
  mended: list[str] = []
  left: list[str] = []
  for name, ideal in outcome.ideal.items():
    metric = best['metrics'].get(name)
    if metric and metric['low'] is not None:
      within = metric['low'] <= ideal <= metric['high']
      (mended if within else left).append(name.replace('_', ' '))
  line = f'Recalibration ({best["name"]}) '
  if _all_alike(outcome, found['tables'], best['name']):
    line += 'gives all cases about the same prediction'
  elif mended:
    line += f'makes {" and ".join(mended)} right on average'
    line += f', not {" and ".join(left)}' if left else ''
  elif left:
    line += 'does not make calibration right'
  elif 'log_loss' in best['metrics']:
    before, after = (row['metrics']['log_loss']['value'] for row in (found['rows'][0], best))
    line += f'changes the log loss from {before:.3f} to {after:.3f}'
  else:
    return ''
  if verdict.rules[0].state == BROKEN and outcome.order_only and best['name'] == LINE:
    line += (
      ', but it does not repair the model: it keeps the order of cases, and cannot win back what '
      'was lost of it'
    )
  moved = [row['metrics'].get(outcome.monitor, {}).get('value') for row in (found['rows'][0], best)]
  if not outcome.order_only and None not in moved:
    line += f', and moves {outcome.monitor} from {moved[0]:.3f} to {moved[1]:.3f}'
  return f'{line}.'


def _all_alike(outcome: Outcome, tables: dict[str, Any], name: str) -> bool:
  """Whether an update leaves next to nothing of what predictions differ by."""
  before, after = (outcome.linear_predictor(tables[one]) for one in ('as frozen', name))
  if before is None or after is None:
    return False
  return float(after.std()) < _ALIKE * float(before.std())
