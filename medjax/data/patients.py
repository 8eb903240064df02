"""Who is the same patient, however an export spells the name."""

import re
from collections import Counter
from collections.abc import Sequence

from medjax.data import text

_WHOLE = re.compile(r'(\d+)\.0+')  # a number that went through a column of floats
# What hospitals and registries call the column, but for case, blanks, points and lines.
COLUMNS = frozenset({
  'patient', 'patientid', 'patientno', 'patientnr', 'patientnumber', 'patientname', 'patientkey',
  'patid', 'patno', 'patnr', 'ptid', 'pid', 'mrn', 'subject', 'subjectid', 'subjectno', 'subjid',
  'subjectkey', 'person', 'personid', 'participant', 'participantid', 'individual', 'individualid',
  'donor', 'donorid', 'caseid', 'eid',
})  # fmt: skip


def key(name: str) -> str:
  """What all spellings of one patient have in common.

  Neither case nor blanks count, nor the form of Unicode; of numbers neither zeros in front nor a
  fraction of zeros, which spreadsheets take away and add.

  Args:
    name: as a table has it.

  Example:
    >>> key('P 001') == key('p001'), key('0012') == key('12.0'), key('P1') == key('P01')
    (True, True, False)
  """
  found = text.key(name)
  whole = _WHOLE.fullmatch(found)
  found = whole[1] if whole else found
  return (found.lstrip('0') or '0') if found.isdecimal() else found


def one_each(names: Sequence[str]) -> tuple[list[str], list[str]]:
  """One spelling for each patient, the first that stands there, and a note on the others.

  Args:
    names: of N examples.

  Returns:
    The name of each, and the notes.

  Example:
    >>> one_each(['P1', 'p1', 'P2'])[0]
    ['P1', 'P1', 'P2']
  """
  first: dict[str, str] = {}
  spelled: dict[str, Counter[str]] = {}
  for name in names:
    found = key(name)
    first.setdefault(found, name)
    spelled.setdefault(found, Counter())[name] += 1
  several = {found: list(ways) for found, ways in spelled.items() if len(ways) > 1}
  notes = []
  if several:
    ways = next(iter(several.values()))
    notes.append(
      f'{len(several)} of {len(first)} groups are spelled in more than one way, such as '
      f'{ways[0]!r} and {ways[1]!r}: each is taken as one'
    )
  return [first[key(name)] for name in names], notes


def is_column(name: str) -> bool:
  """Whether a column has a name in use for that of patients.

  Example:
    >>> is_column('Patient ID'), is_column('subject_id'), is_column('patients')
    (True, True, False)
  """
  return re.sub(r'[\W_]', '', text.key(name)) in COLUMNS
