"""What the report shows of predicted numbers: predicted against true, and what is left over."""

import math
from typing import Any

import markupsafe

from medjax.evaluation import Interval, Numbers
from medjax.report import plots


def context(
  table: Numbers | None,
  metrics: dict[str, Any],
  interval: Interval | None,
  pictures: dict[str, list[str]],
) -> dict[str, Any]:
  """Values for numbers.html.

  Args:
    table: Labelled predictions of a split; None where there are none.
    metrics: What evaluation.json says of the split.
    interval: How wide intervals are.
    pictures: none are shown.
  """
  width = interval.half_width if interval and math.isfinite(interval.half_width) else None
  figures = {}
  if table is not None and len(table):
    figures = {
      'scatter': markupsafe.Markup(plots.scatter(table.label, table.prediction, width)),
      'residuals': markupsafe.Markup(plots.residuals(table.prediction, table.label)),
    }
  return {
    'figures': figures,
    'examples': (),
    'half_width': width,
    'coverage': metrics.get('coverage'),
  }
