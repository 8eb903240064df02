"""Who is in DICOM files, for splits and intervals: by their headers, where no table says it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from medjax.data import patients
from medjax.data.images.messages import one_line
from medjax.errors import UserError

_WIN = 'the patients of the table count'


def described(rows: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
  """Rows with group and metadata from the headers of DICOM files, and notes.

  Patients of a table count; headers that say otherwise are noted. Without a table's, pictures of
  one PatientID are one group. Where a file has none, or one that anonymisers write, or where all
  files have the same, it is the study, and where all have the same study, the file.

  Args:
    rows: of pictures, with ``group`` ('' where nothing says it), ``file``, ``metadata`` and
      ``header``. Columns of a table win over those of headers.
  """
  if not any(row['header'] for row in rows):
    return list(rows), []
  notes = _remarks(rows)
  if any(row['group'] for row in rows):
    groups = [row['group'] for row in rows]
    notes += _contradictions(rows)
  else:
    groups, found = _groups(rows)
    notes += found
  made = []
  for row, group in zip(rows, groups, strict=True):
    header = row['header']
    study = {'study': header.study} if header and header.study else {}
    columns = {**study, **header.columns} if header else {}
    made.append({**row, 'group': group, 'metadata': {**columns, **row['metadata']}})
  return made, notes


def _remarks(rows: Sequence[dict[str, Any]]) -> list[str]:
  of_file = {row['file']: row['header'] for row in rows if row['header']}
  lacking = sum(not header.windowed for header in of_file.values())
  text = sum(header.may_show_text for header in of_file.values())
  notes = []
  if lacking:
    notes.append(
      f'{lacking} of {len(of_file)} DICOM files have no window: black and white follow from their '
      'pixels'
    )
  if text:
    notes.append(
      f'{text} of {len(of_file)} DICOM files are secondary captures, or say that text is burned '
      'in: names may stand in their pixels, and a network may read where a picture comes from'
    )
  return notes


def _contradictions(rows: Sequence[dict[str, Any]]) -> list[str]:
  """Notes where patients of a table are not those of headers."""
  ids, people = defaultdict(set), defaultdict(set)
  for row in rows:
    if row['header'] and row['header'].patient and row['group']:
      person = patients.key(row['group'])
      ids[person].add(row['header'].patient)
      people[row['header'].patient].add(person)
  notes = []
  shared = sum(len(found) > 1 for found in people.values())
  if shared:
    notes.append(
      f'{shared} of {len(people)} PatientIDs of DICOM headers stand for several patients of the '
      f'table; {_WIN}'
    )
  split = sum(len(found) > 1 for found in ids.values())
  if split:
    notes.append(
      f'{split} of {len(ids)} patients of the table have several PatientIDs in DICOM headers; '
      f'{_WIN}'
    )
  return notes


def _groups(rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[str]]:
  """The group of each row by its header, and notes; '' for the file by itself."""
  of_file = {row['file']: row['header'] for row in rows if row['header']}
  headers = list(of_file.values())
  ids = {header.patient for header in headers if header.patient}
  everybody = len(ids) == 1 and len(headers) > 1 and all(header.patient for header in headers)
  lacking = [header for header in headers if everybody or not header.patient]
  studies = {header.study for header in lacking if header.study}
  by_study = len(studies) > 1 or len(lacking) == 1
  notes = []
  if len(lacking) < len(headers):
    notes.append(
      f'{len(ids)} patients in {len(headers) - len(lacking)} DICOM files, by PatientID, which is '
      'kept as a keyed digest'
    )
    spelled = {header.spelled for header in headers if header.patient}
    if len(spelled) > len(ids):
      notes.append(f'{len(spelled)} spellings of {len(ids)} PatientIDs: each is taken as one')
  if lacking:
    why = (
      f'all {len(headers)} DICOM files have the same PatientID'
      if everybody
      else f'{len(lacking)} of {len(headers)} DICOM files have no PatientID, or one that stands '
      'for nobody, such as ANONYMOUS'
    )
    each = 'study' if by_study and studies else 'file'
    notes.append(f'{why}: each {each} is taken by itself')
  groups = []
  for row in rows:
    header = row['header']
    if header and header.patient and not everybody:
      groups.append(header.patient)
    else:
      groups.append(header.study if header and by_study else '')
  return groups, notes


def require_one_split(rows: Sequence[dict[str, Any]], splits: Sequence[str]) -> None:
  """Sees that no patient whom headers name is in two given splits, and names files, not digests.

  Args:
    rows: with ``group``, ``id`` and ``header``.
    splits: of each; '' is none.

  Raises:
    UserError: one is.
  """
  first: dict[str, tuple[str, str]] = {}
  for row, split in zip(rows, splits, strict=True):
    if not (row['header'] and row['group'] and split):
      continue
    name, other = first.setdefault(row['group'], (row['id'], split))
    if other != split:
      raise UserError(
        f'{one_line(name)} in {other} and {one_line(row["id"])} in {split} are of one patient by '
        'their DICOM headers; results would be too good (config.data.allow_group_overlap=true '
        'takes it anyway)'
      )
