"""What the report shows of states at positions: counts, confidence, and chains drawn."""

from typing import Any

import markupsafe
import numpy as np

from medjax.evaluation import Confidence, Positions
from medjax.plots import chains as drawings

NAMES = {'H': 'helix', 'E': 'strand', 'C': 'coil'}
CHAINS = 6  # drawn
_LONGEST = 400  # residues of a chain that is drawn, if there are enough others


def context(
  table: Positions | None,
  metrics: dict[str, Any],
  decision: Confidence | None,
) -> dict[str, Any]:
  """Values for positions.html.

  Args:
    table: Labelled predictions of a split; None where there are none.
    metrics: What evaluation.json says of the split.
    decision: What digits of confidence are worth.
  """
  lists = ('confusion', 'state_rows', 'digit_rows', 'chains')
  empty: dict[str, Any] = {'figures': {}, **dict.fromkeys(lists, ())}
  if table is None or not len(table):
    return empty
  return empty | {
    'confusion': confusion(table),
    'state_rows': [
      {
        'name': _named(state),
        'cells': [metrics.get(f'{name}_{state}') for name in ('sensitivity', 'ppv', 'f1', 'sov')],
      }
      for state in table.states
    ],
    'digit_rows': _digits(table, decision),
    'chains': _chains(table),
  }


def confusion(table: Positions) -> list[dict[str, Any]]:
  """One row a true state, one cell a predicted one, with counts and shares of the row."""
  rows = []
  for index, counts in enumerate(table.confusion().sum(axis=0).tolist()):
    total = sum(counts)
    cells = [
      {'count': count, 'share': count / total if total else None, 'right': other == index}
      for other, count in enumerate(counts)
    ]
    rows.append({'name': _named(table.states[index]), 'total': total, 'cells': cells})
  return rows


def choose(table: Positions, count: int = CHAINS) -> list[int]:
  """Rows from the chain that is right least often to the one most often, evenly spread in rank.

  Chains of more than 400 positions are left out where there are enough others.
  """
  counts = table.confusion()
  right = np.trace(counts, axis1=1, axis2=2) / np.maximum(counts.sum(axis=(1, 2)), 1)
  short = np.flatnonzero([len(text) <= _LONGEST for text in table.label])
  rows = short if len(short) >= count else np.arange(len(table))
  ranked = rows[np.argsort(right[rows], kind='stable')]
  places = np.linspace(0, len(ranked) - 1, min(count, len(ranked)))
  return ranked[np.round(places).astype(int)].tolist()


def _named(state: str) -> str:
  return f'{NAMES[state]} ({state})' if state in NAMES else state


def _digits(table: Positions, decision: Confidence | None) -> list[dict[str, Any]]:
  known, right = (part.tolist() for part in table.by_digit())
  rows = []
  for digit in range(9, -1, -1):
    if known[digit]:
      rows.append(
        {
          'digit': digit,
          'count': known[digit],
          'share': known[digit] / sum(known),
          'right': right[digit] / known[digit],
          'promised': decision.accuracy[digit] if decision else None,
        }
      )
  return rows


def _chains(table: Positions) -> list[dict[str, Any]]:
  drawn = []
  counts = table.confusion()
  for row in choose(table):
    name, total = str(table.id[row]), int(counts[row].sum())
    drawing = drawings.chain(
      [('true', table.label[row]), ('predicted', table.prediction[row])],
      f'{name}: true and predicted states',
      confidence=table.confidence[row],
      wrong=True,
    )
    right = int(np.trace(counts[row]))
    drawn.append(
      {'id': name, 'right': right / total, 'total': total, 'drawing': markupsafe.Markup(drawing)}
    )
  return drawn
