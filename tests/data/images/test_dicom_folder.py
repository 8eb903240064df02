"""Folders of DICOM: who is a patient, what is told of a case, and what is not."""

import pathlib

import numpy as np
import pytest

from medjax.data import images
from medjax.data.images import dicom_header, dicom_patients, folder, loader, prepare, pseudonym
from medjax.errors import UserError

pytest.importorskip('pydicom')
import made_dicom


def _load(path, **options):
  return folder.load(pathlib.Path(path), images.Config(**options))


def _cohort(at, count=24, **tags):
  """Class folders of ``count`` images; a tag may be a function of the number."""
  for i in range(count):
    pixels = np.random.default_rng(i).integers(0, 4000, (16, 16)).astype(np.uint16)
    found = {name: tag(i) if callable(tag) else tag for name, tag in tags.items()}
    made_dicom.write(at / ('normal', 'ill')[i % 2] / f'IM{i:04d}', pixels, **found)


def _groups(source):
  """Numbers of the images of each group."""
  of: dict[str, list[int]] = {}
  for record in source.records:
    of.setdefault(record.group, []).append(int(record.id[-4:]))
  return sorted(sorted(numbers) for numbers in of.values())


def _noted(source, text):
  return [note for note in source.notes if text in note]


def test_patients_and_columns_come_from_headers(tmp_path):
  _cohort(
    tmp_path, PatientID=lambda i: f'MRN{i // 2}', StudyInstanceUID=lambda i: f'1.2.{i // 3}',
    ViewPosition='PA', PatientAge=lambda i: f'{30 + 3 * i:03d}Y', PatientSex='F',
  )  # fmt: skip
  source = _load(tmp_path)
  assert source.classes == ('normal', 'ill')
  assert _groups(source) == [[i, i + 1] for i in range(0, 24, 2)]
  assert all(record.group.startswith('patient-') for record in source.records)
  assert not any('MRN' in record.group for record in source.records)
  assert _noted(source, '12 patients in 24 DICOM files, by PatientID')
  (third,) = (record for record in source.records if record.id.endswith('0003'))
  pixels, label, columns = third.read(16, 1)
  assert (pixels.shape, label) == ((16, 16, 1), 'ill')
  assert columns.pop('study').startswith('study-')
  assert columns == {'view': 'PA', 'age': '39', 'sex': 'F'}
  assert _groups(_load(tmp_path)) == _groups(source)
  assert not _noted(source, 'no patient column')


def test_spellings_of_an_id_are_one_patient(tmp_path):
  _cohort(tmp_path, PatientID=lambda i: (f' {100 + i // 2}', f'{100 + i // 2}')[i % 2])
  source = _load(tmp_path)
  assert len(_groups(source)) == 12
  _cohort(tmp_path, PatientID=lambda i: (f'0{100 + i // 2}', f'{100 + i // 2}')[i % 2])
  source = _load(tmp_path)
  assert len(_groups(source)) == 12
  assert _noted(source, '24 spellings of 12 PatientIDs: each is taken as one')


@pytest.mark.parametrize('nobody', ['', 'ANONYMOUS', 'anon', '00000', 'the same for all'])
def test_an_id_of_everybody_is_nobodys(tmp_path, nobody):
  _cohort(tmp_path, PatientID=nobody, StudyInstanceUID=lambda i: f'1.2.{i // 2}')
  source = _load(tmp_path)
  assert _groups(source) == [[i, i + 1] for i in range(0, 24, 2)]
  assert _noted(source, 'PatientID')[0].endswith(': each study is taken by itself')
  _cohort(tmp_path, PatientID=nobody, StudyInstanceUID='1.2.3')
  source = _load(tmp_path)
  assert _groups(source) == [[i] for i in range(24)]
  assert _noted(source, ': each file is taken by itself')


def test_only_those_without_an_id_go_by_study(tmp_path):
  _cohort(
    tmp_path,
    PatientID=lambda i: f'P{i // 4}' if i < 12 else '',
    StudyInstanceUID=lambda i: f'1.{i // 2}',
  )
  source = _load(tmp_path)
  expected = [list(range(i, i + 4)) for i in (0, 4, 8)] + [[i, i + 1] for i in range(12, 24, 2)]
  assert _groups(source) == expected
  assert _noted(source, '3 patients in 12 DICOM files')
  assert _noted(source, '12 of 24 DICOM files have no PatientID')


def test_patients_of_the_table_count_and_contradictions_are_noted(tmp_path):
  _cohort(tmp_path, PatientID=lambda i: f'P{i // 4}', PatientAge='050Y')
  rows = [f'{("normal", "ill")[i % 2]}/IM{i:04d},{i % 2},t{i // 3},{i}' for i in range(24)]
  (tmp_path / 'labels.csv').write_text('\n'.join(['file,label,patient,age', *rows]))
  source = _load(tmp_path)
  assert _groups(source) == [[i, i + 1, i + 2] for i in range(0, 24, 3)]
  assert source.records[3].group == 't1'
  assert _noted(
    source, '6 of 6 PatientIDs of DICOM headers stand for several patients of the table'
  )
  assert _noted(source, '4 of 8 patients of the table have several PatientIDs in DICOM headers')
  assert source.records[5].read(16, 1)[2]['age'] == '5'


def test_a_patient_in_two_given_splits_is_refused_by_the_names_of_files(tmp_path):
  for where, first in (('train', 0), ('val', 12), ('test', 20)):
    _cohort(tmp_path / where, 12, PatientID=lambda i, first=first: f'SECRET{first + i}',
            StudyDate=where)  # fmt: skip
  for path in (tmp_path / 'val').glob('*/*'):
    path.write_bytes(path.read_bytes() + b'')
  with pytest.raises(UserError) as caught:
    _load(tmp_path)
  assert 'are of one patient by their DICOM headers' in str(caught.value)
  assert 'SECRET' not in str(caught.value)
  assert '\n' not in str(caught.value)


def test_the_fingerprint_does_not_hang_on_the_key(tmp_path, monkeypatch):
  _cohort(tmp_path / 'set', PatientID=lambda i: f'P{i // 2}', StudyInstanceUID=lambda i: f'1.{i}')
  sources = []
  for name in ('a', 'b'):
    monkeypatch.setenv('MEDJAX_CACHE', str(tmp_path / name))
    sources.append(_load(tmp_path / 'set'))
  one, other = sources
  assert {record.group for record in one.records}.isdisjoint(r.group for r in other.records)
  assert [record.split for record in one.records] == [record.split for record in other.records]
  assert (one.fingerprint, one.content) == (other.fingerprint, other.content)


def test_files_without_pixels_are_left_out_of_class_folders_and_named_in_tables(tmp_path):
  _cohort(tmp_path, PatientID=lambda i: f'P{i}')
  report = made_dicom.dataset(np.zeros((8, 8), np.uint8))
  report.SOPClassUID = '1.2.840.10008.5.1.4.1.1.88.11'
  del report.Rows, report.Columns, report.PixelData
  report.save_as(tmp_path / 'ill' / 'SR.dcm', enforce_file_format=True)
  for name in ('ill/Thumbs.db', 'ill/image.json', 'normal/notes.txt'):
    (tmp_path / name).write_text('{}')
  source = _load(tmp_path)
  assert len(source.records) == 24
  assert _noted(source, '1 files left out, which are DICOM without pixels: 1 DICOM file (SR.dcm)')
  assert _noted(source, '3 files left out, which are no images of a class')
  rows = [f'{("normal", "ill")[i % 2]}/IM{i:04d},{i % 2}' for i in range(24)]
  (tmp_path / 'labels.csv').write_text('\n'.join(['file,label', *rows, 'ill/SR.dcm,1']))
  assert len(_load(tmp_path).records) == 25
  config = images.Config(source=str(tmp_path), image_size=8, channels=1)
  data = loader.load(config, simulator=None, classes=('0', '1'))
  assert sum(map(len, data.splits.values())) == 24
  assert any('1 of 25 images cannot be read and are left out' in note for note in data.notes)
  with pytest.raises(UserError, match=r'SR.dcm: DICOM file without pixels .*max_broken=0.01'):
    loader.load(
      images.Config(source=str(tmp_path), image_size=8, channels=1, max_broken=0.01),
      simulator=None,
      classes=('0', '1'),
    )


def test_frames_of_a_film_are_one_group(tmp_path):
  for i in range(12):
    film = np.random.default_rng(i).integers(0, 255, (5, 16, 16), np.uint8)
    made_dicom.write(tmp_path / ('a', 'b')[i % 2] / f'{i}.dcm', film, PatientID=f'P{i}')
  source = _load(tmp_path)
  assert len(source.records) == 12
  assert _noted(source, '12 files hold several frames: the middle one is taken')
  source = _load(tmp_path, slices=2)
  assert len(source.records) == 36
  assert len({record.group for record in source.records}) == 12
  assert {record.id for record in source.records if '/3.dcm' in record.id} == {
    f'b/3.dcm#{number}' for number in (1, 3, 5)
  }
  data = prepare.prepare(source, images.Images(16, 16, 1), tmp_path / 'cache')
  assert data.summary()['groups_in_two_splits'] == 0
  assert sum(map(len, data.splits.values())) == 36


def test_burned_in_text_and_missing_windows_are_noted(tmp_path):
  kinds = (made_dicom.SECONDARY_CAPTURE, made_dicom.DIGITAL_XRAY)
  _cohort(
    tmp_path,
    PatientID=lambda i: f'P{i}',
    BurnedInAnnotation=lambda i: 'YES' if i > 21 else 'NO',
    SOPClassUID=lambda i: kinds[i >= 3],
  )
  source = _load(tmp_path)
  assert _noted(source, '5 of 24 DICOM files are secondary captures, or say that text is burned in')
  assert _noted(source, '24 of 24 DICOM files have no window')


@pytest.mark.parametrize(
  ('written', 'years'),
  [('062Y', '62'), ('089Y', '89'), ('090Y', '90+'), ('018M', '1.5'), ('026W', '0.498'),
   ('010D', '0.0274'), ('62', ''), ('', ''), ('Doe', '')],
)  # fmt: skip
def test_ages_are_years(written, years):
  assert dicom_header.age(written) == years


@pytest.mark.parametrize(
  'name',
  ['', 'ANONYMOUS', 'anonymized', 'Anon^^^', 'DeIdentified', '0', 'XXXX', 'UNKNOWN', 'No ID'],
)
def test_ids_that_stand_for_nobody(name):
  assert dicom_header.stands_for_nobody(name)
  assert not dicom_header.stands_for_nobody(f'{name}17x4')


def test_the_key_is_its_owners_alone_and_whole(tmp_path):
  digest = pseudonym.Pseudonyms(tmp_path)
  first = digest('patient', '123')
  assert pseudonym.Pseudonyms(tmp_path)('patient', '123') == first != digest('study', '123')
  assert pseudonym.Pseudonyms(tmp_path / 'other')('patient', '123') != first
  key = tmp_path / 'pseudonym.key'
  assert key.stat().st_mode & 0o777 == 0o600
  key.chmod(0o644)
  with pytest.raises(UserError, match=r'pseudonym.key: others can read .*chmod 600 does it'):
    pseudonym.Pseudonyms(tmp_path)('patient', '123')
  key.chmod(0o600)
  key.write_bytes(b'short')
  with pytest.raises(UserError, match=r'pseudonym.key: 5 bytes; expected a key of 32'):
    pseudonym.Pseudonyms(tmp_path)('patient', '123')
  (tmp_path / 'file').touch()
  with pytest.raises(
    UserError, match=r'pseudonym.key: the key of pseudonyms cannot be read or made'
  ):
    pseudonym.Pseudonyms(tmp_path / 'file')('patient', '123')


def test_a_key_that_is_none_stops_the_run_and_no_other_images_need_it(
  tmp_path, monkeypatch, make_images
):
  monkeypatch.setenv('MEDJAX_CACHE', str(tmp_path / 'cache'))
  make_images(tmp_path / 'png', 20)
  _load(tmp_path / 'png')
  assert not (tmp_path / 'cache').exists()
  (tmp_path / 'cache').mkdir()
  (tmp_path / 'cache' / 'pseudonym.key').touch(0o600)
  _cohort(tmp_path / 'dicom', PatientID=lambda i: f'P{i}')
  with pytest.raises(UserError, match=r'pseudonym.key: 0 bytes'):
    _load(tmp_path / 'dicom')


def test_rows_without_headers_are_as_they_were():
  rows = [{'group': '', 'header': None}]
  assert dicom_patients.described(rows) == (rows, [])
