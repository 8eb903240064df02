"""What the report shows of classes: decisions, and cases with their pictures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medjax.evaluation import Decision, Predictions
from medjax.evaluation.subgroups import following, left_out
from medjax.outcomes import trust


def context(
  table: Predictions | None,
  metrics: dict[str, Any],
  decision: Decision | None,
) -> dict[str, Any]:
  """Values for classes.html.

  Args:
    table: Labelled predictions of a split, calibrated; None where there are none.
    metrics: What evaluation.json says of the split.
    decision: How probabilities become calls.
  """
  empty: dict[str, Any] = {
    'calibration_rows': trust.calibration_rows(metrics),
    'moved': trust.moved(metrics),
    **dict.fromkeys(
      ('confusion', 'conformal_rows', 'coverage_warnings', 'subgroups', 'left_out', 'following'), ()
    ),
    'figures': {},
    'threshold': None,
  }
  if table is None:
    return empty
  threshold = _threshold(table, metrics)
  return {
    **empty,
    'figures': trust.figures(table, threshold),
    'confusion': confusion(table, threshold),
    'threshold': threshold,
    'conformal_rows': trust.conformal_rows(metrics, table.classes),
    'coverage_warnings': trust.coverage_warnings(metrics, table.classes, decision),
    'subgroups': trust.subgroup_rows(table, decision),
    'left_out': left_out(table),
    'following': following(table),
  }


def choose_examples(table: Predictions, count: int) -> list[str]:
  """Chooses cases worth looking at: the most wrong and the most right ones of every class.

  Classes take turns, and within a class a case with the lowest probability of its true class and
  one with the highest, so that errors are shown even of a rare class.

  Args:
    table: Predictions; rows without a label are left out.
    count: How many cases to choose at most.

  Returns:
    Ids, without repetition.

  Example:
    >>> choose_examples(table, 12)  # doctest: +SKIP
    ['case17', 'case3', ...]
  """
  table = table.labelled()
  of_true = _true_probability(table)
  queues = []
  for index in range(len(table.classes)):
    members = np.flatnonzero(table.label == index)
    members = members[np.argsort(of_true[members], kind='stable')]
    # Lowest, highest, second lowest, second highest, ...: each case once.
    ranks = np.stack([np.arange(len(members)), np.arange(len(members))[::-1]], axis=1).ravel()
    queues.append(members[ranks[: len(members)]].tolist())
  turns = max(map(len, queues))
  chosen = [queue[turn] for turn in range(turns) for queue in queues if turn < len(queue)]
  return [str(name) for name in table.id[chosen[:count]]]


def _threshold(table: Predictions, metrics: dict[str, Any]) -> float | None:
  """The operating point with two classes; without an evaluation the default of 0.5."""
  if not table.is_binary:
    return None
  value = metrics.get('threshold', {}).get('value')
  return 0.5 if value is None else value


def _predicted(table: Predictions, threshold: float | None) -> np.ndarray:
  """Index of the class that each case is called, int [N]."""
  if threshold is None:
    return table.probability.argmax(axis=1)
  return (table.probability >= threshold).astype(int)


def _true_probability(table: Predictions) -> np.ndarray:
  """Probability [N] that each labelled case was given of its true class."""
  if table.is_binary:
    return np.where(table.label == 1, table.probability, 1 - table.probability)
  return table.probability[np.arange(len(table)), table.label]


def confusion(table: Predictions, threshold: float | None) -> list[dict[str, Any]]:
  """One row a true class, one cell a predicted class, with counts and shares of the row."""
  predicted = _predicted(table, threshold)
  rows = []
  for index, name in enumerate(table.classes):
    counts = np.bincount(predicted[table.label == index], minlength=len(table.classes))
    total = int(counts.sum())
    cells = [
      {
        'count': int(count),
        'share': count / total if total else None,
        'right': other == index,
      }
      for other, count in enumerate(counts)
    ]
    rows.append({'name': name, 'total': total, 'cells': cells})
  return rows


def example_groups(
  table: Predictions, metrics: dict[str, Any], pictures: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
  """The pictures by true class, wrong ones first, each with its explanation where there is one."""
  threshold = _threshold(table, metrics)
  row_of = {name: row for row, name in enumerate(table.id.tolist())}
  predicted, of_true = _predicted(table, threshold), _true_probability(table)
  shown = [row_of[name] for name in pictures if name in row_of]
  shown.sort(key=lambda row: of_true[row])
  return [
    {
      'name': f'True class: {class_name}',
      'pictures': [
        {
          'id': name,
          'sources': pictures[name],
          'right': bool(predicted[row] == index),
          'text': _outcome_of(table.classes[int(predicted[row])], predicted[row] == index),
          'number': f'{of_true[row]:.3f}',
        }
        for row in shown
        for name in [str(table.id[row])]
        if table.label[row] == index
      ],
    }
    for index, class_name in enumerate(table.classes)
    if any(table.label[row] == index for row in shown)
  ]


def _outcome_of(called: str, right: bool) -> str:
  return '✓ right' if right else f'✗ called {called}'
