"""Whether a model carries over to another site: a plain sentence, and the rules behind it.

Each rule is about an interval, so that chance is not taken for a loss, nor few cases for none.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from medjax.evaluation import Difference, Estimate
from medjax.outcomes import Outcome

MARGIN = 0.05  # of a metric between 0 and 1: a loss that would matter

KEPT, BROKEN, UNKNOWN = 'kept', 'broken', 'not known'


@dataclasses.dataclass(frozen=True)
class Rule:
  """One rule and what was found.

  Attributes:
    about: what it is about, in a word or two.
    rule: in words.
    found: the figures.
    state: 'kept', 'broken' or 'not known'.
  """

  about: str
  rule: str
  found: str
  state: str


@dataclasses.dataclass(frozen=True)
class Verdict:
  """What is said of a validation.

  Attributes:
    carries: whether the model carries over; None where the cases are too few to say.
    sentence: that in words, with the figures.
    also: what else is broken, in words; '' for nothing.
    rules: behind it.
  """

  carries: bool | None
  sentence: str
  also: str
  rules: tuple[Rule, ...]

  def to_json(self) -> dict[str, Any]:
    """A JSON object."""
    return dataclasses.asdict(self)


def judge(
  outcome: Outcome,
  site: str,
  there: Mapping[str, Estimate],
  development: Mapping[str, Estimate],
  differences: Mapping[str, Difference],
  promised: float | None,
) -> Verdict:
  """The verdict on a frozen model.

  Args:
    outcome: what its labels are.
    site: what the data are called.
    there: metrics at the other site.
    development: metrics of the development's own test cases.
    differences: of both, there less development.
    promised: how often sets or intervals were to hold the truth.
  """
  monitor = outcome.monitor
  metric = outcome.metric(monitor, list(there))
  title = monitor if metric is None else metric.title
  order = _order(title, there.get(monitor), development.get(monitor), differences.get(monitor))
  others = [
    *_calibration(outcome, there),
    *_decisions(outcome, there, differences),
    *_promise(promised, there.get('coverage')),
  ]
  broken = [rule.about for rule in others if rule.state == BROKEN]
  first = 'Also broken' if order.state == BROKEN else 'Broken'
  also = f'{first}: {", ".join(broken)}.' if broken else ''
  rules = (order, *others)
  if order.state == BROKEN:
    sentence = f'The model does not carry over to {site}: {order.found}.'
    return Verdict(False, sentence, also, rules)
  if order.state == UNKNOWN:
    sentence = f'Whether the model carries over to {site} cannot be said: {order.found}.'
    return Verdict(None, sentence, also, rules)
  if broken:
    sentence = (
      f'{title} carries over to {site} ({order.found}), but the model as it stands does not.'
    )
    return Verdict(False, sentence, also, rules)
  sentence = f'The model carries over to {site}: {order.found}, and no other rule is broken.'
  return Verdict(True, sentence, '', rules)


def _order(
  title: str, there: Estimate | None, development: Estimate | None, found: Difference | None
) -> Rule:
  rule = (
    f'{title} is not lower than in development: the 95% interval of the difference reaches 0, or '
    f'stays above \N{MINUS SIGN}{MARGIN}; where it reaches both 0 and '
    f'\N{MINUS SIGN}{MARGIN}, nobody knows'
  )
  if there is None or development is None or found is None or found.value is None:
    reason = found.reason if found is not None else 'there is no test split in development'
    return Rule(title, rule, f'{title} cannot be compared ({reason})', UNKNOWN)
  both = f'{title} is {spelled(there)} there and {spelled(development)} in development'
  if found.low is None or found.high is None:
    return Rule(
      title, rule, f'{both}, without an interval of the difference ({found.reason})', UNKNOWN
    )
  moved = f'lower by {-found.value:.3f} ({-found.high:.3f} to {-found.low:.3f})'
  if found.value >= 0:
    moved = f'higher by {found.value:.3f} ({found.low:.3f} to {found.high:.3f})'
  text = f'{both}, {moved}'
  if found.low >= -MARGIN:
    return Rule(title, rule, text, KEPT)
  if found.high < 0:
    return Rule(title, rule, text, BROKEN)
  return Rule(title, rule, f'{text}, so that a loss of up to {-found.low:.3f} is possible', UNKNOWN)


def _calibration(outcome: Outcome, there: Mapping[str, Estimate]) -> list[Rule]:
  rules = []
  for name, ideal in outcome.ideal.items():
    title = name.replace('_', ' ')
    rule = f'{title}: the 95% interval holds {ideal:g}'
    found = there.get(name)
    if found is None:  # of many classes
      continue
    if found.low is None or found.high is None:
      rules.append(Rule(title, rule, f'{title} is not known ({found.reason})', UNKNOWN))
      continue
    state = KEPT if found.low <= ideal <= found.high else BROKEN
    rules.append(Rule(title, rule, f'{title} is {spelled(found)}, not {ideal:g}'
                      if state == BROKEN else f'{title} is {spelled(found)}', state))  # fmt: skip
  return rules


def _decisions(
  outcome: Outcome, there: Mapping[str, Estimate], differences: Mapping[str, Difference]
) -> list[Rule]:
  rules = []
  for name in outcome.decided:
    found = differences.get(name)
    if found is None:
      continue
    metric = outcome.metric(name, list(there))
    title = (name if metric is None else metric.title).lower()
    rule = f'{title} as it was decided is not lower: the 95% interval of the difference reaches 0'
    if found.value is None or found.low is None or found.high is None:
      rules.append(Rule(title, rule, f'{title} cannot be compared ({found.reason})', UNKNOWN))
      continue
    text = (
      f'{title} is {spelled(there[name])}, {found.value:+.3f} ({found.low:+.3f} to '
      f'{found.high:+.3f}) of development'
    )
    rules.append(Rule(title, rule, text, BROKEN if found.high < 0 else KEPT))
  return rules


def _promise(promised: float | None, found: Estimate | None) -> list[Rule]:
  if promised is None:
    return []
  rule = f'sets or intervals hold the truth as promised: the 95% interval reaches {promised:g}'
  if found is None or found.high is None:
    return [Rule('coverage', rule, 'how often they do is not known', UNKNOWN)]
  text = f'they hold the truth in {spelled(found)}, promised {promised:g}'
  return [Rule('coverage', rule, text, BROKEN if found.high < promised else KEPT)]


def spelled(estimate: Estimate) -> str:
  """As '0.912 (0.890 to 0.934)'."""
  if estimate.value is None:
    return f'undefined ({estimate.reason})'
  if estimate.low is None or estimate.high is None:
    return f'{estimate.value:.3f}'
  return f'{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})'
