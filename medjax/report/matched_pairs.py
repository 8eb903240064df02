"""Pairs of test cases that differ in one part alone: how a run does where that matters."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from medjax.data import drawings
from medjax.data.modality import MatchedPair
from medjax.evaluation import PairFigures, Scale, pair_figures
from medjax.evaluation.rows import write_rows
from medjax.experiment import Experiment
from medjax.workdir import Workdir

_FEWEST = 5  # pairs that are worth a section
_SHOWN = 6  # pairs that are drawn, half of them predicted worst

Figures = Sequence[tuple[Scale, PairFigures]]


def write(
  experiment: Experiment, tables: Mapping[str, Any], workdir: Workdir
) -> dict[str, Any] | None:
  """Writes matched_pairs.csv, a row a pair and label, and matched_pairs.json with the figures.

  Args:
    experiment: data and model of the run.
    tables: the outcome's, as they are shown, by split; that of 'test', or else of 'val', counts.
    workdir: the run folder.

  Returns:
    Values for matched_pairs.html; None where inputs have no such pairs, or fewer than five.
  """
  data, outcome = experiment.data, experiment.task.outcome
  table = tables['test' if 'test' in tables else 'val'].labelled()
  split = data.splits[table.split]
  row_of = {name: row for row, name in enumerate(split.id.tolist())}
  rows = [row_of[name] for name in table.id.tolist()]
  pairs = data.modality.matched_pairs(lambda: split.read(rows)) if rows else ()
  if len(pairs) < _FEWEST:
    return None
  first, second = np.array([(pair.first, pair.second) for pair in pairs]).T
  figures = [(scale, pair_figures(scale, first, second)) for scale in outcome.scales(table)]
  series = _series(first, second)
  _write_csv(workdir, table.id, pairs, figures)
  values = {
    'split': table.split,
    'pairs': len(pairs),
    'cases': len(np.union1d(first, second)),
    'series': len(series),
    'largest': int(series.max()),
    'labels': [_summary(*one) for one in figures],
  }
  workdir.write(workdir.matched_pairs, values)
  chosen = [(scale, of, row) for scale, of in figures for row in _telling(of, pairs)]
  # Of several labels, those whose predictions go furthest astray or along.
  chosen = sorted(chosen, key=lambda one: one[1].toward[one[2]])
  half = _SHOWN // 2
  chosen = chosen if len(chosen) <= _SHOWN else chosen[:half] + chosen[-half:]

  def drawn(case: int, marks: np.ndarray) -> str | None:
    arrays = {name: values[0] for name, values in split.read([rows[case]]).items()}
    drawing = data.modality.draw_explained(arrays, marks, '')
    return None if drawing is None else drawings.uri(drawing)

  shown = [
    {
      'label': scale.name,
      'right': bool(of.toward[row] > 0),
      'constant': pair.constant,
      'cases': [
        {
          'id': str(table.id[case]),
          'source': drawn(case, marks),
          'part': part,
          'label': _label(scale, case),
          'prediction': f'{scale.prediction[case]:.3g}',
        }
        for case, marks, part in zip((pair.first, pair.second), pair.marks, pair.parts, strict=True)
      ],
    }
    for scale, of, row in chosen
    for pair in [pairs[of.known[row]]]
  ]
  return values | {'shown': shown, 'file': workdir.matched_pairs.with_suffix('.csv').name}


def _series(first: np.ndarray, second: np.ndarray) -> np.ndarray:
  """How many pairs there are in each set of cases that pairs join, in chains."""
  size = int(second.max()) + 1
  joined = sparse.coo_array((np.ones(len(first)), (first, second)), (size, size))
  of_case = sparse.csgraph.connected_components(joined, directed=False)[1]
  return np.unique(of_case[first], return_counts=True)[1]


def _summary(scale: Scale, of: PairFigures) -> dict[str, Any]:
  return {
    'name': scale.name,
    'classes': list(scale.classes),
    'apart': scale.about,
    'pairs': len(of.known),
    'cliffs': int(of.cliff.sum()),
    'ordered': of.ordered.to_json(),
    'followed': of.followed.to_json(),
  }


def _telling(of: PairFigures, pairs: Sequence[MatchedPair]) -> list[int]:
  """Numbers of cliffs that are predicted worst and best in turns; of a case only once if enough."""
  order = np.flatnonzero(of.cliff)[np.argsort(of.toward[of.cliff], kind='stable')].tolist()
  half = _SHOWN // 2
  worst = _apart([row for row in order if of.toward[row] <= 0], of, pairs)[:half]
  best = _apart([row for row in order[::-1] if of.toward[row] > 0], of, pairs)
  best = best[: _SHOWN - len(worst)]
  more = _apart([row for row in order if of.toward[row] <= 0], of, pairs)[half:]
  return worst + best + more[: _SHOWN - len(worst) - len(best)]


def _apart(rows: list[int], of: PairFigures, pairs: Sequence[MatchedPair]) -> list[int]:
  """The rows in their order, but those with a case that came before at the end."""
  seen: set[int] = set()
  again: list[int] = []
  new: list[int] = []
  for row in rows:
    pair = pairs[of.known[row]]
    (again if seen & {pair.first, pair.second} else new).append(row)
    seen |= {pair.first, pair.second}
  return new + again


def _label(scale: Scale, case: int) -> str:
  value = scale.label[case]
  return scale.classes[int(value)] if scale.classes else f'{value:.4g}'


def _write_csv(
  workdir: Workdir, names: np.ndarray, pairs: Sequence[MatchedPair], figures: Figures
) -> None:
  header = ['id_1', 'id_2', 'part_1', 'part_2', 'constant', 'of', 'label_1', 'label_2',
            'prediction_1', 'prediction_2', 'cliff', 'ordered']  # fmt: skip
  rows = []
  for scale, of in figures:
    for row, number in enumerate(of.known.tolist()):
      pair = pairs[number]
      cases = (pair.first, pair.second)
      rows.append(
        [
          *(names[case] for case in cases),
          *pair.parts,
          pair.constant,
          scale.name,
          *(_label_cell(scale, case) for case in cases),
          *(repr(float(scale.prediction[case])) for case in cases),
          'yes' if of.cliff[row] else 'no',
          ('yes' if of.toward[row] > 0 else 'no') if of.cliff[row] else '',
        ]
      )
  write_rows(workdir.matched_pairs.with_suffix('.csv'), header, rows)


def _label_cell(scale: Scale, case: int) -> str:
  return scale.classes[int(scale.label[case])] if scale.classes else repr(float(scale.label[case]))
