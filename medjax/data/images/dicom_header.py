"""What the header of a DICOM file says of its case, without saying who it is.

Of all that identifies a person only the patient's id and the number of the study are read, and no
more than a keyed digest of either leaves this file; see ``pseudonym``.
"""

import dataclasses
import re
from typing import Any, BinaryIO

from medjax.data import patients, personal, text
from medjax.data.images import dicom_file, dicom_greys
from medjax.data.images.pseudonym import Pseudonyms

_TAGS = (
  'PatientID', 'StudyInstanceUID', 'ViewPosition', 'PatientAge', 'PatientSex', 'NumberOfFrames',
  'SOPClassUID', 'BurnedInAnnotation', 'WindowCenter', 'WindowWidth', 'VOILUTFunction',
  'VOILUTSequence', 'SharedFunctionalGroupsSequence',
)  # fmt: skip
_YEARS = {'Y': 1.0, 'M': 1 / 12, 'W': 7 / 365.25, 'D': 1 / 365.25}
# Terms of PS3.3 C.8.1.1 and CID 4014, and what scanners write; another text may be anything.
_VIEWS = frozenset({
  'AP', 'PA', 'LL', 'RL', 'LLD', 'RLD', 'LLO', 'RLO', 'LAT', 'LATERAL', 'OBL', 'OBLIQUE', 'AX',
  'AXIAL', 'LAO', 'RAO', 'LPO', 'RPO', 'CC', 'ML', 'LM', 'MLO', 'LMO', 'XCC', 'XCCL', 'XCCM', 'FB',
  'SIO', 'ISO', 'CV', 'AT', 'SUNRISE', 'SWIMMERS',
})  # fmt: skip
_SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7'
# What is written in place of an id, once marks and digits are taken away.
_NOBODY = re.compile(
  r'(anon[a-z]*|de?identif[a-z]*|pseudonym[a-z]*|removed|redacted|unknown|none|null|na|nan|noid|no|x+|test|'
  r'patient|patientid|id|pat|default|empty|missing|unbekannt|inconnu|hidden|private)?'
)


@dataclasses.dataclass(frozen=True)
class Header:
  """What is told of a file.

  Attributes:
    patient: digest of the id, '' where there is none or one that stands for nobody.
    spelled: digest of the id as it is spelled.
    study: digest of the study, '' where there is none.
    columns: view, age in years and sex, where the header says them.
    frames: how many there are.
    windowed: whether it says what is black and what is white.
    may_show_text: whether it says that text may stand in the pixels.
  """

  patient: str
  spelled: str
  study: str
  columns: dict[str, str]
  frames: int
  windowed: bool
  may_show_text: bool


def read(file: BinaryIO, name: str, pseudonyms: Pseudonyms) -> Header:
  """Reads a header.

  Args:
    file: from its beginning on.
    name: what it is called in errors.
    pseudonyms: make the digests.

  Raises:
    dicom_file.NoPictureError: it holds no pixels.
    UserError: it is damaged, or names more frames than any file has.
  """
  found = dicom_file.header(file, name, _TAGS)
  return dicom_file.guarded(name, lambda: _header(found, name, pseudonyms))


def frames(file: BinaryIO, name: str) -> int:
  """How many frames a file has; raises what ``read`` does."""
  found = dicom_file.header(file, name, ('NumberOfFrames', 'SOPClassUID'))
  return dicom_file.guarded(name, lambda: dicom_file.frames(found, name))


def _header(found: Any, name: str, pseudonyms: Pseudonyms) -> Header:
  spelled = _text(found, 'PatientID')
  patient = patients.key(spelled)
  study = _text(found, 'StudyInstanceUID')
  view, sex = _text(found, 'ViewPosition').upper(), _text(found, 'PatientSex').upper()
  columns = {
    'view': view if view in _VIEWS else '',
    'age': age(_text(found, 'PatientAge')),
    'sex': sex if sex in ('M', 'F', 'O') else '',
  }
  capture = _text(found, 'SOPClassUID')
  return Header(
    '' if stands_for_nobody(spelled) else pseudonyms('patient', patient),
    pseudonyms('spelling', spelled),
    pseudonyms('study', study) if study else '',
    {column: value for column, value in columns.items() if value},
    dicom_file.frames(found, name),
    dicom_greys.windowed(found) or 'SharedFunctionalGroupsSequence' in found,
    _text(found, 'BurnedInAnnotation').upper() == 'YES'
    or f'{capture}.'.startswith(f'{_SECONDARY_CAPTURE}.'),
  )


def _text(found: Any, keyword: str) -> str:
  value = found.get(keyword)
  return '' if value is None else text.clean(str(value))


def stands_for_nobody(patient: str) -> bool:
  """Whether an id is what anonymisers and careless exports put in the place of one.

  Example:
    >>> [stands_for_nobody(name) for name in ('', 'ANONYMOUS', 'Anon^^', '0000', 'anon17', '123')]
    [True, True, True, True, False, False]
  """
  plain = re.sub(r'[\W_]', '', text.key(patient))
  return bool(re.fullmatch('0*', plain) or _NOBODY.fullmatch(plain))


def age(written: str) -> str:
  """The age in years that DICOM writes as 062Y, 018M, 003W or 010D; '' for another text.

  Example:
    >>> [age(text) for text in ('062Y', '018M', '093Y', '62')]
    ['62', '1.5', '90+', '']
  """
  match = re.fullmatch(r'(\d{1,3})([YMWD])', written.upper())
  if not match:
    return ''
  years = int(match[1]) * _YEARS[match[2]]
  return f'{personal.OLDEST + 1}+' if years > personal.OLDEST else f'{years:.3g}'
