"""What is fitted before a network and predicts beside it."""

import dataclasses
from typing import Any, Literal

import jax
import numpy as np

from medjax import models, tasks
from medjax.data.dataset import Dataset
from medjax.errors import UserError
from medjax.transfer.fixed import Fixed
from medjax.transfer.gaussian import Process
from medjax.transfer.grown import Grown

TreeChoice = Literal['none', 'forest', 'extra', 'boosting']

_GROWN = {
  'forest': Grown('forest', 200, 256),
  'extra': Grown('extra', 200, 256),
  'boosting': Grown('boosting', 500, 32),
}
_AT_ONCE = 1024  # cases that are read


@dataclasses.dataclass(frozen=True)
class Beside:
  """How the models of a ``models.Beside`` that are no networks are fitted.

  Attributes:
    trees: or None for no trees.
    process: or None for no Gaussian process.

  Example:
    >>> beside = transfer.Beside(process=transfer.Process(bits=2048))
    >>> model = beside.with_network(network, task, data)             # doctest: +SKIP
    >>> experiment = medjax.Experiment(data=data, model=model, task=task, beside=beside, ...)
  """

  trees: Fixed | None = None
  process: Fixed | None = None

  @property
  def parts(self) -> dict[str, Fixed]:
    """Those that there are, by their names in ``models.Beside``."""
    both = {'trees': self.trees, 'process': self.process}
    return {name: part for name, part in both.items() if part is not None}

  @property
  def settings(self) -> str:
    """Those that ask for it."""
    return ' and '.join(part.setting for part in self.parts.values())

  def with_network(self, network: Any, task: tasks.Task, data: Dataset) -> models.Beside:
    """The network and these as one model.

    Args:
      network: of molecules; see ``models.Beside``.
      task: what is predicted.
      data: whose training cases they will be fitted to.

    Raises:
      UserError: that is no classes or numbers; or there are too many cases.
    """
    if not task.link:
      raise UserError(f'{self.settings}: predicts classes or numbers; expected none')
    cases = data.examples('train')
    made: Any = {n: part.model(task.outputs, task.link, cases) for n, part in self.parts.items()}
    return models.Beside(network, **made)

  def on(self, model: Any, task: tasks.Task, data: Dataset, seed: int) -> dict[str, Any]:
    """The variables of ``models.FIXED``, as arrays of NumPy.

    Args:
      model: ``models.Beside``, as ``with_network`` gives it.
      task: what is predicted.
      data: its training cases are fitted to.
      seed: of what chance decides.
    """
    x = _seen(model, data)
    y = np.asarray(task.targets(data.splits['train'].label), np.float64)
    return {
      name: part.fit(getattr(model, name), x, y, task.link, seed)
      for name, part in self.parts.items()
    }


def beside(trees: TreeChoice, gaussian_process: bool, precision: str, bits: int) -> Beside | None:
  """How what is beside a network is fitted; None for nothing.

  Args:
    trees: a kind, or none.
    gaussian_process: whether there is one.
    precision: the compute type of the run.
    bits: columns of the fingerprint, which are the first that are seen.

  Raises:
    UserError: what is seen would be rounded.
  """
  found = Beside(_GROWN.get(trees), Process(bits) if gaussian_process else None)
  if not found.parts:
    return None
  if precision != 'float32':
    raise UserError(
      f'config.precision={precision}: what {found.settings} fits needs all of what float32 tells '
      'apart; expected float32'
    )
  return found


def _seen(model: Any, data: Dataset) -> np.ndarray:
  """What is seen of the training cases, float32 [N, D]."""
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
