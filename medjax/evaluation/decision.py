"""From a network's probability to what is said of a case, fitted on validation, kept with the run.

The probability is calibrated and compared with a threshold, and a conformal set, of the probability
as the network gave it, says whether the case is clear enough to be decided at all.
"""

import dataclasses
from typing import Any

import numpy as np

from medjax.evaluation.calibration import Calibration
from medjax.evaluation.conformal import Conformal
from medjax.evaluation.estimate import Estimate

ABSTAIN = 'abstain'


@dataclasses.dataclass(frozen=True)
class Decision:
  """How probabilities of one checkpoint become decisions.

  Attributes:
    checkpoint_step: the checkpoint whose validation predictions this was fitted to.
    calibration: what the network's probabilities go through.
    threshold: on calibrated probability, for two classes; value None for more.
    conformal: sets of classes, of probabilities that are not calibrated.
  """

  checkpoint_step: int
  calibration: Calibration
  threshold: Estimate
  conformal: Conformal

  def calls(self, probability: np.ndarray) -> np.ndarray:
    """The class number that each case is called, int [N], by the threshold or the largest
    probability, of calibrated probabilities [N] or [N, C]."""
    if self.threshold.value is None:
      return probability.argmax(axis=1)
    return (probability >= self.threshold.value).astype(int)

  def to_json(self) -> dict[str, Any]:
    """A JSON object, which ``from_json`` reads back to the same bits."""
    return {
      'checkpoint_step': self.checkpoint_step,
      'calibration': self.calibration.to_json(),
      'threshold': self.threshold.to_json(),
      'conformal': self.conformal.to_json(),
    }

  @classmethod
  def from_json(cls, fields: dict[str, Any]) -> 'Decision':
    """What ``to_json`` gave.

    Raises:
      KeyError: a field is missing.
    """
    return cls(
      int(fields['checkpoint_step']),
      Calibration.from_json(fields['calibration']),
      Estimate(fields['threshold']['value'], reason=fields['threshold'].get('reason', '')),
      Conformal.from_json(fields['conformal']),
    )
