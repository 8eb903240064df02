"""Two models that predict states at positions, on the same chains: paired differences."""

import numpy as np

from medjax.errors import UserError
from medjax.evaluation.bootstrap import Bootstrap, percentiles
from medjax.evaluation.estimate import Difference
from medjax.evaluation.paired import mean_difference
from medjax.evaluation.positions import Positions


def compare_positions(first: Positions, second: Positions) -> dict[str, Difference]:
  """The first table's shares of right positions less the second's.

  Args:
    first: predictions of one model; chains without a known state are left out.
    second: of the other, for the same chains in any order.

  Returns:
    Of three states q3, over all positions, by percentiles of the bootstrap of both over the same
    groups; and chain_q3, the mean over chains, with the test of the mean difference. Of another
    number of states the number in their names is that.

  Raises:
    UserError: the tables hold other chains, states or labels.
  """
  if first.states != second.states:
    raise UserError(
      f'compare: states differ: {", ".join(first.states)} and {", ".join(second.states)}'
    )
  first = first.labelled()
  second = second.labelled().in_order_of(first)
  for id, one, other in zip(first.id, first.label, second.label, strict=True):
    if one != other:
      raise UserError(f'compare: the states of {id} differ between the runs')
  counts = [table.confusion() for table in (first, second)]
  right = np.stack([np.trace(count, axis1=1, axis2=2) for count in counts], axis=1)
  known = counts[0].sum(axis=(1, 2))
  name = f'q{len(first.states)}'
  if not len(first):
    none = Difference(None, reason='no position is known')
    return {name: none, f'chain_{name}': none}

  def gap(times: np.ndarray) -> np.ndarray:
    shares = (times @ right) / (times @ known)[:, None]
    return shares[:, 0] - shares[:, 1]

  value = float(gap(np.ones((1, len(first))))[0])
  estimate = percentiles(value, np.concatenate([gap(t) for t in Bootstrap(first.group).blocks()]))
  shares = right / known[:, None]
  return {
    name: Difference(value, estimate.low, estimate.high, reason=estimate.reason),
    f'chain_{name}': mean_difference([shares[:, 0], shares[:, 1]], first.group),
  }
