"""A frozen model that is fitted to another site: is it better, and how many cases does it need?

An update is fitted to some cases and judged on others, never on its own.

Reference:
  Steyerberg (2019), Clinical Prediction Models, chapter 20 (updating for a new setting).
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from medjax.evaluation.rows import Rows, concatenated

_PARTS = 10
_DRAWS = 40
_FEWEST = 20  # cases that anything is fitted to, or judged on
_SIZES = (20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1000, 1500, 2000, 3000, 5000)

T = TypeVar('T', bound=Rows)
Apply = Callable[[T], T]
Losses = Callable[[T], np.ndarray]


def cross_fitted(table: T, fit: Callable[[T], Apply]) -> T:
  """Predictions of each case by an update that was fitted to other groups, in ten parts.

  Args:
    table: predictions as the network gave them.
    fit: from some cases to what updates others.

  Returns:
    The updated table, rows in the same order.
  """
  _, number = np.unique(getattr(table, 'group'), return_inverse=True)  # noqa: B009
  groups = int(number.max(initial=0)) + 1
  part = (np.random.default_rng(0).permutation(groups) % _PARTS)[number]
  found = []
  for one in range(min(_PARTS, groups)):
    held, others = np.flatnonzero(part == one), np.flatnonzero(part != one)
    if len(held):
      found.append(fit(table.take(others))(table.take(held)))
  return concatenated(found).in_order_of(table)


@dataclasses.dataclass(frozen=True)
class Cost:
  """How the loss of cases that an update was not fitted to falls with those that it was fitted to.

  Attributes:
    cases: to which it was fitted, [S].
    gain: mean over draws of the loss as frozen less that as updated, on the same other cases; above
      0 the update is better.
    low: of which 95% of the draws are above, [S].
    high: of which 95% of the draws are below, [S].
    mean_from: the fewest cases from which on the mean is better; None where it never stays so.
    sure_from: the fewest from which on 95% of the draws are; None where they never stay so.
    draws: at each size.
  """

  cases: list[int]
  gain: list[float]
  low: list[float]
  high: list[float]
  mean_from: int | None
  sure_from: int | None
  draws: int

  def to_json(self) -> dict[str, Any]:
    """A JSON object."""
    return dataclasses.asdict(self)


def cost(
  table: T, before: np.ndarray, fits: Mapping[str, Callable[[T], Apply]], losses: Losses
) -> dict[str, Cost]:
  """How many cases of a new site each update needs.

  Groups are drawn at random until there are as many cases; the others judge. Draws of one size are
  of different groups, those of different sizes are independent; the interval is that over draws, in
  which the cases that judge vary too.

  Args:
    table: predictions as the network gave them.
    before: loss of each case as the run shows it, [N].
    fits: each from some cases to what updates others, by name.
    losses: of each case of an updated table, [N].

  Returns:
    By name; with no size where there are fewer than 40 cases.
  """
  group = np.asarray(getattr(table, 'group'))  # noqa: B009
  names, number = np.unique(group, return_inverse=True)
  sizes = [size for size in _SIZES if size <= len(table) - max(_FEWEST, len(table) // 5)]
  gains: dict[str, list[list[float]]] = {name: [] for name in fits}
  for size in sizes:
    drawn: dict[str, list[float]] = {name: [] for name in fits}
    for draw in range(_DRAWS):
      order = np.random.default_rng([size, draw]).permutation(len(names))
      place = np.empty(len(names), int)
      place[order] = np.arange(len(names))
      ranked = np.argsort(place[number], kind='stable')
      last = place[number][ranked[size - 1]]  # the group that makes the number full is whole
      taken = place[number] <= last
      fitted_to, others = np.flatnonzero(taken), np.flatnonzero(~taken)
      if not len(others):
        continue
      some, rest = table.take(fitted_to), table.take(others)
      for name, fit in fits.items():
        drawn[name].append(float((before[others] - losses(fit(some)(rest))).mean()))
    for name, values in drawn.items():
      gains[name].append(values)
  return {name: _cost(sizes, values) for name, values in gains.items()}


def _cost(sizes: list[int], gains: list[list[float]]) -> Cost:
  known = [(size, np.array(values)) for size, values in zip(sizes, gains, strict=True) if values]
  cases = [size for size, _ in known]
  mean = [float(values.mean()) for _, values in known]
  low = [float(np.quantile(values, 0.05)) for _, values in known]
  high = [float(np.quantile(values, 0.95)) for _, values in known]
  return Cost(cases, mean, low, high, _from(cases, mean), _from(cases, low), _DRAWS)


def _from(cases: list[int], values: list[float]) -> int | None:
  """The first of the cases from which on every value is above 0."""
  found = None
  for size, value in zip(reversed(cases), reversed(values), strict=True):
    if value <= 0:
      break
    found = size
  return found
