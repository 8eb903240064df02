"""What the training step asks of a task."""

import abc
import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import jax
import numpy as np

from medjax.errors import UserError
from medjax.evaluation import Coefficients
from medjax.outcomes import Outcome

T = TypeVar('T', bound=type)


def numbers(*names: str) -> Callable[[T], T]:
  """Makes a dataclass of a task a tree of JAX whose leaves are these numbers, which data gave.

  Tasks that differ in them alone, as those of the folds of a cross-validation do, then share one
  compiled program; see ``medjax.training.together``.
  """

  def register(kind: T) -> T:
    others = [field.name for field in dataclasses.fields(kind) if field.name not in names]
    jax.tree_util.register_dataclass(kind, data_fields=list(names), meta_fields=others)
    return kind

  return register


class Task(abc.ABC):
  """The meaning of a network's outputs; see ``Binary``, ``Regression`` and ``PerPosition``.

  A task is what runs on the device: loss and predictions. What the label is, with its table,
  metrics and report, is its ``outcome``; several tasks may share one.

  Attributes:
    outputs: how many outputs the network needs.
    outcome: the owner of the label.
    weights: of each class in the loss; empty where every example counts alike.
    compares: whether the loss compares the examples of a batch with each other, as that of a risk
      set does. Then ``loss`` gives a sum over the batch and the weight that divides it.
    link: what outputs are of the mean of ``targets`` of like cases: 'identity', the same; 'logit',
      of a share; or 'log', of shares of classes. '' where there are no targets.
  """

  outputs: int
  outcome: Outcome
  weights: tuple[float, ...] = ()
  compares: ClassVar[bool] = False
  link: ClassVar[str] = ''

  @abc.abstractmethod
  def loss(self, outputs: Any, batch: dict[str, Any]) -> Any:
    """Loss of each example, float32 [B].

    Args:
      outputs: float32 [B, outputs] or, of positions, [B, L, outputs].
      batch: arrays [B, ...] with ``label`` and ``mask``. Where the task ``compares``, these two
        alone, and of all devices' examples; the result then is a sum and its weight, scalars, to
        which examples with ``mask`` False must not contribute.
    """

  @abc.abstractmethod
  def predict(self, outputs: Any) -> Any:
    """Predictions of outputs: [B], [B, C] or [B, L, C]."""

  def statistics(self, outputs: Any, batch: dict[str, Any]) -> Any:
    """What evaluation needs of labelled examples, leaves [B, ...]: by default the predictions.

    It travels back from the devices, so that a task with large predictions gives something small
    instead, such as the counts that an overlap of masks is computed of.
    """
    return self.predict(outputs)

  def targets(self, label: Any) -> np.ndarray:
    """Labels as numbers whose mean tells outputs, float64 [N, outputs], NaN where not known.

    Args:
      label: of examples, as a split has them.

    Raises:
      ValueError: there are none, as ``link`` says.
    """
    raise ValueError(f'{type(self).__name__}: labels are no classes or numbers')

  def explained(self, outputs: Any, target: jax.Array) -> jax.Array:
    """The number of each example whose parts an explanation names, float32 [B].

    Args:
      outputs: as for ``loss``.
      target: the class that is explained, int [B]; 0 where there are no classes.

    Raises:
      UserError: there is no such number.
    """
    raise UserError('needs one class or number a case, which this run does not predict')

  def coefficients(
    self, inputs: np.ndarray, label: Any, kernel: np.ndarray, bias: float, **about: Any
  ) -> Coefficients | None:
    """Inference on the coefficients of a linear model with one output; None where there is none.

    Args:
      inputs: of the training rows, float64 [N, D].
      label: their labels.
      kernel: fitted weights [D].
      bias: fitted constant.
      about: ``names`` and ``scales`` of the inputs, and ``l2``; see ``evaluation.coefficients``.
    """
    return None
