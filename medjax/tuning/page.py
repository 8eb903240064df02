"""tune.json and tune.html: what the trials of a study found, and what that was worth."""

import pathlib
import warnings
from collections.abc import Sequence
from typing import Any

import markupsafe

from medjax import config as config_lib
from medjax import files, sealed
from medjax import space as space_lib
from medjax.outcomes import Outcome
from medjax.plots import html
from medjax.plots import search as figures
from medjax.space import Choices, Log, Space
from medjax.tuning import storage as storage_lib
from medjax.tuning import tried as tried_lib
from medjax.tuning.search import Search
from medjax.tuning.tried import Tried
from medjax.tuning.worth import verdict

_FEWEST = 4  # complete trials of which importance is told
_SLICED = 12  # settings of which a figure each is drawn


def importances(study: Any) -> tuple[dict[str, float], str]:
  """How much of the spread of scores each setting explains, the most first; or why nobody can say.

  Source:
    Hutter, Hoos and Leyton-Brown (2014), An efficient approach for assessing hyperparameter
    importance, ICML.
  """
  package = storage_lib.optuna()
  complete = [trial for trial in study.trials if trial.state.name == 'COMPLETE']
  if len(complete) < _FEWEST:
    return {}, f'fewer than {_FEWEST} trials are complete'
  with warnings.catch_warnings():
    warnings.simplefilter('ignore')
    try:
      evaluator = package.importance.FanovaImportanceEvaluator(seed=0)
      found = package.importance.get_param_importances(study, evaluator=evaluator)
    except (ValueError, RuntimeError, ZeroDivisionError) as error:  # such as of one trial
      return {}, (str(error).splitlines() or ['there are too few trials'])[0]
  if not found or not all(0 <= share <= 1 for share in found.values()):
    return {}, 'all complete trials have the same score'
  return {name: float(share) for name, share in found.items()}, ''


def summary(
  search: Search,
  trials: Sequence[Tried],
  study: Any,
  worth: dict[str, Any],
  looks: Sequence[dict[str, Any]],
  command: str,
) -> dict[str, Any]:
  """What tune.json holds.

  Args:
    search: settings and space.
    trials: all of the study; one is complete.
    study: of Optuna.
    worth: 'default', 'winner' and 'difference', see ``worth``; and 'problem', why the default
      settings have no figures, '' where they have.
    looks: at test; see ``looks``.
    command: that trains with the best settings.
  """
  best = tried_lib.best(trials)
  shares, problem = importances(study)
  return {
    'best': best.number if best else None,
    'command': command,
    'worth': worth,
    'looks': list(looks),
    'space': {name: range_.told() for name, range_ in search.space.items()},
    'pruner': search.pruner,
    'importance': shares,
    'importance_problem': problem,
    'trials': [
      {
        'number': trial.number,
        'state': trial.state,
        'default': trial.default,
        'values': trial.values,
        'score': trial.score,
        'epoch': trial.epoch,
        'seconds': trial.seconds,
        'reason': trial.reason,
        'epochs': trial.curve[0],
        'scores': trial.curve[1],
      }
      for trial in trials
    ],
  }


def write(
  search: Search,
  about: dict[str, Any],
  outcome: Outcome,
  data: dict[str, Any],
  name: str,
  repeat: str,
  notes: Sequence[str],
) -> pathlib.Path:
  """Writes tune.json and tune.html.

  Args:
    search: settings and space.
    about: of ``summary``.
    outcome: what the labels are.
    data: what data.json of a run says.
    name: of the experiment.
    repeat: the command line of this tuning.
    notes: what readers should know of it.

  Returns:
    The path of the page.
  """
  sealed.write(search.folder / 'tune.json', about)
  worth, trials = about['worth'], about['trials']
  metric = outcome.metric(outcome.monitor, [outcome.monitor])
  title = outcome.monitor if metric is None else metric.title
  by_number = {trial['number']: trial for trial in trials}
  best = by_number[about['best']]
  default = next((trial for trial in trials if trial['default']), None)
  complete = [trial for trial in trials if trial['state'] == tried_lib.COMPLETE]
  same = best['default']
  # That of a trial that was not trained to its end compares with no other.
  default_score = default['score'] if default and default in complete else None
  rows = [{'name': 'Default settings', 'trial': default_score, **worth['default']}]
  if not same:
    rows.append({'name': f'Winner, trial {best["number"]}', 'trial': best['score']}
                | worth['winner'])  # fmt: skip
  means = [row['val']['mean']['value'] for row in rows]
  page = html.render(
    pathlib.Path(__file__).parent / 'tune.html',
    name=name,
    folder=search.folder.resolve().name,
    simulated=data.get('simulated'),
    source=data.get('source', 'not stated'),
    trials=len(trials),
    finished=sum(t['state'] in ('complete', 'pruned', 'failed') for t in trials),
    complete=len(complete),
    seconds=sum(trial['seconds'] for trial in trials),
    best=best['number'],
    same_as_default=same,
    title_of=title,
    worth=worth,
    verdict=verdict(worth['difference']['mean']),
    warnings=notes,
    rows=rows,
    seeds=len(worth['winner']['val']['runs']),
    looks=about['looks'],
    gain=None if default_score is None else best['score'] - default_score,
    val_gain=None if None in means or same else means[1] - means[0],
    command=about['command'],
    space=_space_rows(search, best),
    figures=_figures(search.space, trials, about, title),
    importance_problem=about['importance_problem'],
    trial_rows=[_trial_row(search.space, trial) for trial in trials],
    how=_how(about['pruner'], title),
    repeat=repeat,
  )
  path = search.folder / 'tune.html'
  with files.replacing(path) as new:
    new.write_text(page, encoding='utf-8')
  return path


def _spelled(value: Any) -> str:
  return space_lib.spelled(tuple(value) if isinstance(value, list) else value) or 'none'


def _space_rows(search: Search, best: dict[str, Any]) -> list[dict[str, Any]]:
  defaults = {leaf.name: leaf.value for leaf in config_lib.leaves(search.config)}
  rows = []
  for name, range_ in search.space.items():
    value = best['values'].get(name)
    ends = (getattr(range_, 'low', None), getattr(range_, 'high', None))
    near = False
    if isinstance(range_, Log) and value:
      near = not 1.1 * range_.low < value < range_.high / 1.1
    elif not isinstance(range_, Choices) and value is not None:
      near = value in ends and value > 0
    rows.append(
      {
        'name': name,
        'searched': range_.told(),
        'default': _spelled(defaults[name]),
        'best': _spelled(value),
        'at_end': near and value != defaults[name],
      }
    )
  return rows


def _trial_row(space: Space, trial: dict[str, Any]) -> dict[str, Any]:
  values = trial['values']
  return trial | {'cells': [_spelled(values[n]) if n in values else '–' for n in space]}


def _figures(
  space: Space, trials: Sequence[dict[str, Any]], about: dict[str, Any], title: str
) -> dict[str, Any]:
  scored = [trial for trial in trials if trial['score'] is not None]
  complete = [trial for trial in scored if trial['state'] == tried_lib.COMPLETE]

  def place(of: Sequence[dict[str, Any]]) -> int:
    return next((i for i, trial in enumerate(of) if trial['default']), -1)

  label = f'Validation {title}'
  found: dict[str, Any] = {
    'history': figures.history(
      [trial['number'] for trial in scored],
      [trial['score'] for trial in scored],
      [trial['state'] != tried_lib.COMPLETE for trial in scored],
      place(scored),
      label,
    ),
    'importance': figures.importance(about['importance']) if about['importance'] else '',
    'parallel': '',
    'slices': [],
  }
  if len(complete) > 1:
    axes = [_axis(name, space, complete) for name in space]
    scores = [trial['score'] for trial in complete]
    best = next(i for i, trial in enumerate(complete) if trial['number'] == about['best'])
    found['parallel'] = figures.parallel(axes, scores, best, place(complete), label)
    by_share = sorted(axes, key=lambda axis: -about['importance'].get(axis.name, 0.0))
    found['slices'] = [
      figures.slice_of(axis, scores, best, place(complete), label) for axis in by_share[:_SLICED]
    ]
  return {
    name: [markupsafe.Markup(one) for one in made]
    if isinstance(made, list)
    else markupsafe.Markup(made)
    for name, made in found.items()
  }


def _axis(name: str, space: Space, trials: Sequence[dict[str, Any]]) -> figures.Axis:
  values = [trial['values'][name] for trial in trials]
  range_ = space[name]
  if isinstance(range_, Choices):
    names = [_spelled(value) for value in range_.values]
    return figures.Axis(name, [names.index(_spelled(value)) for value in values], names)
  return figures.Axis(name, [float(value) for value in values], (), isinstance(range_, Log))


def _how(pruner: str, title: str) -> str:
  ended = {
    'median': 'A trial was ended early (pruned) where its best score so far was below the median '
    'of earlier trials at the same epoch, after the first quarter of the epochs and the first five '
    'trials.',
    'hyperband': 'Trials were ended early (pruned) by Hyperband (Li et al. 2018).',
    'none': 'No trial was ended early.',
  }[pruner]
  return (
    'Settings were drawn at random in ten trials and then by a tree-structured Parzen estimator '
    f'over all of them at once (Optuna; Bergstra et al. 2011). A trial was scored by the '
    f'validation {title} of its best epoch, and all trials had the same seed. {ended}'
  )
