"""The log-rank test: do groups of cases have the same hazard?

References:
  Mantel (1966), Evaluation of survival data and two new rank order statistics arising in its
    consideration, Cancer Chemotherapy Reports 50:163-170.
  Kalbfleisch and Prentice (2002), The Statistical Analysis of Failure Time Data, 2nd ed., section
    1.5.
"""

import dataclasses
from typing import Any

import numpy as np
import scipy

from medjax.evaluation.kaplan_meier import times_and_events


@dataclasses.dataclass(frozen=True)
class LogRank:
  """A log-rank test; what there is not is None, and a reason says why.

  Attributes:
    chi_square: the statistic.
    freedom: its degrees of freedom, the number of groups compared less one.
    p_value: of equal hazards.
    groups: names of all groups, in order.
    observed: events in each group.
    expected: events in each group if hazards were equal.
    reason: why there is no test, or which groups it leaves out.
  """

  chi_square: float | None
  freedom: int
  p_value: float | None
  groups: tuple[str, ...]
  observed: tuple[int, ...]
  expected: tuple[float, ...]
  reason: str = ''

  def to_json(self) -> dict[str, Any]:
    """The test as a JSON object."""
    return dataclasses.asdict(self)


def log_rank(time: np.ndarray, event: np.ndarray, group: np.ndarray) -> LogRank:
  """Compares the survival of two or more groups, in which cases must be independent.

  Args:
    time: [N], of the event or of the end of observation.
    event: [N] bool, whether the event was seen.
    group: [N], the group of each case, compared as text.

  Returns:
    The test. A group in which nobody was at risk at any event tells nothing and is left out.

  Raises:
    ValueError: shapes differ, a time is negative or not finite, or an event is not 0 or 1.

  Example:
    >>> test = log_rank(np.arange(1.0, 7), np.ones(6, bool), np.array(list('aaabbb')))
    >>> round(test.chi_square, 4), round(test.p_value, 4)
    (5.0517, 0.0246)
  """
  time, event = times_and_events(time, event)
  group = np.asarray(group)
  if group.shape != time.shape:
    raise ValueError(f'group has shape {group.shape}; expected {time.shape} as time')
  names, number = np.unique(group.astype(str), return_inverse=True)
  moments = np.unique(time[event])
  # [K, G]: who is at risk at each time of an event, and who has it.
  at_risk = np.stack(
    [
      (number == index).sum() - np.searchsorted(np.sort(time[number == index]), moments)
      for index in range(len(names))
    ],
    axis=1,
  ).reshape(len(moments), len(names))
  cells = np.searchsorted(moments, time[event]) * len(names) + number[event]
  happened = np.bincount(cells, minlength=at_risk.size).reshape(at_risk.shape)
  total, events = at_risk.sum(axis=1), happened.sum(axis=1)
  share = at_risk / total[:, None]
  expected = (events[:, None] * share).sum(axis=0)
  observed = happened.sum(axis=0)
  compared = np.flatnonzero(expected > 0)
  table = LogRank(
    None,
    max(len(compared) - 1, 0),
    None,
    tuple(names.tolist()),
    tuple(observed.tolist()),
    tuple(expected.tolist()),
  )
  if not len(moments):
    return dataclasses.replace(table, reason='there is no event')
  if len(compared) < 2:
    return dataclasses.replace(table, reason='fewer than two groups were at risk at any event')
  # Hypergeometric variance at each time; 0 where one case is left.
  scale = events * (total - events) / np.maximum(total - 1, 1)
  share = share[:, compared]
  covariance = np.diag(scale @ share) - share.T @ (scale[:, None] * share)
  difference = (observed - expected)[compared]
  # Differences add up to 0, so that one group says nothing that the others do not.
  try:
    solved = np.linalg.solve(covariance[:-1, :-1], difference[:-1])
  except np.linalg.LinAlgError:
    return dataclasses.replace(table, reason='groups were never at risk at the same event')
  chi_square = float(difference[:-1] @ solved)
  freedom = len(compared) - 1
  left_out = sorted(set(names.tolist()) - set(names[compared].tolist()))
  reason = f'never at risk at an event, and left out: {", ".join(left_out)}' if left_out else ''
  return dataclasses.replace(
    table,
    chi_square=chi_square,
    p_value=float(scipy.special.chdtrc(freedom, chi_square)),
    reason=reason,
  )
