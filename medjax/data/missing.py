"""Which words mean a missing value: one rule for every table and every label.

A cell without anything to see is missing. In a column of numbers so is each of the usual words
(NA, nan, NULL, none, ?, a dash, a point and their like), as no number is written like that. In a
column of texts a word that may also be a name (None, NA, a dash, unknown) is a text like others, as
"None" answers how much alcohol somebody drinks; only words that name nothing (n/a, NULL, nan, ?)
are missing. As a label of classes NA means missing too; but beside other codes NA may be sodium or
Namibia, and NAT, unless spelled NaT as data frames do, may be normal adjacent tissue: nobody can
tell, and the user is asked. A dash as a label means missing unless others grade a finding or say
that it is there (1+, pos), as then it says that it is not; where a label does so already (neg) the
dash is missing again, or beside a plus the user is asked.
``config.data.missing`` replaces the rule with words of the user's own, or adds to it.
"""

import dataclasses
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from medjax.data import text

USUAL = 'usual'
"""Stands for the rule above among the words of ``config.data.missing``."""

# What spreadsheets, data frames, databases and statistics packages write where there is no value.
_NOTHING = frozenset({'n/a', '#n/a', '#na', '<na>', 'n.a.', 'nan', 'null', '#null!', '?', '.'})
_NO_TIME = 'NaT'  # of data frames; in other case a name, such as NAT, normal adjacent tissue
# The same, but names as well: of a class, a level, an element, a country.
_PERHAPS = frozenset({
  'na', 'none', 'nil', 'nd', 'n.d.', '-', '--', '---', '\u2013', '\u2014', '*', '\\n',
  'missing', 'unknown', 'unk', 'not available', 'not done', 'not known', 'k.a.',
})  # fmt: skip
_ANY = _NOTHING | _PERHAPS | {_NO_TIME.lower()}
# Beside other codes, such as Na beside K or NA beside DE, these may be codes too; but not as data
# frames and databases spell them.
_CODES = frozenset({'na', 'nan', 'null'})
_DASHES = frozenset({'-', '--'})
_MACHINE = frozenset({'nan', 'NaN', 'NULL', 'null'})
_ANSWERS = frozenset({'yes', 'no', 'pos', 'neg', 'low', 'mid', 'ill', 'y', 'n', 'm', 'f', 't'})

# Words of labels that say that a finding is there, or that it is not.
_THERE = frozenset({'pos', 'positive', 'present', 'detected', 'reactive'})
_NOT_THERE = frozenset({
  '0', 'absent', 'neg', 'negative', 'nil', 'no', 'non', 'none', 'nonreactive', 'not', 'undetected',
})  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Missing:
  """What counts as missing.

  Attributes:
    usual: whether the usual words do, beside the empty cell.
    words: further words, as they are written.

  Example:
    >>> usual = Missing()
    >>> usual.number('None'), usual.level('None'), usual.level('NULL')
    (True, False, True)
    >>> Missing.of(('usual', '-9')).number('-9')
    True
  """

  usual: bool = True
  words: frozenset[str] = frozenset()

  @classmethod
  def of(cls, words: Sequence[str]) -> 'Missing':
    """From ``config.data.missing``."""
    cleaned = {text.clean(word) for word in words}
    return cls(USUAL in cleaned, frozenset(cleaned - {USUAL}))

  def to_json(self) -> list[str]:
    """As ``config.data.missing``, which ``of`` reads."""
    return [USUAL, *sorted(self.words)] if self.usual else sorted(self.words)

  def number(self, cell: str) -> bool:
    """Whether a cell means a missing value if its column is one of numbers."""
    if cell[:1].isdecimal():
      return cell in self.words
    cell = text.clean(cell)
    return self._given(cell) or (self.usual and cell.lower() in _ANY)

  def level(self, cell: str) -> bool:
    """Whether a cell means a missing value if its column is one of texts."""
    cell = text.clean(cell)
    return self._given(cell) or (self.usual and (cell.lower() in _NOTHING or cell == _NO_TIME))

  def label(self, label: str, labels: Collection[str]) -> bool | None:
    """Whether a label means a missing value if labels are classes; None where nobody can tell.

    Args:
      label: one of them.
      labels: all that are different.

    Example:
      >>> Missing().label('NA', ['ill', 'healthy', 'NA']), Missing().label('Na', ['Na', 'K', 'Cl'])
      (True, None)
    """
    label = text.clean(label)
    if self._given(label):
      return True
    if not self.usual:
      return False
    others = {text.clean(other) for other in labels} - {label}
    if label in _DASHES:
      return _is_missing_dash(others - _DASHES)
    if label.lower() == _NO_TIME.lower():
      return True if label == _NO_TIME else None
    if label.lower() not in _CODES and not self.level(label):
      return False
    codes = bool(others) and all(map(_is_code, others))
    return None if codes and label.lower() in _CODES and label not in _MACHINE else True

  def _given(self, cell: str) -> bool:
    return not cell or cell in self.words


def _is_code(label: str) -> bool:
  """Whether a label is an abbreviation, not a word."""
  short = len(label) <= 3 or (label.isupper() and len(label) <= 8)
  return short and label.lower() not in _ANSWERS and not label.startswith(('+', '-'))


def _is_missing_dash(labels: Collection[str]) -> bool | None:
  """Whether a dash beside labels means a missing value; None where nobody can tell."""
  words = {word for label in labels for word in re.findall(r'[^\W_]+', label.casefold())}
  bare = [label.strip('()[] ') for label in labels]
  plus = any(label.startswith(('+', '\u00b1')) or label.endswith('+') for label in bare)
  if words & _NOT_THERE or any(label.endswith('-') for label in bare if label.strip('-')):
    return None if plus else True
  return not (plus or words & _THERE)


def counted(cells: Iterable[str]) -> str:
  """How often each spelling of a missing value stands there, for notes.

  Example:
    >>> counted(['', 'NA', ''])
    '2 empty, 1 NA'
  """
  counts = Counter(text.clean(cell) or 'empty' for cell in cells)
  return ', '.join(f'{count} {word}' for word, count in counts.most_common())
