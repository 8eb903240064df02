"""Two models that predict numbers, on the same cases: paired differences."""

import numpy as np

from medjax.errors import UserError
from medjax.evaluation.bootstrap import Bootstrap, percentiles
from medjax.evaluation.estimate import Difference
from medjax.evaluation.numbers import Numbers
from medjax.evaluation.paired import mean_difference


def compare_numbers(first: Numbers, second: Numbers) -> dict[str, Difference]:
  """The first table's metrics less the second's.

  R2 and the mean absolute error: the test of the mean of the cases' differences, as in ``compare``;
  that of R2 is of squared errors, over the variance of these cases' labels. The root mean squared
  error: percentiles of the bootstrap over groups, of both on the same resamples.

  Args:
    first: predictions of one model; rows without a label are left out.
    second: of the other, for the same cases in any order.

  Returns:
    r2, rmse and mae.

  Raises:
    UserError: the tables hold other cases or labels.

  Example:
    >>> names = np.array(['a', 'b', 'c'])
    >>> tables = [Numbers(names, np.arange(3.0), np.array(p), names, 'test')
    ...           for p in ([0.0, 1.0, 1.0], [1.0, 1.0, 1.0])]
    >>> compare_numbers(*tables)['r2'].value
    0.5
  """
  first = first.labelled()
  second = second.labelled().in_order_of(first)
  differ = np.flatnonzero(first.label != second.label)
  if len(differ):
    raise UserError(f'compare: the label of {first.id[differ[0]]} differs between the runs')
  if not len(first):
    return dict.fromkeys(('r2', 'rmse', 'mae'), Difference(None, reason='there is no case'))
  errors = [table.prediction - table.label for table in (first, second)]
  squares = np.stack([error**2 for error in errors], axis=1)
  return {
    'r2': _explained(squares, first.label, first.group),
    'rmse': _root(squares, first.group),
    'mae': mean_difference([abs(error) for error in errors], first.group),
  }


def _explained(squares: np.ndarray, label: np.ndarray, group: np.ndarray) -> Difference:
  variance = float(label.var())
  if variance <= 0:
    return Difference(None, reason='all labels are equal')
  # R2 is 1 - squares / variance: the smaller square is the larger R2.
  return mean_difference([squares[:, 1] / variance, squares[:, 0] / variance], group)


def _root(squares: np.ndarray, group: np.ndarray) -> Difference:
  def gap(times: np.ndarray) -> np.ndarray:
    roots = np.sqrt(times.astype(np.float64) @ squares / times.sum(axis=1, keepdims=True))
    return roots[:, 0] - roots[:, 1]

  value = float(gap(np.ones((1, len(squares))))[0])
  estimate = percentiles(value, np.concatenate([gap(t) for t in Bootstrap(group).blocks()]))
  return Difference(value, estimate.low, estimate.high, reason=estimate.reason)
