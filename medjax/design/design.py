"""A whole tuning: the molecules before and after, the steps between, and the candidates."""

import dataclasses
import pathlib
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from medjax import sealed
from medjax.config import setting
from medjax.design import figures
from medjax.design.candidates import Candidates
from medjax.design.described import describe
from medjax.design.language import Language
from medjax.design.memory import scaffold
from medjax.design.objective import Objective
from medjax.design.tuning import Settings, Tuning
from medjax.errors import UserError
from medjax.evaluation import Estimate
from medjax.evaluation.generation import NO_INTERVAL
from medjax.evaluation.proportions import mean
from medjax.experiment import Experiment

_SAID = 10  # steps of which one is said


@dataclasses.dataclass
class Config(Settings):
  """How a model is tuned, and what is written of it."""

  drawn: int = setting(1000, 'Molecules that are drawn before and after, to compare.', low=10)
  candidates: int = setting(500, 'Molecules that are written, at most.', low=1)


def design(
  language: Language,
  experiment: Experiment,
  objective: Objective,
  config: Config,
  folder: pathlib.Path,
  identity: str,
  trained: Sequence[str],
) -> dict[str, Any]:
  """Tunes a language, or goes on with it, and writes candidates and design.json.

  Args:
    language: before tuning.
    experiment: of its run, with its examples.
    objective: what it is tuned toward.
    config: how.
    folder: where everything is written and kept.
    identity: of languages, goal and settings; see ``Tuning``.
    trained: molecules of which the nearest to each candidate is shown.

  Returns:
    Estimates as JSON values by name, ``before`` and ``after``.

  Raises:
    UserError: no molecule is good enough, or a file cannot be written.
  """
  known = set(experiment.data.splits['train'].metadata['smiles'])
  before = _judged(language, objective, config, known)
  tuning = Tuning(language, experiment, objective, config, folder, identity)
  if tuning.done:
    print(f'goes on at step {tuning.done}', file=sys.stderr)
  begin = time.monotonic()
  while tuning.done < config.steps:
    found = tuning.step()
    if tuning.done % _SAID == 0 or tuning.done == config.steps:
      print(
        f'step {tuning.done}/{config.steps}  score {found["score"]:.3f}  valid {found["valid"]:.2f}'
        f'  remembered {len(tuning.memory.kept)}  {time.monotonic() - begin:.0f} s',
        file=sys.stderr,
      )
  after = _judged(tuning.language, objective, config, known)
  best = tuning.memory.best(config.candidates)
  if not best:
    raise UserError(
      f'no molecule has a score of config.least={config.least:g}; expected more config.steps, or '
      'less of it'
    )
  values = objective.values(best)
  made = Candidates.of(
    best, objective.scores(values), values, [scaffold(one) for one in best], trained, known
  )
  compared = {n: (TITLES[n], before[n], after[n]) for n in before if n in after}
  about = [
    f'{config.steps} updates of {config.molecules} molecules each, tuned toward: '
    f'{objective.title()}.',
    f'{len(tuning.memory.kept)} different molecules scored {config.least:g} or more.',
  ]
  made.write(folder, about, compared)
  result = {'before': before, 'after': after, 'goal': objective.title()}
  sealed.write(folder / 'design.json', result, run=identity)
  return result


TITLES = {
  'score': 'Score, mean of molecules',
  'activity': 'Predicted activity, mean',
  'qed': 'QED, mean',
  'sa': 'SA, mean (1 is easy to make)',
  **figures.TITLES,
  'scaffolds_seen': 'Different scaffolds, as a share of molecules',
}


def _judged(
  language: Language, objective: Objective, config: Config, known: set[str]
) -> dict[str, Any]:
  """Figures of molecules that are drawn now, the same draws each time, as JSON values."""
  drawn = language.draw(config.drawn, config.seed, config.temperature)
  valid = [one for one in drawn.smiles if one]
  found: dict[str, Estimate] = {}
  if valid:
    values = objective.values(valid)
    means = {'score': objective.scores(values), **values}
    for name, of in means.items():
      there = of[np.isfinite(of)]
      found[name] = mean(there, np.arange(len(there)))
  found |= figures.of_attempts(drawn.smiles, known)
  if valid:
    found |= figures.of_molecules(describe(valid), None)
    share = len({scaffold(one) for one in valid}) / len(valid)
    found['scaffolds_seen'] = Estimate(share, reason=NO_INTERVAL)
  return {name: estimate.to_json() for name, estimate in found.items()}


def lines(result: dict[str, Any]) -> list[str]:
  """Figures before and after, as lines for the terminal."""
  before, after = result['before'], result['after']
  return [
    f'{TITLES[name]}: {_text(before[name])} before, {_text(after[name])} after'
    for name in before
    if name in after
  ]


def _text(estimate: dict[str, Any]) -> str:
  return 'undefined' if estimate['value'] is None else f'{estimate["value"]:.3f}'
