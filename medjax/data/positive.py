"""Which of two classes is the positive one: the finding, not its absence.

The rule, in this order. 1. Of two numbers the larger one is positive. 2. Of two names that are the
same but for a sign at their end (HIV+ and HIV-, ERpos and ERneg) the one without the minus is. 3. A
name is *negative* when it holds a word for a normal case (normal, benign, control, negative, ...)
or denies something as a whole word (no edema, not malignant, non-covid) or by no, not, non or un
before the other name or a word for findings (notmelanoma, unfractured, nofinding); two denials
cancel (not normal). If one name is negative and the other is not, the other is positive. 4. If one
name holds a word for a finding (cancer, positive, dead, ...) and the other does not, it is
positive. Otherwise nobody can tell from the names: the later one in the alphabet is taken, where 10
comes after 9, and the user is told to choose.

Words that mean a normal case only by themselves do not decide inside a longer name: clear is
normal, clear cell carcinoma is not; low counts as the whole name, free as the end of one or in
"free of". Numbers inside names (type 1, 2+) say nothing. Non before an adjective makes another
kind of the same: non-small cell, non-Hodgkin lymphoma; so does un before a state one wishes for
(unstable).
"""

import re
from collections.abc import Sequence

from medjax.data import numerals, text

_PREFIXES = ('non', 'not', 'no', 'un')
_DENIALS = frozenset({'no', 'not', 'non', 'un', 'without', 'never', 'lacks', 'lacking', 'lack'})
_NORMAL = frozenset({
  'absent', 'absence', 'afebrile', 'alive', 'asymptomatic', 'benign', 'control', 'controls',
  'false', 'healthy', 'inactive', 'negative', 'negatives', 'neg', 'nil', 'none', 'normal',
  'normals', 'placebo', 'survived', 'survivor', 'survivors', 'uninvolved', 'unremarkable',
  'wildtype', 'wt',
})  # fmt: skip
# Normal if they are the whole name, but for a denial.
_NORMAL_ALONE = (['0'], ['clean'], ['clear'], ['free'], ['low'], ['well'])
# These words in a row mean a normal case; and these do not, though one of them would.
_NORMAL_PHRASES = re.compile(r'\b(wild type|free (of|from)|\w+ free$)')
_OTHER_PHRASES = re.compile(
  r'\b(triple negative|gram (negative|positive)|normal pressure|benign (prostatic|paroxysmal)'
  r'|not otherwise \w+)\b'
)
_FINDINGS = frozenset({
  'abnormal', 'active', 'affected', 'cancer', 'carcinoma', 'case', 'cases', 'dead', 'death',
  'deceased', 'died', 'disease', 'diseased', 'event', 'high', 'ill', 'infected', 'invasive',
  'malignant', 'mutant', 'mutated', 'patient', 'patients', 'pathological', 'pos', 'positive',
  'positives', 'present', 'presence', 'recurrence', 'relapse', 'responder', 'responders', 'severe',
  'sick', 'symptomatic', 'treated', 'true', 'tumor', 'tumour', 'unhealthy', 'yes',
})  # fmt: skip
# Further words for findings, not of one alone.
_NOUNS = frozenset({
  'abnormality', 'abnormalities', 'finding', 'findings', 'lesion', 'lesions', 'pathology',
  'tumors', 'tumours',
})  # fmt: skip
# Nouns of which no kind is meant by non: a non-diabetic patient is no kind of diabetes.
_CARRIERS = frozenset({
  'area', 'areas', 'case', 'cases', 'eye', 'eyes', 'group', 'image', 'images', 'lesion', 'lesions',
  'patient', 'patients', 'people', 'person', 'persons', 'region', 'regions', 'sample', 'samples',
  'scan', 'scans', 'skin', 'subject', 'subjects', 'tissue', 'tissues',
})  # fmt: skip
# States one wishes for: without them, something is wrong.
_WISHED = frozenset({
  'able', 'compliant', 'adherent', 'conscious', 'controlled', 'differentiated', 'favorable',
  'favourable', 'fit', 'resectable', 'responsive', 'safe', 'satisfactory', 'stable', 'union',
  'viable',
})  # fmt: skip
_APART = _FINDINGS | _NOUNS  # what a denial may be written before in one word
_SIGNED = re.compile(
  r'(.*?)[\s_(\[]*(\++(ve)?|[-\u2212\u2013]+(ve)?|positive|negative|pos|neg|mut|wt)[)\]]*'
)
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
    >>> of_two(['squamous', 'adeno']), of_two(['grade 9', 'grade 10'])
    (('squamous', ''), ('grade 10', ''))
  """
  first, second = sorted(names, key=_place)
  numbers = {name: numerals.either(name) for name in names}
  if None not in numbers.values():
    return max(names, key=lambda name: numbers[name] or 0.0), 'the larger number'
  for negative, positive in _PAIRS:
    if {text.key(first), text.key(second)} == {negative, positive}:
      found = first if text.key(first) == positive else second
      return found, f'beside {second if found == first else first!r}'
  signed = _with_plus(first, second)
  if signed:
    return signed, f'beside {second if signed == first else first!r}'
  absent = _is_negative(first, second)
  if absent != _is_negative(second, first):
    found, other = (second, first) if absent else (first, second)
    return found, f'as {other!r} is its absence, or a normal case'
  findings = [_is_finding(name) for name in (first, second)]
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


def _place(name: str) -> tuple[list[str | float], str]:
  """Where a name stands in the alphabet: by texts and the numbers between them, in turn."""
  parts = re.split(r'(\d+(?:\.\d+)?)', name, flags=re.ASCII)
  return [float(part) if i % 2 else part for i, part in enumerate(parts)], name


def _words(name: str) -> list[str]:
  spelled = re.sub(r'(?<=[a-z])(?=[A-Z])', ' ', text.clean(name)).casefold()
  return re.findall(r'[^\W_]+', spelled.replace('w/o', 'without'))


def _with_plus(first: str, second: str) -> str:
  """The one with a plus of two names that are the same but for their sign; '' of others."""
  (stem, plus), (other_stem, other_plus) = map(_stem_and_plus, (first, second))
  if stem and stem == other_stem and False in (plus, other_plus) and plus != other_plus:
    return second if plus is False else first
  if (plus, other_plus) == (True, False) and not other_stem:  # a minus alone, beside any plus
    return first
  return second if (plus, other_plus) == (False, True) and not stem else ''


def _stem_and_plus(name: str) -> tuple[str, bool | None]:
  """A name without the sign at its end, and whether that is a plus; None where there is none."""
  signed = _SIGNED.fullmatch(text.clean(name).casefold())
  if not signed:
    return text.key(name), None
  return text.key(signed[1]), signed[2].startswith(('+', 'pos', 'mut'))


def _is_finding(name: str) -> bool:
  spelled = _OTHER_PHRASES.sub(' ', ' '.join(_words(name)))
  return bool(_FINDINGS & set(spelled.split()))


def _is_negative(name: str, other: str) -> bool:
  words = _apart(_words(name), _words(other))
  spelled = ' '.join(words)
  plain = _OTHER_PHRASES.sub(' ', spelled).split()
  denials = sum(_denies(plain, place) for place in range(len(plain)))
  normal = (
    bool(_NORMAL & set(plain))
    or [word for word in words if word not in _DENIALS] in _NORMAL_ALONE
    or bool(_NORMAL_PHRASES.search(spelled))
  )
  return normal != bool(denials % 2)


def _apart(words: list[str], beside: list[str]) -> list[str]:
  """Words with a denial apart that one of them begins with: un fractured of unfractured.

  Args:
    words: of a name.
    beside: of the other name, which says that the rest of such a word is one.
  """
  for place, word in enumerate(words):
    for prefix in _PREFIXES:
      rest = word[len(prefix) :]
      if not word.startswith(prefix) or not rest:
        continue
      whole = not place and ''.join(words) == prefix + ''.join(beside)
      if whole or [*words[:place], rest, *words[place + 1 :]] == beside or rest in _APART:
        return [*words[:place], prefix, rest, *words[place + 1 :]]
  return words


def _denies(words: list[str], place: int) -> bool:
  """Whether the word at a place says that what follows is not there."""
  word, rest = words[place], words[place + 1 :]
  if word not in _DENIALS or (rest and rest[0] in _WISHED):
    return False
  if word != 'non' or not rest:
    return True
  kinds = [other for other in rest[1:] if not other.isdecimal() and other not in _CARRIERS]
  return not kinds or rest[0].endswith('ed') or rest[0] in _FINDINGS | _NORMAL
