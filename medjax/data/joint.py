"""Labels that hold several findings of one case, as exports of other tasks write them.

A class is one name, and names hold commas, slashes and plus signs too: *basal cell carcinoma, NOS*
is one finding, *effusion, mass* are two. A label counts as several where

- ``|`` or ``;`` joins its parts, or it is a list ([...] as Python and JSON write them);
- ``,`` ``/`` ``&`` ``+`` ``^`` ``_`` or *and* joins parts that all are classes by themselves;
- ``,`` ``/`` ``&`` ``+`` ``^`` joins names of which one stands in another such label too. These may
  be one finding each (*fracture, femur* and *fracture, tibia*) or several; codes (A/G, ER+/PR-,
  3+4) and NOS are no names.

Nobody can always tell, so that ``config.data.joined_names`` says that such labels are classes.
"""

import re
from collections import Counter
from collections.abc import Sequence

from medjax.data import text

# As Python and JSON write them. Brackets of other kinds are usual in names, but not with quotes.
_LIST = re.compile(
  r'\[(\s*|.*,.*|\s*[\'"].*[\'"]\s*|\s*-?[\d.]+\s*|null|true|false)\]'
  r'|[({]\s*[\'"].*[\'"].*[)}]',
  re.DOTALL,
)
_LISTS = ('|', ';')
_JOINTS = (*_LISTS, ',', '/', '&', '+', '^', '_', ' and ')
_WITHIN_NAMES = ('_', ' and ')  # so usual there that every part has to be a class
_WITHIN_CODES = ('/', '+', '^')
_NOS = frozenset({'nos', 'nec'})  # not otherwise specified, not elsewhere classified


def several_in_one(names: Sequence[str]) -> tuple[str, str] | None:
  """The first label that holds several findings, and what joins them; None where none does.

  Args:
    names: labels that are different.

  Example:
    >>> several_in_one(['effusion, mass', 'effusion, nodule', 'normal'])
    ('effusion, mass', "','")
    >>> several_in_one(['basal cell carcinoma, NOS', 'squamous cell carcinoma, NOS']) is None
    True
  """
  for name in names:
    if _LIST.fullmatch(name.strip()):
      return name, 'a list'
  alone = {text.key(name) for name in names}
  for joint in _JOINTS:
    found = _joined(names, joint, alone)
    if found:
      return found, repr(joint)
  return None


def notes(classes: Sequence[str]) -> list[str]:
  """A note that labels which look like several findings are taken as classes, if one does."""
  found = several_in_one(classes)
  if not found:
    return []
  return [f'label {found[0]!r} is taken as one class, as config.data.joined_names says']


def _joined(names: Sequence[str], joint: str, alone: set[str]) -> str:
  """The first of the labels that holds several findings with this between them, or ''."""
  parts_of = {name: parts for name in names if len(parts := _parts(name, joint)) > 1}
  if joint in _LISTS:
    return next(iter(parts_of), '')
  letters = 3 if joint in _WITHIN_CODES else 2
  keys_of = {name: {text.key(part) for part in parts} for name, parts in parts_of.items()}
  of_names = {
    name: keys_of[name]
    for name, parts in parts_of.items()
    if joint not in _WITHIN_NAMES and all(_is_name(part, letters) for part in parts)
  }
  counts = Counter(key for keys in of_names.values() for key in keys)
  for name, keys in keys_of.items():
    shares = any(counts[key] > 1 for key in of_names.get(name, ()))
    if len(keys) > 1 and (keys <= alone or shares):
      return name
  return ''


def _parts(name: str, joint: str) -> list[str]:
  """What stands between the joints of a name, without parts that are blank."""
  parts = re.split(r',|\s+and\s+', name, flags=re.I) if joint == ' and ' else name.split(joint)
  return [part.strip() for part in parts if part.strip()]


def _is_name(part: str, letters: int) -> bool:
  """Whether a part of a label may be the name of a finding: words, one of so many letters at least.

  Example:
    >>> [_is_name(part, 3) for part in ('lung mass', 'ER+', '3', 'CD4', 'NOS')]
    [True, False, False, False, False]
  """
  words = re.findall(r'[^\W_]+', text.clean(part).casefold())
  if not words or not part[0].isalnum() or part.endswith(('+', '-')):
    return False
  if words[0][0].isdecimal() or words[-1] in _NOS:
    return False
  return any(len(run) >= letters for word in words for run in re.findall(r'[^\W\d_]+', word))
