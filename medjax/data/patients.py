"""Who is the same patient, however an export spells the name."""

import re
from collections import Counter
from collections.abc import Sequence

from medjax.data import text

# Numbers that went through a column of floats, or were written for reading.
_WHOLE = re.compile(r'(\d+)(?:\.0+|,00?)')
_THOUSANDS = re.compile(r'\d{1,3}(?:,\d{3})+')
_ZEROS = re.compile(r'(?<![\d.])0+(?=\d)')
# What hospitals and registries call the column, but for case, blanks, points and lines.
_COLUMN = re.compile(
  r'(anon(ymi[sz]ed)?|deid(entified)?|study|hospital|hosp|orig(inal)?|dicom|unique)?('
  r'(patient|patienten|subject|participant|person|individual|donor|proband|probanden|pseudonym)'
  r'(id|idhash|idnr|no|nr|num|number|nummer|name|key|code|mrn|uid|identifier|hash|pseudonym)?'
  r'|(pat|subj|usubj|pt)(id|no|nr|num|number)'
  # The number that a hospital gives to a patient; its id may be that of the hospital.
  r'|(hospital|hosp|krankenhaus|medicalrecord|nhs)(no|nr|num|number|nummer)|caseid|pid|mrn|eid|empi|patientunitstayid'
  r')\d*'
)


def key(name: str) -> str:
  """What all spellings of one patient have in common.

  Neither case nor blanks count, nor the form of Unicode, nor whether parts are joined by - or _; of
  numbers neither zeros in front nor a fraction of zeros, which spreadsheets take away and add, nor
  commas between thousands. Two patients who differ in these alone are taken for one, which is safe
  for a split, and said.

  Args:
    name: as a table has it.

  Example:
    >>> key('P 001') == key('p1'), key('0012') == key('12.0'), key('P1') == key('P10')
    (True, True, False)
  """
  found = text.key(name).removeprefix("'").replace('_', '-')  # Excel's mark of a text
  if whole := _WHOLE.fullmatch(found):
    found = whole[1]
  elif _THOUSANDS.fullmatch(found):
    found = found.replace(',', '')
  return _ZEROS.sub('', found)


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
  return bool(_COLUMN.fullmatch(re.sub(r'[\W_]', '', text.key(name))))
