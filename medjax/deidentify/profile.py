"""What happens to each attribute of a DICOM file: table E.1-1 of DICOM PS3.15, Annex E.

``profile.csv`` holds the table of the edition 2026c: the basic profile, and three of its options
(modified dates, device identity, patient characteristics). Its actions: X removes, Z empties, D
puts a value that says nothing, U another UID, K keeps, C cleans. It was taken from the copies that
the packages dicom-anonymizer 2.1.0 (edition 2026c, basic profile) and idiscore 1.2.0 (2024c, with
options) read from https://dicom.nema.org/medical/dicom/current/output/chtml/part15/chapter_E.html,
which agree on each of the 622 attributes that both have. An attribute that only the newer edition
has, has no option here, and so the action of the basic profile.
"""

import csv
import dataclasses
import functools
import importlib.resources
import io

EDITION = '2026c'
_CODES = {
  'dates': ('113107', 'Retain Longitudinal Temporal Information Modified Dates Option'),
  'device': ('113109', 'Retain Device Identity Option'),
  'characteristics': ('113108', 'Retain Patient Characteristics Option'),
}
_COLUMNS = {'dates': 'modified_dates', 'device': 'device', 'characteristics': 'characteristics'}
# The action that suits an attribute whatever its type: a value for those that need one.
_ONE = {
  'X/Z': 'Z', 'X/D': 'D', 'Z/D': 'D', 'X/Z/D': 'D',
  'X/Z/U*': 'U',  # of a sequence: kept, with other UIDs in it
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Options:
  """What is kept beyond the basic profile.

  Attributes:
    dates: dates, moved by a number of days of each patient.
    device: which device made an image.
    characteristics: age (at most 90), sex, size, weight and the like.
  """

  dates: bool = False
  device: bool = False
  characteristics: bool = False

  @property
  def codes(self) -> list[tuple[str, str]]:
    """Codes and meanings (PS3.16, CID 7050) of the profile and the options in use."""
    on = [_CODES[name] for name in _CODES if getattr(self, name)]
    return [('113100', 'Basic Application Confidentiality Profile'), *on]


@functools.cache
def actions(options: Options) -> dict[str, str]:
  """The action for each attribute: X, Z, D, U, K, or C, which here is only of dates.

  Texts can be cleaned by nobody but a reader: where an option says C of another attribute, it has
  the action of the basic profile.

  Args:
    options: what is kept.

  Returns:
    By the tag in eight hexadecimal digits; an x stands for any.

  Example:
    >>> actions(Options())['00100010'], actions(Options(device=True))['00181000']
    ('Z', 'K')
  """
  chosen = {}
  for row in rows():
    told = [row[column] for name, column in _COLUMNS.items() if getattr(options, name)]
    action = _ONE.get(row['basic'], row['basic'])
    if 'K' in told:
      action = 'K'
    if options.dates and row['modified_dates'] == 'C':
      action = 'C'
    chosen[row['tag']] = action
  return chosen


@functools.cache
def rows() -> tuple[dict[str, str], ...]:
  """The rows of ``profile.csv``: tag, name, basic, modified_dates, device, characteristics."""
  file = importlib.resources.files('medjax.deidentify').joinpath('profile.csv')
  return tuple(csv.DictReader(io.StringIO(file.read_text('utf-8'))))


@functools.cache
def names() -> dict[str, str]:
  """The name of each attribute of the table, by its tag."""
  return {row['tag']: row['name'] for row in rows()}


def row_of(tag: int) -> str:
  """The tag of the row of the table for an attribute, or the attribute's own; see ``actions``.

  Example:
    >>> row_of(0x60023000), row_of(0x50101234), row_of(0x00100010)
    ('60xx3000', '50xxxxxx', '00100010')
  """
  group, element = tag >> 16, tag & 0xFFFF
  if group >> 8 == 0x50:
    return '50xxxxxx'
  if group >> 8 == 0x60 and f'60xx{element:04x}' in names():
    return f'60xx{element:04x}'
  return f'{tag:08x}'
