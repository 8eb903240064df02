"""What simulated data have in common, whichever simulator makes them."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from medjax.data.dataset import Dataset
from medjax.errors import UserError

F = TypeVar('F', bound=Callable[..., Any])


def require(simulator: F | None, otherwise: str) -> F:
  """The simulator of an experiment that has one.

  Args:
    simulator: makes one example.
    otherwise: what is true of an experiment without one, such as 'simulates no chains'.

  Raises:
    UserError: there is none.
  """
  if simulator is None:
    raise UserError(f'config.data.source=simulated: this experiment {otherwise}')
  return simulator


def name(simulator: Callable[..., Any]) -> str:
  """What data of this simulator are called.

  Example:
    >>> from medjax.data.simulate import chains
    >>> name(chains.simulate)
    'simulated (chains)'
  """
  return f'simulated ({simulator.__module__.rsplit(".", 1)[-1]})'


def scalars(
  case: Any, without: tuple[str, ...] = ('label',), spell: Callable[[Any], str] = str
) -> dict[str, str]:
  """The fields of a simulated case that are single values, as texts; these become metadata.

  Args:
    case: a dataclass.
    without: fields that are left out, as arrays and tuples are.
    spell: how a value is written.
  """
  return {
    field.name: spell(value)
    for field in dataclasses.fields(case)
    for value in [getattr(case, field.name)]
    if field.name not in without and not isinstance(value, np.ndarray | tuple)
  }


def with_truth(data: Dataset, mask: Callable[[int], np.ndarray]) -> Dataset:
  """The data set with the truth of its examples, whose column ``index`` is the simulator's.

  Args:
    data: the data set.
    mask: of an index where the findings are, bool [H, W] or [L].
  """

  def truth(split: str, row: int) -> np.ndarray:
    return mask(int(data.splits[split].metadata['index'][row]))

  return dataclasses.replace(data, truth=truth)
