"""The verb ``plan``: how many cases a study needs, by formulas that need no data or by training."""

import math
from collections.abc import Sequence
from typing import Any

from medjax import sealed
from medjax.arguments import Flag, Verb
from medjax.errors import UserError
from medjax.verbs import learning_curve
from medjax.verbs.run import Run

_OF = {
  'binary': ('prevalence', 'auroc', 'lp_mean', 'lp_sd', 'sensitivity', 'specificity'),
  'survival': ('rate', 'horizon', 'follow_up'),
  'number': ('mean', 'sd'),
}
_SHARES = ('prevalence', 'sensitivity', 'specificity', 'shrinkage', 'width')


def plan(run: Run, words: Sequence[str]) -> None:
  """Prints how many cases each criterion asks for, and writes them as JSON with --output.

  With --shares it trains on parts of the data instead; see ``learning_curve.learn``.

  Raises:
    UserError: a flag is missing, is of another outcome, or has a value that nothing can meet.
  """
  if run.values.shares:
    learning_curve.learn(run, run.values.shares, run.values.draws)
    return
  given = _given(run.values)
  outcome = run.values.outcome
  made: dict[str, list[Any]] = {}
  if run.values.parameters is not None:
    made['development'] = _development(outcome, run.values.parameters, given)
  if outcome == 'binary' and 'auroc' in given:
    made['validation'] = _validation(given)
  if not made:
    raise UserError(
      'plan: expected --parameters=N for the size of a development, --prevalence and --auroc for '
      'that of a validation, or --shares=0.125,0.25,0.5,1 for a learning curve'
    )
  for what, criteria in made.items():
    _show(what, criteria, given.get('prevalence'))
  if run.values.output:
    path = run.output(run.workdir.folder)
    value = {
      what: {
        'cases': max(one.cases for one in criteria),
        'criteria': [{'name': one.name, 'cases': one.cases} for one in criteria],
      }
      for what, criteria in made.items()
    }
    asked = {**given, 'parameters': run.values.parameters}
    sealed.write(path, {'outcome': outcome, 'given': asked, **value})
    print(f'plan: {path}')


def _given(values: Any) -> dict[str, float]:
  """The numbers that were given, which suit the outcome."""
  outcome = values.outcome
  if outcome not in _OF:
    raise UserError(f'--outcome={outcome}: expected one of {", ".join(_OF)}')
  found = {name: values[name].value for name in ('r2', 'shrinkage', 'width')}
  for of, names in _OF.items():
    for name in names:
      value = values[name].value
      if value is not None and of != outcome:
        raise UserError(f'--{name}: is of --outcome={of}, not of {outcome}')
      found[name] = value
  found = {name: value for name, value in found.items() if value is not None}
  for name, value in found.items():
    if not math.isfinite(value):
      raise UserError(f'--{name}={value}: expected a number')
    if name in _SHARES and not 0 < value < 1:
      raise UserError(f'--{name}={value:g}: expected more than 0 and less than 1')
    if name in ('rate', 'horizon', 'follow_up', 'sd', 'lp_sd') and value <= 0:
      raise UserError(f'--{name}={value:g}: expected more than 0')
  if 'auroc' in found and not 0.5 < found['auroc'] < 1:
    raise UserError(f'--auroc={found["auroc"]:g}: expected more than 0.5 and less than 1')
  return found


def _needed(given: dict[str, float], *names: str) -> list[float]:
  lacking = [name for name in names if name not in given]
  if lacking:
    raise UserError(f'plan: expected --{lacking[0]} too')
  return [given[name] for name in names]


def _development(outcome: str, parameters: int, given: dict[str, float]) -> list[Any]:
  from medjax.evaluation import development_size as size

  shrinkage = given['shrinkage']
  if outcome == 'binary':
    (prevalence,) = _needed(given, 'prevalence')
    if 'r2' not in given:
      (area,) = _needed(given, 'auroc')
      given['r2'] = size.r2_of_auroc(area, prevalence)
      print(f'Cox and Snell R2 of AUROC {area:g} (normal scores): {given["r2"]:.3f}')
    return size.binary(parameters, prevalence, given['r2'], shrinkage)
  (r2,) = _needed(given, 'r2')
  if outcome == 'survival':
    rate, horizon, follow_up = _needed(given, 'rate', 'horizon', 'follow_up')
    return size.survival(parameters, rate, horizon, follow_up, r2, shrinkage)
  mean, deviation = _needed(given, 'mean', 'sd')
  return size.continuous(parameters, r2, mean, deviation, shrinkage)


def _validation(given: dict[str, float]) -> list[Any]:
  from medjax.evaluation import validation_size as size

  prevalence, area = _needed(given, 'prevalence', 'auroc')
  parts = None
  if 'lp_mean' in given or 'lp_sd' in given:
    mean, deviation = _needed(given, 'lp_mean', 'lp_sd')
    parts = [(1.0, mean, deviation)]
  return size.criteria(
    area,
    prevalence,
    parts=parts,
    sensitivity=given.get('sensitivity'),
    specificity=given.get('specificity'),
    width=given['width'],
  )


def _show(what: str, criteria: Sequence[Any], prevalence: float | None) -> None:
  cases = max(one.cases for one in criteria)
  positive = f', {math.ceil(cases * prevalence):,} of them positive' if prevalence else ''
  print(f'{what}: {cases:,} cases{positive}')
  for one in criteria:
    print(f'  {one.name:<44}{one.cases:>10,}')


VERB = Verb(
  'plan',
  'how many cases the development or the validation of a model needs',
  plan,
  (
    Flag('outcome', 'binary', 'binary, survival or number (default binary)', 'KIND'),
    Flag('parameters', None, 'of candidate predictors, for a development', 'N', low=1),
    Flag('r2', None, 'expected R2 (Cox and Snell; of numbers the usual)', 'X', number=float),
    Flag('shrinkage', 0.9, 'of coefficients, at least (default 0.9)', 'X'),
    Flag('prevalence', None, 'share of positive cases', 'X', number=float),
    Flag('auroc', None, 'expected AUROC', 'X', number=float),
    Flag('sensitivity', None, 'expected, for a validation', 'X', number=float),
    Flag('specificity', None, 'expected, for a validation', 'X', number=float),
    Flag('width', 0.1, 'of 95% intervals in a validation (default 0.1)', 'X'),
    Flag('lp_mean', None, 'of the linear predictor; else of normal scores', 'X', number=float),
    Flag('lp_sd', None, 'its standard deviation', 'X', number=float),
    Flag('rate', None, 'events per unit of follow-up (survival)', 'X', number=float),
    Flag('horizon', None, 'at which risks are told (survival)', 'X', number=float),
    Flag('follow_up', None, 'its mean a case (survival)', 'X', number=float),
    Flag('mean', None, 'of the number that is predicted', 'X', number=float),
    Flag('sd', None, 'its standard deviation', 'X', number=float),
    Flag('output', '', 'writes the numbers as JSON', 'FILE'),
    Flag('shares', '', 'trains on these of the training patients: a learning curve', 'A,B,...'),
    Flag('draws', 5, 'networks on as many draws of each share (default 5)', 'N', low=1),
  ),
)
