"""Two models of survival on the same cases: paired differences with bootstrap intervals.

Both models are scored on the same 2000 resamples of groups (patients), so that what makes a
resample easy or hard for both cancels. There are intervals and no p values.
"""

import math

import numpy as np

from medjax.errors import UserError
from medjax.evaluation.bootstrap import Bootstrap
from medjax.evaluation.estimate import Difference
from medjax.evaluation.kaplan_meier import KaplanMeier
from medjax.evaluation.survival import SurvivalTable
from medjax.evaluation.survival_metrics import Scored


def compare_survival(
  first: SurvivalTable, second: SurvivalTable, censoring: KaplanMeier
) -> dict[str, Difference]:
  """The first table's metrics less the second's, at the horizons that both have.

  Args:
    first: predictions of one model; rows of unknown time are left out.
    second: of the other, for the same cases in any order.
    censoring: the curve of the censoring that both are weighted by, as in ``survival_metrics``.

  Returns:
    The metrics of ``survival_metrics`` but for observed over expected, of which the better one is
    not the larger one.

  Raises:
    UserError: the tables hold other cases, or other times or events of a case.

  Example:
    >>> compare_survival(table, other, censoring)['concordance'].low  # doctest: +SKIP
    0.013
  """
  first, second = _matched(first.labelled(), second.labelled())
  horizons = sorted(set(first.horizons) & set(second.horizons))
  pair = [Scored(_at(table, horizons), censoring) for table in (first, second)]

  def differences(times: np.ndarray) -> dict[str, np.ndarray]:
    one, other = (scored.statistics(times) for scored in pair)
    return {
      name: one[name] - other[name] for name in one if not name.startswith('observed_to_expected')
    }

  once = {name: float(gap[0]) for name, gap in differences(np.ones((1, len(first)))).items()}
  if not len(first):
    return dict.fromkeys(once, Difference(None, reason='there is no case'))
  estimates = Bootstrap(first.group).intervals(once, differences)
  return {
    name: Difference(None, reason=pair[0].why_undefined(name))
    if math.isnan(once[name])
    else Difference(estimate.value, estimate.low, estimate.high, reason=estimate.reason)
    for name, estimate in estimates.items()
  }


def _at(table: SurvivalTable, horizons: list[float]) -> SurvivalTable:
  """The table at some of its horizons."""
  columns = [table.horizons.index(horizon) for horizon in horizons]
  return SurvivalTable(
    **{**vars(table), 'survival': table.survival[:, columns], 'horizons': tuple(horizons)}
  )


def _matched(first: SurvivalTable, second: SurvivalTable) -> tuple[SurvivalTable, SurvivalTable]:
  """Both with their rows in the order of the first."""
  second = second.in_order_of(first)
  differ = np.flatnonzero((first.time != second.time) | (first.event != second.event))
  if len(differ):
    raise UserError(f'compare: time or event of {first.id[differ[0]]} differs between the runs')
  return first, second
