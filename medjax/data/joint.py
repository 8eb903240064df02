"""Labels that hold several findings of one case, as exports of other tasks write them.

A class is one name, and names hold commas, slashes and plus signs too: *basal cell carcinoma, NOS*
is one finding, *effusion, mass* are two. What tells them apart, by what stands between the parts:

- ``|`` and lists ([...] as Python and JSON write them) are several findings always;
- ``;`` where a part is a class by itself or stands in another such label too;
- ``,`` ``/`` ``&`` ``+`` ``^`` where all parts are classes by themselves, or a part stands in
  another such label beside something else. Of the latter only labels count whose parts all could
  be findings: no qualifiers (NOS, viral, left, type 1), no sites (breast) and no codes (A/G);
- ``_`` and the word *and*, also beside commas, where all parts are classes by themselves.
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
_JOINTS = ('|', ';', ',', '/', '&', '+', '^', '_', ' and ')
_WITHIN_NAMES = ('_', ' and ')  # so usual there that every part has to be a class
_WITHIN_CODES = ('/', '+', '^')
# A part is no finding of its own that begins with one of the first, or ends with one of the others.
_BEFORE_QUALIFIERS = frozenset({
  'class', 'due', 'grade', 'in', 'level', 'no', 'non', 'not', 'stage', 'subtype', 'type', 'variant',
  'with', 'without',
})  # fmt: skip
_QUALIFIERS = frozenset({
  'acute', 'adult', 'benign', 'both', 'complex', 'definite', 'diffuse', 'early', 'female', 'grade',
  'high', 'juvenile', 'large', 'late', 'left', 'low', 'lower', 'male', 'malignant', 'mild',
  'moderate', 'nec', 'neg', 'new', 'nos', 'old', 'other', 'persistent', 'pos', 'possible',
  'probable', 'recurrent', 'right', 'risk', 'severe', 'simple', 'situ', 'small', 'stage', 'subtype',
  'type', 'unknown', 'upper', 'variant',
})  # fmt: skip
_SITES = frozenset({
  'abdomen', 'ankle', 'aorta', 'arm', 'back', 'bladder', 'bone', 'brain', 'breast', 'cervix',
  'chest', 'colon', 'duodenum', 'ear', 'elbow', 'esophagus', 'eye', 'face', 'femur', 'fibula',
  'foot', 'hand', 'head', 'heart', 'hip', 'humerus', 'ileum', 'jaw', 'kidney', 'knee', 'larynx',
  'leg', 'liver', 'lung', 'neck', 'node', 'nodes', 'nose', 'oesophagus', 'ovary', 'pancreas',
  'pelvis', 'pharynx', 'prostate', 'radius', 'rectum', 'scalp', 'shoulder', 'skin', 'spine',
  'spleen', 'stomach', 'testis', 'thigh', 'thyroid', 'tibia', 'tongue', 'trunk', 'ulna', 'uterus',
  'wrist',
})  # fmt: skip
_ADJECTIVE = re.compile(r'\w+(al|ar|ary|ed|ic|ive|oid|ory|ous)')
_NOUNS = frozenset({'carcinoid', 'colic', 'keloid', 'scar'})  # though they end like adjectives
_ROMAN = re.compile(r'[ivx]+[abc]?')


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


def _joined(names: Sequence[str], joint: str, alone: set[str]) -> str:
  """The first of the labels that holds several findings with this between them, or ''."""
  parts_of = {name: parts for name in names if len(parts := _parts(name, joint)) > 1}
  if joint == '|':
    return next(iter(parts_of), '')
  letters = 3 if joint in _WITHIN_CODES else 2
  sharing = {
    name: [text.key(part) for part in parts if _is_finding(part, letters)]
    for name, parts in parts_of.items()
    if joint == ';' or all(_is_finding(part, letters) for part in parts)
  }
  counts = Counter(part for parts in sharing.values() for part in set(parts))
  for name, parts in parts_of.items():
    keys = {text.key(part) for part in parts}
    if len(keys) > 1 and (keys <= alone or (joint == ';' and keys & alone)):
      return name
    if joint not in _WITHIN_NAMES and any(counts[part] > 1 for part in sharing.get(name, ())):
      return name
  return ''


def _parts(name: str, joint: str) -> list[str]:
  """What stands between the joints of a name, without parts that are blank."""
  parts = re.split(r',|\s+and\s+', name, flags=re.I) if joint == ' and ' else name.split(joint)
  return [part.strip() for part in parts if part.strip()]


def _is_finding(part: str, letters: int) -> bool:
  """Whether a part of a label may be a finding of its own, of at least so many letters in a row."""
  words = re.findall(r'[^\W_]+', text.clean(part).casefold())
  if not words or part.endswith(('+', '-')) or words[0][0].isdecimal():
    return False
  last = words[-1]
  adjective = bool(_ADJECTIVE.fullmatch(last)) and last not in _NOUNS
  said_of_another = words[0] in _BEFORE_QUALIFIERS or last in _QUALIFIERS or adjective
  site = last in _SITES or bool(_ROMAN.fullmatch(last))
  long = any(len(run) >= letters for word in words for run in re.findall(r'[^\W\d_]+', word))
  return long and not said_of_another and not site
