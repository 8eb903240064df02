"""How predictions of a run become decisions, whatever its task, from decision.json."""

from typing import Any

from medjax.evaluation import Confidence, Decision, Interval, LabelDecisions

AnyDecision = Confidence | Decision | Interval | LabelDecisions


def from_json(found: dict[str, Any]) -> AnyDecision:
  """What ``to_json`` of a decision gave, known by what it holds.

  Raises:
    KeyError, TypeError or ValueError: it is damaged.
  """
  if 'half_width' in found:
    return Interval.from_json(found)
  if 'states' in found:
    return Confidence.from_json(found)
  if 'classes' in found:
    return LabelDecisions.from_json(found)
  return Decision.from_json(found)
