"""From a network's probability to what is said of a case, fitted on validation, kept with the run.

The probability is calibrated and compared with a threshold, and a conformal set, of the probability
as the network gave it, says whether the case is clear enough to be decided at all.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from medjax.evaluation.calibration import Calibration
from medjax.evaluation.conformal import Conformal
from medjax.evaluation.estimate import Estimate
from medjax.evaluation.table import by_class

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

  def told(self, predicted: np.ndarray, classes: Sequence[str]) -> dict[str, np.ndarray]:
    """What is said of cases.

    Args:
      predicted: probabilities as the network gave them, [N] of the second of two classes or [N, C].
      classes: names of the classes.

    Returns:
      probability, calibrated, float64 as ``predicted``; call, the name of the class called, [N], ''
      where the network gives no number; set, which classes cannot be ruled out, bool [N, C]; and
      decision, the class in the set, [N], or 'abstain' where it is not exactly one.
    """
    names = np.array(classes)
    probability = self.calibration.apply(predicted)
    known = np.isfinite(by_class(probability)).all(axis=1)
    sets = self.conformal.sets(predicted) & known[:, None]
    return {
      'probability': probability,
      'call': np.where(known, names[self.calls(probability)], ''),
      'set': sets,
      'decision': np.where(sets.sum(axis=1) == 1, names[sets.argmax(axis=1)], ABSTAIN),
    }

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
