"""Decisions by name, for files that hold one and are read where its outcome is not known.

A decision of these says of new cases what ``told`` gives: arrays by name, of which the first one
holds numbers.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from medjax.evaluation.decision import Decision
from medjax.evaluation.labels import LabelDecisions
from medjax.evaluation.masks import MaskDecision
from medjax.evaluation.numbers import Interval
from medjax.evaluation.survival_decision import SurvivalDecision


class Telling(Protocol):
  """A decision that says something of each case by itself."""

  def told(self, predicted: np.ndarray, classes: Sequence[str]) -> dict[str, np.ndarray]:
    """What is said of cases, arrays [N, ...], of what the task predicted, [N, ...]."""


_DECISIONS: dict[str, Any] = {
  'classes': Decision,
  'labels': LabelDecisions,
  'masks': MaskDecision,
  'number': Interval,
  'survival': SurvivalDecision,
}


def name_of(decision: Any) -> str:
  """The name under which ``read`` knows the decision; '' for one that says nothing of a case."""
  return next((name for name, one in _DECISIONS.items() if type(decision) is one), '')


def read(name: str, values: Mapping[str, Any]) -> Telling | None:
  """The decision of that name, of what its ``to_json`` gave; None for the name ''.

  Raises:
    KeyError, TypeError, ValueError: it is none of these.
  """
  return _DECISIONS[name].from_json(values) if name else None
