"""One DICOM data set without who it is of: each attribute by the table, sequences walked.

Beyond the table, as exports are careless: private attributes and attributes that no dictionary
knows are removed, and so are names of people, free texts, dates and addresses of machines (VR PN,
LT, ST, UT, UC, UR, AE, DA, DT, TM) that the table does not list. UIDs that it does not list are
replaced but for those of the standard. What still repeats a name or an id of the header is removed.
"""

import contextlib
import dataclasses
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from medjax.data.images import dicom_file, dicom_header
from medjax.deidentify import profile
from medjax.deidentify.keyed import Keyed
from medjax.deidentify.profile import Options

METHOD = f'medjax, basic profile of PS3.15 {profile.EDITION}'
_FREE = ('PN', 'LT', 'ST', 'UT', 'UC', 'UR', 'AE', 'UN')
_DATES = ('DA', 'DT', 'TM')
_TEXTS = ('AE', 'CS', 'LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UR', 'UT')
_STANDARD = '1.2.840.10008.'
_DUMMY = {
  'DA': '19000101', 'DT': '19000101000000', 'TM': '000000', 'AS': '000D', 'DS': '0', 'IS': '0',
  'PN': 'REMOVED', 'CS': 'REMOVED', 'AE': 'REMOVED', 'LO': 'REMOVED', 'SH': 'REMOVED',
  'LT': 'REMOVED', 'ST': 'REMOVED', 'UC': 'REMOVED', 'UT': 'REMOVED', 'UR': '', 'UN': b'',
  'SQ': [],
}  # fmt: skip
_PIXEL_GROUP = 0x0028
_SHORTEST = 3  # letters of a name that is looked for; an id has one more
# Attributes that hold who somebody is, whose values are looked for everywhere else.
_WHO = (
  'PatientID', 'OtherPatientIDs', 'AccessionNumber', 'PatientBirthName', 'PatientMotherBirthName',
  'AdmissionID', 'PatientTelephoneNumbers', 'MilitaryRank', 'MedicalRecordLocator',
)  # fmt: skip

Counts = Counter[tuple[str, str, str]]
"""How often, by tag, name and what was done."""


@dataclasses.dataclass(frozen=True)
class _Walk:
  """What one data set needs on the way."""

  keyed: Keyed
  options: Options
  patient: str
  counts: Counts


def deidentify(dataset: Any, keyed: Keyed, options: Options, name: str) -> Counts:
  """Changes a pydicom data set and its file meta in place.

  Args:
    dataset: as read.
    keyed: makes what stands for ids, UIDs and dates.
    options: what is kept.
    name: of the file, for one that has no UID of its own; what it is called in errors.

  Returns:
    How often which attribute was removed or changed, without values.

  Raises:
    UserError: it is damaged.
  """
  return dicom_file.guarded(name, lambda: _deidentify(dataset, keyed, options, name))


def patient_of(dataset: Any) -> str:
  """The id of the patient; of a file that names nobody the study, or ''."""
  written = str(dataset.get('PatientID') or '')
  if not dicom_header.stands_for_nobody(written):
    return written
  return str(dataset.get('StudyInstanceUID') or '')


def _deidentify(dataset: Any, keyed: Keyed, options: Options, name: str) -> Counts:
  counts: Counts = Counter()
  patient = patient_of(dataset)
  wanted = _identifiers(dataset)
  if not dataset.get('SOPInstanceUID'):
    dataset.SOPInstanceUID = keyed.uid(f'file {name}')
  walk = _Walk(keyed, options, patient, counts)
  _walk(dataset, walk)
  _remove_repeats(dataset, wanted, counts)
  pseudonym = keyed.patient(patient) or keyed.code('patient', name)
  dataset.PatientID, dataset.PatientName = pseudonym, pseudonym
  _tell(dataset, options)
  _replace_meta(dataset)
  return counts


def _walk(dataset: Any, walk: _Walk) -> None:
  """By the table, in this data set and in those of its sequences."""
  for tag in list(dataset.keys()):
    if tag.is_private:
      _count(walk, f'{tag.group:04x}xxxx', 'private attribute', 'removed')
      del dataset[tag]
      continue
    row = profile.row_of(int(tag))
    action = profile.actions(walk.options).get(row, '')
    element = dataset[tag]
    done = _apply(dataset, element, action or _unlisted(element, walk.options), walk)
    if done:
      _count(walk, row, profile.names().get(row) or element.name, done)
    if tag in dataset and dataset[tag].VR == 'SQ':
      for item in dataset[tag].value or ():
        _walk(item, walk)


def _count(walk: _Walk, tag: str, name: str, done: str) -> None:
  walk.counts[tag, name, done] += 1


def _unlisted(element: Any, options: Options) -> str:
  """The action for an attribute that is not in the table."""
  if element.VR in _FREE or not element.keyword:
    return 'X'
  if element.VR in _DATES:
    return 'C' if options.dates else 'X'
  # What kind of thing something is, is said by a UID as well, and names nobody.
  return 'U' if element.VR == 'UI' and not element.keyword.endswith('ClassUID') else 'K'


def _apply(dataset: Any, element: Any, action: str, walk: _Walk) -> str:
  """Does it; what was done, or '' for nothing."""
  if action == 'X':
    del dataset[element.tag]
    return 'removed'
  if action == 'K':
    return _capped(dataset, element)
  if element.VR == 'SQ' and action == 'U':
    return ''
  if action == 'U' or (element.VR == 'UI' and action == 'D'):
    return _other_uids(dataset, element, walk)
  if action == 'C':
    value = _mapped(element.value, lambda one: _date(one, element.VR, walk))
    _put(dataset, element, value)
    return 'moved' if value else 'emptied'
  if action == 'D' and element.value not in (None, '', b''):
    _put(dataset, element, _DUMMY.get(element.VR, b'' if element.VR[0] == 'O' else 0))
    return 'replaced'
  if element.value in (None, '', b''):
    return ''
  _put(dataset, element, [] if element.VR == 'SQ' else None)
  return 'emptied'


def _capped(dataset: Any, element: Any) -> str:
  if element.VR != 'AS' or not dicom_header.age(str(element.value or '')).endswith('+'):
    return ''
  _put(dataset, element, '090Y')
  return 'capped'


def _other_uids(dataset: Any, element: Any, walk: _Walk) -> str:
  def other(uid: str) -> str:
    if not uid or uid.startswith(_STANDARD):
      return uid
    return walk.keyed.uid(uid)

  value = _mapped(element.value, other)
  if value == element.value:
    return ''
  _put(dataset, element, value)
  return 'replaced'


def _date(written: str, vr: str, walk: _Walk) -> str:
  """Moved by the days of the patient; a time of day stays."""
  if vr == 'TM':
    return written
  return walk.keyed.moved(written, walk.patient) if walk.patient else ''


def _mapped(value: Any, function: Any) -> Any:
  """Of one value or of several."""
  if value is None or isinstance(value, str | bytes):
    return function(str(value or ''))
  return [function(str(one)) for one in value]


def _put(dataset: Any, element: Any, value: Any) -> None:
  dataset[element.tag] = type(element)(element.tag, element.VR, value)


def _identifiers(dataset: Any) -> set[str]:
  """Words of names of people and ids, in lower case, wherever in the data set they stand."""
  found = set()
  for element in dataset.iterall():
    if element.tag.is_private or element.value is None:
      continue
    if element.VR == 'PN':
      names = re.findall(r'[^\W\d_]+', str(element.value).casefold())
      found |= {word for word in names if len(word) >= _SHORTEST}
    elif element.keyword in _WHO or element.keyword == 'PatientBirthDate':
      values = re.split(r'[\\\[\],\' ]+', str(element.value).casefold())
      found |= {word for word in values if len(word) > _SHORTEST}
  return {word for word in found if not dicom_header.stands_for_nobody(word)}


def _remove_repeats(dataset: Any, wanted: set[str], counts: Counts) -> None:
  """Removes texts that say one of the words, but for those that pixels rest on."""
  if not wanted:
    return
  said = re.compile(r'(?<![^\W_])(' + '|'.join(map(re.escape, sorted(wanted))) + r')(?![^\W_])')
  for tag in list(dataset.keys()):
    element = dataset[tag]
    if element.VR == 'SQ':
      for item in element.value or ():
        _remove_repeats(item, wanted, counts)
    elif (
      element.VR in _TEXTS
      and tag.group != _PIXEL_GROUP
      and element.keyword not in ('Modality', 'SpecificCharacterSet')
      and said.search(str(element.value or '').casefold())
    ):
      row = profile.row_of(int(tag))
      counts[row, element.name, 'removed, as it repeats a name or an id'] += 1
      del dataset[tag]


def _tell(dataset: Any, options: Options) -> None:
  """Says in the header what was done (PS3.15, E.1.1, and PS3.3, C.7.1.1)."""
  pydicom = dicom_file.package()
  dataset.PatientIdentityRemoved = 'YES'
  dataset.DeidentificationMethod = METHOD
  codes = []
  for code, meaning in options.codes:
    item = pydicom.Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, 'DCM', meaning[:64]
    codes.append(item)
  dataset.DeidentificationMethodCodeSequence = codes
  dataset.LongitudinalTemporalInformationModified = 'MODIFIED' if options.dates else 'REMOVED'


def _replace_meta(dataset: Any) -> None:
  """File meta of our own making: what stood there names machines, and a UID from before."""
  pydicom = dicom_file.package()
  syntax = getattr(dataset, 'file_meta', {}).get('TransferSyntaxUID')
  if not syntax:
    implicit, little = dataset.original_encoding
    kind = 'ImplicitVRLittleEndian' if implicit else 'ExplicitVRLittleEndian'
    syntax = getattr(pydicom.uid, kind if little else 'ExplicitVRBigEndian')
  meta = pydicom.dataset.FileMetaDataset()
  meta.TransferSyntaxUID = syntax
  meta.MediaStorageSOPClassUID = dataset.get('SOPClassUID') or '1.2.840.10008.5.1.4.1.1.7'
  meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
  dataset.file_meta, dataset.preamble = meta, bytes(128)


@contextlib.contextmanager
def as_it_is() -> Iterator[None]:
  """Values that are kept are written as they were, whether the standard allows them or not."""
  settings = dicom_file.package().config.settings
  before = settings.writing_validation_mode
  settings.writing_validation_mode = dicom_file.package().config.IGNORE
  try:
    yield
  finally:
    settings.writing_validation_mode = before
