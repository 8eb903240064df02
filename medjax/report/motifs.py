"""The motifs of a network on sequences: the verb ``motifs`` and its section in the report."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import markupsafe
import numpy as np
from rich.console import Console
from rich.table import Table

from medjax import explain
from medjax.data.sequences import alphabet, meme, pwm
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.explain import motifs as readouts
from medjax.explain import seqlets
from medjax.explain.motifs import Match, Readout
from medjax.plots import logos
from medjax.training import evaluate
from medjax.training.score import score_function
from medjax.workdir import Workdir

_LOOKED_AT = 4000  # sequences for the filters
_CASES = 200  # whose mutants are scored, where nothing is asked for ...
_MUTANTS = 600_000  # ... and mutants of all together, at most
_SHOWN = 24  # logos in the report


def write(
  experiment: Experiment, workdir: Workdir, known: Sequence[str], cases: int | None = None
) -> None:
  """Finds the motifs of the best checkpoint, compares them with known ones and prints a table.

  What each filter of the first layer responds to is read out on sequences of the test split, and
  what predictions rest on is gathered from the in-silico mutagenesis of cases that are called
  rightly (of two classes those of the second). Writes motifs.meme and motifs.json, which the report
  shows.

  Args:
    experiment: Data, model and task of the run.
    workdir: Its folder.
    known: MEME files to compare with; without any, what the simulator planted.
    cases: Cases whose mutants are scored, at most; otherwise 200, or fewer where they are long.

  Raises:
    UserError: The data are no sequences with classes, the run was not evaluated, or a file cannot
      be read.
  """
  data = experiment.data
  letters = data.modality.encoder('motifs: reads networks on').letters
  wanted = _known(known, letters) or dict(data.motifs)
  strands = letters.letter_complement.tolist() if letters.name == 'DNA' else None
  variables, step = evaluate.chosen_variables(experiment, workdir)
  outcome = experiment.task.outcome
  decision = evaluate.read_decision(outcome.read_decision, workdir, step)
  name = 'test' if 'test' in data.splits else 'val'
  split = data.splits[name]
  modality = data.modality
  x = np.asarray(modality.inputs(split.read(range(min(len(split), _LOOKED_AT)))))
  learned = _of_filters(variables['params'], x)
  mutants = x.shape[1] * (len(letters.letters) - 1)
  cases = cases or max(1, min(_CASES, _MUTANTS // mutants))
  table = outcome.read_table(workdir.verified(workdir.predictions(name)))
  calls = outcome.called(table, decision)
  right = np.flatnonzero(outcome.rightly_called(table, decision, 'motifs'))[:cases]
  if len(right):
    place = {case: row for row, case in enumerate(split.id.tolist())}
    rows = [place[case] for case in table.id[right].tolist()]
    some = np.asarray(modality.inputs(split.read(rows)))
    score = score_function(experiment, variables)
    changes = explain.mutagenesis(score, some, calls[right])
    adds = -changes.sum(axis=2) / (len(letters.letters) - 1)
    learned |= seqlets.discover(some, adds, complement=strands, width=min(11, some.shape[1]))
  if not learned:
    raise UserError('motifs: no filter and no prediction rests on a motif')
  matches = {
    motif: readouts.best_match(learned, matrix, strands) for motif, matrix in wanted.items()
  }
  meme.write(workdir.motifs_meme, {motif: one.pwm for motif, one in learned.items()}, letters)
  workdir.write(workdir.motifs, _json(learned, wanted, matches, letters, len(right), step))
  _show(learned, wanted, matches, letters)
  print(f'motifs: {workdir.motifs_meme}')


def context(values: dict[str, Any]) -> dict[str, Any]:
  """Values for motifs.html, of motifs.json.

  Raises:
    KeyError: something is missing in it.
  """
  letters = values['letters']
  known = [
    {
      **one,
      'logo': _logo(one['pwm'], letters),
      'of': _logo(values['found'][one['name']]['pwm'], letters),
    }
    for one in values['known']
  ]
  # What predictions rest on says more than what a single filter responds to.
  names = sorted(values['found'], key=lambda name: name.startswith('filter'))
  shown = [
    {'name': name, 'sites': values['found'][name]['sites'],
     'logo': _logo(values['found'][name]['pwm'], letters)}
    for name in names[:_SHOWN]
  ]  # fmt: skip
  return {'known': known, 'shown': shown, 'count': len(names), 'cases': values['cases']}


def read(workdir: Workdir) -> dict[str, Any]:
  """``context`` of what the verb wrote."""
  return context(workdir.read(workdir.motifs))


def _known(files: Sequence[str], letters: alphabet.Alphabet) -> dict[str, np.ndarray]:
  return {
    name: matrix
    for file in files
    for name, matrix in meme.read(pathlib.Path(file).expanduser(), letters).items()
  }


def _of_filters(params: Any, x: np.ndarray) -> dict[str, Readout]:
  """Read-outs of every convolution that sees letters."""
  layers = {
    tuple(str(key.key) for key in path[:-1]): leaf
    for path, leaf in jax.tree_util.tree_leaves_with_path(params)
    if path[-1].key == 'kernel' and leaf.ndim == 3 and leaf.shape[1] == x.shape[2]
  }
  first = {path: leaf for path, leaf in layers.items() if path[-1].endswith('_0')}
  filters = {}
  for path, kernel in first.items():
    # Members of an ensemble have a first layer each.
    prefix = f'{path[0]}_' if len(first) > 1 else ''
    for name, one in readouts.read_out(np.asarray(kernel), x).items():
      filters[prefix + name] = one
  return filters


def _json(
  learned: Mapping[str, Readout],
  wanted: Mapping[str, np.ndarray],
  matches: Mapping[str, Match | None],
  letters: alphabet.Alphabet,
  cases: int,
  step: int,
) -> dict[str, Any]:
  return {
    'letters': letters.letters,
    'cases': cases,
    'checkpoint_step': step,
    'found': {
      name: {'pwm': one.pwm.round(5).tolist(), 'sites': one.sites} for name, one in learned.items()
    },
    'known': [
      {
        'motif': motif,
        'pwm': wanted[motif].round(5).tolist(),
        'name': match.name,
        'correlation': match.correlation,
        'offset': match.offset,
        'strand': match.strand,
      }
      for motif, match in matches.items()
      if match is not None
    ],
  }


def _show(
  learned: Mapping[str, Readout],
  wanted: Mapping[str, np.ndarray],
  matches: Mapping[str, Match | None],
  letters: alphabet.Alphabet,
) -> None:
  console = Console()
  if not console.is_terminal:
    console = Console(width=120)
  rests = {name: one for name, one in learned.items() if name.startswith('motif')}
  table = Table('motif', 'consensus', 'sites', title='What predictions rest on')
  for name, one in rests.items():
    table.add_row(name, pwm.consensus(one.pwm, letters), str(one.sites))
  console.print(table, highlight=False, markup=False)
  if matches:
    table = Table(
      'known', 'consensus', 'most like it', 'correlation', 'strand', title='Known motifs'
    )
    for name, match in matches.items():
      if match is not None:
        consensus = pwm.consensus(wanted[name], letters)
        table.add_row(name, consensus, match.name, f'{match.correlation:.3f}', match.strand)
    console.print(table, highlight=False, markup=False)


def _logo(matrix: Sequence[Sequence[float]], letters: str) -> markupsafe.Markup:
  """Letters as high as what they say, in bits."""
  values = np.array(matrix)
  heights = values * pwm.information(values)[:, None]
  return markupsafe.Markup(logos.logo(heights, letters, 'Motif'))
