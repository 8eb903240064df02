"""Two models that predict several labels at once, on the same cases: paired differences."""

import numpy as np

from medjax.errors import UserError
from medjax.evaluation.bootstrap import Bootstrap
from medjax.evaluation.delong import auroc_difference
from medjax.evaluation.estimate import Difference
from medjax.evaluation.labels import Labels
from medjax.evaluation.paired import mean_auroc_difference


def compare_labels(first: Labels, second: Labels) -> dict[str, Difference]:
  """The first table's metrics less the second's.

  Args:
    first: predictions of one model; rows without any label are left out.
    second: of the other, for the same cases in any order.

  Returns:
    auroc, the mean over classes, by percentiles of the bootstrap of both on the same resamples; and
    auroc_CLASS of each class by DeLong's paired test, where it is known.

  Raises:
    UserError: the tables hold other cases, classes or labels.
  """
  if first.classes != second.classes:
    raise UserError(
      f'compare: classes differ: {", ".join(first.classes)} and {", ".join(second.classes)}'
    )
  first = first.labelled()
  second = second.labelled().in_order_of(first)
  same = (first.label == second.label) | (np.isnan(first.label) & np.isnan(second.label))
  differ = np.flatnonzero(~same.all(axis=1))
  if len(differ):
    raise UserError(f'compare: a label of {first.id[differ[0]]} differs between the runs')
  pair = (first.probability, second.probability)
  differences = {'auroc': mean_auroc_difference(first.label, pair, Bootstrap(first.group))}
  for number, name in enumerate(first.classes):
    one, other = first.of_class(number), second.of_class(number)
    differences[f'auroc_{name}'] = auroc_difference(
      one.label, one.probability, other.probability, group=one.group
    )
  return differences
