"""DICOM files: every row of the table, what hides elsewhere, and what stays consistent."""

import datetime
import io
import itertools
import pathlib
import sys

import numpy as np
import pytest

pydicom = pytest.importorskip('pydicom')

from pydicom.datadict import dictionary_VR, keyword_for_tag  # noqa: E402
from pydicom.dataset import Dataset  # noqa: E402
from pydicom.sequence import Sequence  # noqa: E402

from medjax.deidentify import dicom_dataset, profile  # noqa: E402
from medjax.deidentify.keyed import Keyed  # noqa: E402
from medjax.deidentify.profile import Options  # noqa: E402
from medjax.errors import UserError  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'data' / 'images'))
import made_dicom  # noqa: E402

BASIC = Options()
KEYED = Keyed(b'a key of tests, which is no secret')
PIXELS = np.arange(64, dtype=np.uint8).reshape(8, 8)
PLANTED = {
  'DA': '20200229', 'DT': '20200229101500', 'TM': '101501', 'UI': '1.2.3.4.5.6', 'AS': '093Y',
  'PN': 'Zweig^Paula', 'IS': '4711', 'DS': '47.11', 'US': 4711, 'UL': 4711, 'SS': 4711, 'FD': 47.11,
  'FL': 47.11, 'SL': 4711, 'OB': b'ZWEIG', 'OW': b'ZWEI', 'UN': b'ZWEIG', 'SV': 4711, 'UV': 4711,
  'AT': 0x00100010, 'OF': b'ZWEI', 'OD': b'ZWEIGELT', 'OL': b'ZWEI',
}  # fmt: skip


def made(**tags):
  return made_dicom.dataset(PIXELS, **{'PatientID': 'P 0017', **tags})


def cleaned(dataset, options=BASIC, name='a.dcm'):
  counts = dicom_dataset.deidentify(dataset, KEYED, options, name)
  return dataset, counts


def written(dataset):
  file = io.BytesIO()
  with dicom_dataset.as_it_is():
    dataset.save_as(file, enforce_file_format=True)
  return file.getvalue()


def planted(tag):
  vr = dictionary_VR(int(tag, 16)).split(' ')[0]
  if vr == 'SQ':
    item = Dataset()
    item.PatientName = 'Zweig^Paula'
    return vr, Sequence([item])
  return vr, PLANTED.get(vr, 'ZWEIG 4711')


ROWS = [
  row
  for row in profile.rows()
  if 'x' not in row['tag']
  and keyword_for_tag(int(row['tag'], 16))
  and not row['tag'].startswith(('0000', '0002', 'ff'))
]


def test_the_table_is_whole():
  """Attributes, and options, as the standard's own table has them; spot checks by hand."""
  table = {row['tag']: row for row in profile.rows()}
  assert len(table) == 655
  assert {row['basic'] for row in table.values()} == {
    'D', 'Z', 'X', 'U', 'Z/D', 'X/Z', 'X/D', 'X/Z/D', 'X/Z/U*',
  }  # fmt: skip
  told = {
    '00100010': 'Z', '00100020': 'Z/D', '00100030': 'Z', '00080050': 'Z', '00080090': 'Z',
    '0008103e': 'X', '00181000': 'X/Z/D', '0020000d': 'U', '0040a730': 'D', '00104000': 'X',
    '60xx3000': 'X', '50xxxxxx': 'X', '00081140': 'X/Z/U*', '00101010': 'X', '00880200': 'X',
  }  # fmt: skip
  assert {tag: table[tag]['basic'] for tag in told} == told
  assert sum(row['modified_dates'] == 'C' for row in table.values()) == 165
  assert [table[tag]['device'] for tag in ('00181000', '00081010', '00080055')] == ['K', 'K', 'C']
  assert table['00101010']['characteristics'] == 'K'


@pytest.mark.parametrize('row', ROWS, ids=[row['tag'] for row in ROWS])
def test_no_attribute_of_the_table_stays(row):
  tag = int(row['tag'], 16)
  vr, value = planted(row['tag'])
  dataset = made()
  dataset.add_new(tag, vr, value)
  found, counts = cleaned(dataset)
  action = profile.actions(Options())[row['tag']]
  if tag not in (0x00100010, 0x00100020):
    assert (tag in found) == (action != 'X')
    if tag in found and vr != 'SQ':
      assert found[tag].value != value
    if action == 'U' and vr == 'UI':
      assert found[tag].value == KEYED.uid('1.2.3.4.5.6')
  assert any(of == row['tag'] for of, _, _ in counts) or action == 'U'
  content = written(found).upper()
  assert b'ZWEIG' not in content
  assert b'20200229' not in content


def test_what_hides_elsewhere_is_found():
  inner, outer = Dataset(), Dataset()
  inner.PatientName, inner.ReferencedSOPInstanceUID = 'Zweig^Paula', '1.2.3.9'
  inner.add_new(0x00111001, 'LO', 'ZWEIG')
  outer.SourceImageSequence = Sequence([inner])
  outer.OperatorsName = 'Zweig'
  dataset = made(
    PatientName='Zweig^Paula',
    RequestAttributesSequence=Sequence([outer]),
    ManufacturerModelName='Scanner of Zweig',
    BodyPartExamined='CHEST',
    AccessionNumber='A998877',
    KVP='80',
    Manufacturer='A998877 Inc',
    EnergyWindowName='head',
  )
  dataset.SourceImageSequence = Sequence([inner])
  dataset.add_new(0x00091001, 'LO', 'Zweig')
  dataset.add_new(0x00080102, 'SH', 'kept')
  dataset.add_new(0x60003000, 'OW', b'ZWEI')
  dataset.add_new(0x60000010, 'US', 8)
  dataset.add_new(0x50100010, 'LO', 'ZWEIG')
  dataset.add_new(0x00087777, 'LO', 'unknown ZWEIG')
  dataset.file_meta.SourceApplicationEntityTitle = 'ZWEIG_WS'
  dataset.preamble = b'ZWEIG'.ljust(128, b'\0')
  found, counts = cleaned(dataset)
  content = written(found)
  for word in (b'Zweig', b'ZWEIG', b'A998877', b'0017'):
    assert word not in content
  assert (found.BodyPartExamined, found.KVP, found.PhotometricInterpretation) == (
    'CHEST', 80, 'MONOCHROME2',
  )  # fmt: skip
  assert found.SourceImageSequence[0].ReferencedSOPInstanceUID == KEYED.uid('1.2.3.9')
  again = pydicom.dcmread(io.BytesIO(content))
  assert again.file_meta.MediaStorageSOPInstanceUID == again.SOPInstanceUID
  assert again.PatientIdentityRemoved == 'YES'
  assert again.DeidentificationMethodCodeSequence[0].CodeValue == '113100'
  np.testing.assert_array_equal(again.pixel_array, PIXELS)
  assert 'Zweig' not in repr(counts)


def test_uids_and_patients_are_the_same_in_all_files():
  first, _ = cleaned(made(PatientID='P 0017', StudyInstanceUID='1.2.7', SOPInstanceUID='1.2.7.1'))
  item = Dataset()
  item.ReferencedSOPInstanceUID = '1.2.7.1'
  item.ReferencedSOPClassUID = made_dicom.DIGITAL_XRAY
  second, _ = cleaned(
    made(PatientID='p17', StudyInstanceUID='1.2.7', ReferencedImageSequence=Sequence([item]))
  )
  assert second.StudyInstanceUID == first.StudyInstanceUID != '1.2.7'
  assert second.ReferencedImageSequence[0].ReferencedSOPInstanceUID == first.SOPInstanceUID
  assert second.ReferencedImageSequence[0].ReferencedSOPClassUID == made_dicom.DIGITAL_XRAY
  assert second.SOPInstanceUID != first.SOPInstanceUID
  assert second.PatientID == first.PatientID == first.PatientName
  assert pydicom.uid.UID(first.StudyInstanceUID).is_valid
  other = made(PatientID='P 0017')
  dicom_dataset.deidentify(other, Keyed(b'another key'), Options(), 'a')
  assert other.PatientID != first.PatientID


def test_dates_move_together_and_keep_their_intervals():
  days = []
  for date in ('20200115', '20200301', '20211231'):
    found, _ = cleaned(
      made(StudyDate=date, StudyTime='101500', AcquisitionDateTime=f'{date}101500.5+0100'),
      Options(dates=True),
    )
    days.append(datetime.datetime.strptime(found.StudyDate, '%Y%m%d'))
    assert found.StudyDate != date
    assert found.AcquisitionDateTime == f'{found.StudyDate}101500.5+0100'
    assert found.StudyTime == '101500'
    assert found.LongitudinalTemporalInformationModified == 'MODIFIED'
  assert [(b - a).days for a, b in itertools.pairwise(days)] == [46, 670]
  other, _ = cleaned(made(PatientID='Q2', StudyDate='20200115'), Options(dates=True))
  assert other.StudyDate != days[0].strftime('%Y%m%d')
  assert 1 <= KEYED.days('Q2') <= 3650


@pytest.mark.parametrize('date', ['202003', '2020', 'today', '20201340'])
def test_a_date_that_cannot_be_moved_is_emptied(date):
  with dicom_dataset.as_it_is():
    dataset = made()
    dataset[0x00080020] = pydicom.DataElement(
      0x00080020, 'DA', date, validation_mode=pydicom.config.IGNORE
    )
    found, counts = cleaned(dataset, Options(dates=True))
  assert not found.StudyDate
  assert counts['00080020', 'Study Date', 'emptied'] == 1


@pytest.mark.parametrize(
  ('age', 'kept'), [('089Y', '089Y'), ('090Y', '090Y'), ('093Y', '090Y'), ('018M', '018M')]
)
def test_ages_are_capped_where_they_are_kept(age, kept):
  asked = Options(characteristics=True)
  tags = {'PatientAge': age, 'PatientSex': 'F', 'PatientBirthDate': '19300101'}
  found, _ = cleaned(made(**tags), asked)
  assert (found.PatientAge, found.PatientSex, found.PatientBirthDate or '') == (kept, 'F', '')
  assert 'PatientAge' not in cleaned(made(**tags))[0]


def test_devices_are_kept_when_asked_for():
  tags = {'DeviceSerialNumber': 'SN 1', 'StationName': 'XR2', 'StationAETitle': 'AE2'}
  found, _ = cleaned(made(**tags), Options(device=True))
  assert (found.DeviceSerialNumber, found.StationName) == ('SN 1', 'XR2')
  assert 'StationAETitle' not in found
  assert [code for code, _ in Options(device=True).codes] == ['113100', '113109']


def test_files_that_name_nobody_are_told_apart_by_their_study():
  one, _ = cleaned(made(PatientID='ANONYMOUS', StudyInstanceUID='1.2.1'))
  two, _ = cleaned(made(PatientID='ANONYMOUS', StudyInstanceUID='1.2.2'))
  assert one.PatientID != two.PatientID
  three, _ = cleaned(made(PatientID=''), name='b.dcm')
  assert three.PatientID.startswith('patient-')


def test_a_damaged_data_set_is_one_line():
  dataset = made()
  dataset[0x00081140] = pydicom.dataelem.RawDataElement(
    pydicom.tag.Tag(0x00081140), 'SQ', 4, b'\1\2\3\4', 0, False, True
  )
  with pytest.raises(UserError, match=r'^a\.dcm: DICOM file'):
    cleaned(dataset)
