"""What is fitted to the training cases before the first update of a network beside it."""

from typing import Any, Protocol

import jax
import numpy as np

from medjax import models, tasks
from medjax.data.dataset import Dataset
from medjax.errors import UserError

_AT_ONCE = 1024  # cases that are read


class Fixed(Protocol):
  """A model that is fitted at once, and stays as it is while a network learns.

  Attributes:
    kind: its name.
  """

  @property
  def kind(self) -> str: ...

  def with_network(self, network: Any, task: tasks.Task, data: Dataset) -> models.Beside:
    """The network and this as one model.

    Args:
      network: of molecules; see ``models.Beside``.
      task: what is predicted.
      data: whose training cases it will be fitted to.

    Raises:
      UserError: that is no classes or numbers.
    """
    ...

  def on(self, model: Any, task: tasks.Task, data: Dataset, seed: int) -> dict[str, Any]:
    """The variables of ``models.FIXED``, as arrays of NumPy.

    Args:
      model: as ``with_network`` gives it.
      task: what is predicted.
      data: its training cases are fitted to.
      seed: of what chance decides.
    """
    ...


def link(kind: str, task: tasks.Task) -> str:
  """The task's; see there.

  Raises:
    UserError: there are no classes or numbers.
  """
  if not task.link:
    raise UserError(f'config.beside={kind}: predicts classes or numbers; expected none')
  return task.link


def seen(model: Any, data: Dataset) -> np.ndarray:
  """What is seen of the training cases, float32 [N, D]; see ``models.Beside``."""
  train = data.splits['train']
  see = jax.jit(lambda batch: model.seen(data.modality.inputs(batch)))
  found: Any = None
  for first in range(0, len(train), _AT_ONCE):
    numbers = np.arange(first, min(first + _AT_ONCE, len(train)))
    rows = see(train.read(numbers))
    if found is None:
      found = np.empty((len(train), rows.shape[1]), np.float32)
    found[numbers] = rows
  return found


def logit(share: float) -> float:
  """Of a share of cases."""
  return float(np.log(share) - np.log1p(-share))


def constant(y: np.ndarray) -> float:
  """The share of cases where they are too few, or too alike, to tell it apart by: half a case of
  each class is added to those that are there, float [N]."""
  return (y.sum() + 0.5) / (len(y) + 1)
