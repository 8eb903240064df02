"""What the report shows of several classes at once: a row for each."""

from typing import Any

import numpy as np

from medjax.evaluation import LabelDecisions, Labels


def context(
  table: Labels | None,
  metrics: dict[str, Any],
  decision: LabelDecisions | None,
  pictures: dict[str, list[str]],
) -> dict[str, Any]:
  """Values for labels.html.

  Args:
    table: Labelled predictions of a split; None where there are none.
    metrics: What evaluation.json says of the split.
    decision: At what each class is called.
    pictures: none are shown.
  """
  rows = []
  for number, name in enumerate(table.classes if table is not None else ()):
    label = table.label[:, number] if table is not None else np.zeros(0)
    one = decision.classes.get(name) if decision else None
    names = (f'{metric}_{name}' for metric in ('auroc', 'sensitivity', 'specificity'))
    rows.append(
      {
        'name': name,
        'cases': int((label == 1).sum()),
        'unknown': int(np.isnan(label).sum()),
        'estimates': [metrics.get(metric) for metric in names],
        'threshold': one.threshold.value if one else None,
      }
    )
  return {'label_rows': rows, 'examples': ()}
