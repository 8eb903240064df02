"""Which of two classes is the positive one: the finding, not its absence.

The rule, in this order. 1. Of two numbers the larger one is positive. 2. A name is *negative* when
it holds a word for a normal case (normal, benign, control, negative, ...) or denies something as a
whole word or with the prefix non (no edema, not malignant, non-covid); two denials cancel (not
normal). If one name is negative and the other is not, the other is positive. 3. If one name holds a
word for a finding (cancer, positive, dead, ...) and the other does not, it is positive. Otherwise
nobody can tell from the names: the later one in the alphabet is taken, and the user is told to
choose.
"""

import re
from collections.abc import Sequence

from medjax.data import numerals, text

_DENIALS = frozenset({'no', 'not', 'non', 'without', 'never', 'lacks', 'lacking', 'lack'})
_NORMAL = frozenset({
  '0', 'absent', 'absence', 'afebrile', 'alive', 'asymptomatic', 'benign', 'clean', 'clear',
  'control', 'controls', 'false', 'free', 'healthy', 'inactive', 'low', 'negative', 'negatives',
  'neg', 'nil', 'none', 'nonresponder', 'nonresponders', 'normal', 'normals', 'placebo', 'survived',
  'survivor', 'survivors', 'unaffected', 'uninfected', 'uninvolved', 'unremarkable', 'well', 'wild',
  'wildtype', 'wt',
})  # fmt: skip
_FINDINGS = frozenset({
  '1', 'abnormal', 'active', 'affected', 'cancer', 'carcinoma', 'case', 'cases', 'dead', 'death',
  'deceased', 'died', 'disease', 'diseased', 'event', 'high', 'ill', 'infected', 'invasive',
  'malignant', 'mutant', 'mutated', 'patient', 'patients', 'pathological', 'pos', 'positive',
  'positives', 'present', 'presence', 'recurrence', 'relapse', 'responder', 'responders', 'severe',
  'sick', 'symptomatic', 'treated', 'true', 'tumor', 'tumour', 'unhealthy', 'yes',
})  # fmt: skip
_PAIRS = (('n', 'y'), ('f', 't'), ('-', '+'), ('neg', 'pos'), ('wt', 'mut'))


def of_two(names: Sequence[str]) -> tuple[str, str]:
  """The positive one of two classes, and how it was told; '' where the names do not tell.

  Args:
    names: two.

  Returns:
    One of them, and the reason in words.

  Example:
    >>> of_two(['malignant', 'not malignant'])[0], of_two(['edema', 'no edema'])[0]
    ('malignant', 'edema')
    >>> of_two(['normal', 'not normal'])[0]
    'not normal'
    >>> of_two(['squamous', 'adeno'])
    ('squamous', '')
  """
  first, second = sorted(names)
  if None not in map(numerals.real, names):
    return max(names, key=float), 'the larger number'
  for negative, positive in _PAIRS:
    if {text.key(first), text.key(second)} == {negative, positive}:
      found = first if text.key(first) == positive else second
      return found, f'beside {second if found == first else first!r}'
  absent = _is_negative(first, second)
  if absent != _is_negative(second, first):
    found, other = (second, first) if absent else (first, second)
    return found, f'as {other!r} is its absence, or a normal case'
  findings = [bool(_FINDINGS & set(_words(name))) for name in (first, second)]
  if findings[0] != findings[1]:
    return (first if findings[0] else second), 'by its name'
  return second, ''


def note(names: Sequence[str], given: str) -> list[str]:
  """A note of which of two classes, the second, is positive, and why.

  Args:
    names: of two classes, in label order.
    given: ``config.data.positive``, or '' where the names told it.
  """
  first, second = names
  if given:
    return [f'positive class: {second}']
  found, why = of_two(names)
  if why and found == second:
    return [f'positive class: {second} ({why})']
  return [
    f'positive class: {second}, A GUESS: neither {first!r} nor {second!r} says which is the '
    f'finding; config.data.positive={first} or ={second} says it'
  ]


def _words(name: str) -> list[str]:
  spelled = re.sub(r'(?<=[a-z])(?=[A-Z])', ' ', text.clean(name)).casefold()
  return re.findall(r'[^\W_]+', spelled.replace('w/o', 'without'))


def _is_negative(name: str, other: str) -> bool:
  words = _words(name)
  denials = sum(word in _DENIALS for word in words)
  normal = any(word in _NORMAL for word in words)
  beside = ''.join(_words(other))
  if beside and ''.join(words) == f'non{beside}' and 'non' not in words:  # noncancer
    denials += 1
    normal = normal or any(word in _NORMAL for word in _words(other))
  return normal != bool(denials % 2)
