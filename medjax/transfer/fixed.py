"""What is fitted to the training cases before the first update of a network beside it."""

from typing import Protocol

import flax.linen as nn
import numpy as np


class Fixed(Protocol):
  """How a model is fitted that stays as it is while a network learns.

  Attributes:
    setting: that asks for it, as it is written in a command.
  """

  @property
  def setting(self) -> str: ...

  def model(self, outputs: int, link: str, cases: int) -> nn.Module:
    """The model, of float32 [B, D], whose variables ``fit`` gives.

    Args:
      outputs: numbers a case.
      link: of the task; see ``tasks.Task``.
      cases: training cases, at most.
    """
    ...

  def fit(
    self, model: nn.Module, x: np.ndarray, y: np.ndarray, link: str, seed: int
  ) -> dict[str, np.ndarray]:
    """Its variables in ``models.FIXED``.

    Args:
      model: as ``model`` gives it.
      x: what is seen of each training case, float32 [N, D].
      y: what is known of them, float64 [N, outputs]; NaN for what is not.
      link: of the task.
      seed: of what chance decides.
    """
    ...


def logit(share: float) -> float:
  """Of a share of cases."""
  return float(np.log(share) - np.log1p(-share))


def constant(y: np.ndarray) -> float:
  """The share of cases where they are too few, or too alike, to tell it apart by: half a case of
  each class is added to those that are there, float [N]."""
  return (y.sum() + 0.5) / (len(y) + 1)
