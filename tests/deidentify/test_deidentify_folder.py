"""The command: a folder as hospitals export it, and what of it is in the copies."""

import csv
import json
import os
import pathlib
import stat
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

pydicom = pytest.importorskip('pydicom')

from medjax.data.images import dicom_file, packages, pseudonym  # noqa: E402
from medjax.deidentify import command, report  # noqa: E402
from medjax.security import commands  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'data' / 'images'))
import made_dicom  # noqa: E402


def pixels(seed, text=''):
  smooth = np.random.default_rng(seed).normal(110, 12, (16, 16)).clip(0, 255).astype(np.uint8)
  image = Image.fromarray(smooth).resize((192, 192), Image.Resampling.BICUBIC)
  if text:
    ImageDraw.Draw(image).text((8, 8), text, fill=250, font=ImageFont.load_default(16))
  return np.array(image)


@pytest.fixture
def export(tmp_path, monkeypatch):
  monkeypatch.setenv('MEDJAX_CACHE', str(tmp_path / 'cache'))
  folder = tmp_path / 'Zweig export'
  rows = ['Datei,PatientID,Name,Alter,label']
  for i in range(4):
    name = f'Zweig{i // 2}/scan{i}.dcm'
    about = {'PatientName': f'Zweig^Nr{i // 2}', 'PatientID': f'00{17 + i // 2}'}
    made_dicom.write(folder / name, pixels(i), **about, StudyDate='20200301', PatientAge='093Y')
    rows.append(f'{name},{17 + i // 2},Zweig,93,{i % 2}')
  (folder / 'labels.csv').write_text('\n'.join(rows))
  made_dicom.write(folder / 'text.dcm', pixels(9, 'ZWEIG, PAULA 07.04.1930'), PatientID='19')
  made_dicom.write(folder / 'said.dcm', pixels(10), PatientID='20', BurnedInAnnotation='YES')
  letter = pydicom.Dataset()
  letter.file_meta = pydicom.dataset.FileMetaDataset()
  letter.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
  letter.SOPClassUID, letter.SOPInstanceUID = '1.2.840.10008.5.1.4.1.1.88.11', '1.2.3.4'
  letter.save_as(folder / 'letter.dcm', enforce_file_format=True)
  (folder / 'damaged.dcm').write_bytes((folder / 'Zweig0/scan0.dcm').read_bytes()[:-200])
  (folder / 'notes.txt').write_text('Zweig, Paula')
  (folder / '.hidden').write_text('Zweig')
  return folder


def run(capsys, *words):
  code = commands.main(['deidentify', *map(str, words)], command.COMMANDS)
  return code, capsys.readouterr()


def everything(folder):
  return b''.join(
    str(path.relative_to(folder)).encode() + (path.read_bytes() if path.is_file() else b'')
    for path in sorted(folder.rglob('*'))
  )


def test_a_folder_is_copied_without_its_patients(export, tmp_path, capsys):
  target = tmp_path / 'copies'
  code, said = run(capsys, export, target)
  assert code == 0
  assert '4 DICOM files of 2 patients and 1 tables; 5 left out' in said.out
  for reason in (
    'text.dcm: left out, one of the images that may show text',
    'letter.dcm: left out',
  ):
    assert reason in said.err
  content = everything(target)
  for word in (b'Zweig', b'ZWEIG', b'zweig', b'0017', b'20200301', b'1930'):
    assert word not in content
  about = json.loads((target / report.JSON).read_text())
  assert about['images'] == 4
  assert about['left_out'] == {
    'damaged DICOM files': 1,
    'DICOM files without pixels, such as reports and documents': 1,
    'images that may show text': 2,
    'other files (.txt)': 1,
  }
  told = {(one['name'], one['done']): one['count'] for one in about['attributes']}
  assert told["Patient's Name", 'emptied'] == 4
  with open(target / 'table-1.csv', newline='') as file:
    rows = list(csv.DictReader(file))
  assert list(rows[0]) == ['Datei', 'PatientID', 'Alter', 'label']
  for row in rows:
    assert pydicom.dcmread(target / row['Datei']).PatientID == row['PatientID']
    assert row['Alter'] == '90'
  assert len({row['PatientID'] for row in rows}) == 2
  for path in [target, *target.rglob('*')]:
    assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_a_second_folder_gets_the_same_names_with_the_same_key(export, tmp_path, capsys):
  for name in ('one', 'two'):
    assert run(capsys, export, tmp_path / name)[0] == 0
  first, second = ({p.name for p in (tmp_path / n).iterdir()} for n in ('one', 'two'))
  assert first == second
  (tmp_path / 'cache' / 'pseudonym.key').write_bytes(os.urandom(32))
  assert run(capsys, export, tmp_path / 'three')[0] == 0
  assert {p.name for p in (tmp_path / 'three').glob('*.dcm')}.isdisjoint(first)


def test_a_key_may_be_elsewhere(export, tmp_path, capsys, monkeypatch):
  pytest.importorskip('pyrage')
  from medjax.security import identity

  monkeypatch.setenv('HOSPITAL', identity.generate('olga').secret())
  for name in ('one', 'two'):
    assert run(capsys, export, tmp_path / name, '--key=env:HOSPITAL')[0] == 0
  assert {p.name for p in (tmp_path / 'one').iterdir()} == {
    p.name for p in (tmp_path / 'two').iterdir()
  }
  assert not (tmp_path / 'cache' / 'pseudonym.key').exists()


def test_what_is_kept_is_what_was_asked_for(export, tmp_path, capsys):
  target = tmp_path / 'copies'
  asked = ('--keep_dates', '--keep_patient', '--keep_names', '--keep_burnt_in', '--keep=Name,Nr')
  code, said = run(capsys, export, target, *asked)
  assert code == 0
  assert '--keep=Nr: no table has such a column' in said.err
  found = pydicom.dcmread(target / 'Zweig0' / 'scan0.dcm')
  assert found.PatientAge == '090Y'
  assert found.StudyDate not in ('20200301', '')
  assert (target / 'text.dcm').exists()
  assert (target / 'labels.csv').read_text().splitlines()[0] == 'Datei,PatientID,Name,Alter,label'
  assert 'Zweig0/scan0.dcm' in (target / 'labels.csv').read_text()


@pytest.mark.parametrize(
  ('words', 'line'),
  [
    (('no', 'x'), 'error: no: is no folder'),
    (('.', 'sub'), 'error: sub: lies in what is to be de-identified'),
    (('empty', 'x'), 'error: empty: has no files'),
    (('texts', 'x'), 'error: texts: nothing was copied'),
    (('texts', 'full'), 'error: full: is there; expected a new folder'),
  ],
)
def test_mistakes_are_one_line(words, line, tmp_path, capsys, monkeypatch):
  monkeypatch.chdir(tmp_path)
  monkeypatch.setenv('MEDJAX_CACHE', str(tmp_path / 'cache'))
  for name in ('empty', 'texts', 'full'):
    (tmp_path / name).mkdir()
  for name in ('texts', 'full'):
    (tmp_path / name / 'a.txt').write_text('x')
  code, said = run(capsys, *words)
  assert code == 2
  assert said.err.splitlines()[-1].startswith(line)


def test_a_key_that_others_can_read_is_refused(export, tmp_path, capsys):
  pseudonym.key(tmp_path / 'cache')
  (tmp_path / 'cache' / 'pseudonym.key').chmod(0o644)
  code, said = run(capsys, export, tmp_path / 'copies')
  assert code == 2
  assert 'others can read the key of pseudonyms' in said.err


def test_tables_alone_need_no_package(tmp_path, monkeypatch, capsys):
  def missing():
    raise packages.MissingPackageError('DICOM files need pydicom')

  monkeypatch.setattr(dicom_file, 'package', missing)
  folder = tmp_path / 'tables'
  folder.mkdir()
  (folder / 'rows.csv').write_text('PatientID,label\n17,1\n18,0\n')
  code, said = run(capsys, folder, tmp_path / 'copy')
  assert (code, said.err) == (0, '')
  assert 'and 1 tables; 0 left out' in said.out
  (folder / 'scan.dcm').write_bytes(b'')
  code, said = run(capsys, folder, tmp_path / 'other')
  assert (code, said.err) == (2, 'error: DICOM files need pydicom\n')
  assert not (tmp_path / 'other').exists()
