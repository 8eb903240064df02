"""Two models that call masks, on the same images: paired differences."""

import numpy as np

from medjax.errors import UserError
from medjax.evaluation.bootstrap import Bootstrap, percentiles
from medjax.evaluation.estimate import Difference
from medjax.evaluation.masks import Masks, mean_of_structures

_COMPARED = ('dice', 'iou', 'sensitivity', 'precision', 'hausdorff95')


def compare_masks(first: Masks, second: Masks) -> dict[str, Difference]:
  """The first table's metrics less the second's, over images for which both have them.

  Args:
    first: what one model called.
    second: what the other called, for the same images in any order.

  Returns:
    By name, the mean difference with percentiles of the bootstrap over groups.

  Raises:
    UserError: the tables hold other images, structures or true masks.
  """
  if first.structures != second.structures:
    raise UserError(
      f'compare: structures differ: {", ".join(first.structures)} and '
      f'{", ".join(second.structures)}'
    )
  second = second.in_order_of(first)
  differ = np.flatnonzero((first.true != second.true).any(axis=1))
  if len(differ):
    raise UserError(
      f'compare: the true mask of {first.id[differ[0]]} differs between the runs, or its size'
    )
  scores = [table.scores() for table in (first, second)]
  differences = {}
  for name in _COMPARED:
    gap = mean_of_structures(scores[0][name] - scores[1][name])
    differences[name] = _mean(gap[~np.isnan(gap)], first.group[~np.isnan(gap)])
  return differences


def _mean(gap: np.ndarray, group: np.ndarray) -> Difference:
  if not len(gap):
    return Difference(None, reason='no image has it in both runs')
  means = [(times @ gap) / times.sum(axis=1) for times in Bootstrap(group).blocks()]
  found = percentiles(float(gap.mean()), np.concatenate(means))
  return Difference(found.value, found.low, found.high, reason=found.reason)
