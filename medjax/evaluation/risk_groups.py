"""Cases in groups of predicted risk: the survival of each, and whether they differ."""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from medjax.evaluation.kaplan_meier import KaplanMeier, kaplan_meier
from medjax.evaluation.log_rank import LogRank, log_rank
from medjax.evaluation.survival import SurvivalTable


@dataclasses.dataclass(frozen=True, eq=False)
class RiskGroup:
  """Cases whose predicted risk lies between two cuts.

  Attributes:
    name: which risks.
    cases: how many.
    events: how many of them had the event.
    curve: their survival.
  """

  name: str
  cases: int
  events: int
  curve: KaplanMeier


@dataclasses.dataclass(frozen=True, eq=False)
class RiskGroups:
  """Groups of predicted risk, from the lowest on, and the log-rank test of equal survival."""

  groups: tuple[RiskGroup, ...]
  test: LogRank

  def to_json(self) -> dict[str, Any]:
    """A JSON object."""
    groups = [
      {**vars(group), 'curve': group.curve.to_json(), 'median': group.curve.quantile().to_json()}
      for group in self.groups
    ]
    return {'groups': groups, 'test': self.test.to_json()}


def risk_groups(table: SurvivalTable, cuts: Sequence[float] | np.ndarray) -> RiskGroups:
  """Parts cases by their predicted risk and compares their survival.

  Cuts belong to another split, such as quantiles of the validation cases' risks: chosen on the
  cases themselves they make groups look more different than they are.

  Args:
    table: predictions; rows whose time is unknown are left out.
    cuts: [C], rising; a case belongs to the group above each cut that its risk reaches.

  Returns:
    The groups that have a case, and the test, which takes cases as independent.

  Raises:
    ValueError: cuts do not rise.

  Example:
    >>> [group.name for group in risk_groups(table, [0.0, 1.0]).groups]  # doctest: +SKIP
    ['risk below 0', 'risk 0 to 1', 'risk from 1']
  """
  if not len(cuts) or not (np.diff(cuts) > 0).all():
    raise ValueError(f'cuts are {list(cuts)}; expected at least one, rising')
  table = table.labelled()
  shown = [f'{cut:.4g}' for cut in cuts]
  between = [f'risk {low} to {high}' for low, high in itertools.pairwise(shown)]
  names = [f'risk below {shown[0]}', *between, f'risk from {shown[-1]}']
  number = np.searchsorted(cuts, table.risk, side='right')
  groups = [
    RiskGroup(
      names[index],
      int((number == index).sum()),
      int(table.event[number == index].sum()),
      kaplan_meier(table.time[number == index], table.event[number == index]),
    )
    for index in np.unique(number).tolist()
  ]
  # Numbers of equal length are in the order of risk also as text.
  order = np.array([f'{index:09d}' for index in number], dtype='<U9')
  test = log_rank(table.time, table.event, order)
  renamed = {f'{index:09d}': name for index, name in enumerate(names)}
  reason = test.reason
  for old, new in renamed.items():
    reason = reason.replace(old, new)
  if len(np.unique(table.group)) < len(table):
    warning = 'cases of one patient are taken as independent'
    reason = f'{reason}; {warning}' if reason else warning
  groups_of_test = tuple(renamed[name] for name in test.groups)
  return RiskGroups(tuple(groups), dataclasses.replace(test, groups=groups_of_test, reason=reason))
