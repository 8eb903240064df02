"""Molecules drawn of a finished run, with all figures of them."""

import pathlib
import sys

from medjax import sealed
from medjax.design import figures
from medjax.design.described import Described, describe
from medjax.design.language import Drawn, Language
from medjax.evaluation.rows import write_rows
from medjax.experiment import Experiment
from medjax.workdir import Workdir

_REFERENCE = 10_000  # molecules of the test split, at most


def sample(
  experiment: Experiment,
  workdir: Workdir,
  number: int,
  seed: int,
  temperature: float,
  folder: pathlib.Path,
) -> None:
  """Writes molecules.csv, with a row an attempt, and generation.json, and prints the figures.

  Args:
    experiment: of the run, with its examples.
    workdir: the run folder.
    number: how many attempts.
    seed: of the draws.
    temperature: see ``sampler.draw``.
    folder: where it writes.

  Raises:
    UserError: see ``Language.of_run``, or the folder cannot be written.
  """
  language = Language.of_run('sample: draws', experiment, workdir)
  drawn = language.draw(number, seed, temperature)
  splits = experiment.data.splits
  known = set(splits['train'].metadata['smiles'])
  found = figures.of_attempts(drawn.smiles, known)
  made = describe([one for one in drawn.smiles if one])
  others = splits.get('test', splits.get('val'))
  reference = describe(others.metadata['smiles'][:_REFERENCE]) if others else None
  if len(made.smiles):
    found |= figures.of_molecules(made, reference)
  _write(folder / 'molecules.csv', drawn, made, known)
  about = {'number': number, 'seed': seed, 'temperature': temperature, 'trained_on': len(known)}
  about |= {'reference': len(reference.smiles) if reference else 0}
  values = {name: estimate.to_json() for name, estimate in found.items()}
  sealed.write(folder / 'generation.json', {**about, 'figures': values}, run=workdir.identity())
  if reference and others:
    print(f'reference: {len(reference.smiles)} molecules of {others.name}', file=sys.stderr)
  for line in figures.lines(found):
    print(line)
  print(f'molecules: {folder / "molecules.csv"}')


def _write(path: pathlib.Path, drawn: Drawn, made: Described, known: set[str]) -> None:
  header = ['smiles', 'written', 'log_likelihood', 'new', *made.properties, 'pains']
  rows, number = [], 0
  for text, smiles, value in zip(
    drawn.text, drawn.smiles, drawn.log_likelihood.tolist(), strict=True
  ):
    cells = [''] * (2 + len(made.properties))
    if smiles:
      numbers = [f'{values[number]:.4f}' for values in made.properties.values()]
      cells = [_word(smiles not in known), *numbers, _word(bool(made.alert[number]))]
      number += 1
    rows.append([smiles, text, f'{value:.4f}', *cells])
  write_rows(path, header, rows)


def _word(is_so: bool) -> str:
  return 'yes' if is_so else 'no'
