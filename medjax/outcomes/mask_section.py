"""What the report shows of masks: how many images overlap how well, and which ones."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medjax.evaluation import Masks
from medjax.evaluation.masks import mean_of_structures

ABOUT_EXAMPLES = (
  'Each image as it is, and with outlines: the true mask in turquoise, the called one in yellow.'
)
_EDGES = (0.0, 0.25, 0.5, 0.7, 0.8, 0.9, 1.0)
_OF_STRUCTURE = ('dice', 'iou', 'sensitivity', 'precision', 'hausdorff95', 'missed', 'clear')
_RIGHT = 0.7  # Dice from which an overlap is called good in captions
_MOST_EMPTY = 4  # images without a structure


def context(table: Masks | None, metrics: dict[str, Any]) -> dict[str, Any]:
  """Values for masks.html.

  Args:
    table: Of a split; None where there is none.
    metrics: What evaluation.json says of the split.
  """
  if table is None or not len(table):
    return {'dice_rows': (), 'structure_rows': (), 'empty': 0}
  dice = mean_of_structures(table.scores()['dice'])
  known = dice[~np.isnan(dice)]
  counts, _ = np.histogram(known, _EDGES)
  names = [f'{low:g} to {high:g}' for low, high in itertools.pairwise(_EDGES)]
  several = table.structures if len(table.structures) > 1 else ()
  return {
    'dice_rows': [
      {'name': name, 'count': count, 'share': count / max(len(known), 1)}
      for name, count in zip(names, counts.tolist(), strict=True)
    ],
    'structure_rows': [
      {'name': name, 'cells': [metrics.get(f'{metric}_{name}') for metric in _OF_STRUCTURE]}
      for name in several
    ],
    'empty': int((table.true == 0).all(axis=1).sum()),
  }


def choose(table: Masks, count: int) -> list[tuple[str, list[int]]]:
  """Names of groups and rows: the least overlap, the most, and most called where nothing is."""
  dice = mean_of_structures(table.scores()['dice'])
  shown = np.flatnonzero(~np.isnan(dice))
  ranked = shown[np.argsort(dice[shown], kind='stable')]
  empty = np.flatnonzero(np.isnan(dice))
  empty = empty[np.argsort(-table.called[empty].sum(axis=1), kind='stable')]
  alarms = empty[table.called[empty].sum(axis=1) > 0][: min(_MOST_EMPTY, count // 3)]
  left = count - len(alarms)
  worst = ranked[: min(-(-left // 2), -(-len(ranked) // 2))]
  best = ranked[len(worst) :][::-1][: left - len(worst)]
  groups = [('Least overlap', worst), ('Most overlap', best), ('Called where nothing is', alarms)]
  return [(name, rows.tolist()) for name, rows in groups if len(rows)]


def example_groups(table: Masks, pictures: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
  """Groups of ``choose`` with pictures; see ``Outcome.example_groups``."""
  scores = table.scores()
  dice, apart = (mean_of_structures(scores[name]) for name in ('dice', 'hausdorff95'))
  groups = []
  for name, rows in choose(table, len(pictures)):
    shown = []
    for row in rows:
      id = str(table.id[row])
      if id not in pictures:
        continue
      far = '' if np.isnan(apart[row]) else f', outlines {apart[row]:.1f} pixels apart'
      missed = not table.called[row].any()
      text = 'nothing to find' if np.isnan(dice[row]) else f'Dice {dice[row]:.3f}'
      shown.append(
        {
          'id': id,
          'sources': pictures[id],
          'right': bool(dice[row] >= _RIGHT),
          'text': text,
          'number': 'nothing is called'
          if missed
          else f'{table.called[row].sum()} pixels called{far}',
        }
      )
    groups.append({'name': name, 'pictures': shown})
  return [group for group in groups if group['pictures']]
