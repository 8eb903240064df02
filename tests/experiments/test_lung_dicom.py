"""A run on DICOM files: what a header says of who somebody is stands in nothing that is written."""

import csv
import functools

import numpy as np
import pytest

from experiments import lung_cnn
from medjax.workdir import Workdir

pydicom = pytest.importorskip('pydicom')
from pydicom.datadict import DicomDictionary  # noqa: E402
from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402

# One device and little to compile.
SMALL = (
  '--config.data.image_size=16', '--config.data.channels=1', '--config.features=4',
  '--config.hidden=4', '--config.batch_size=8', '--config.num_epochs=1', '--config.num_devices=1',
  '--config.explanation=saliency',
)  # fmt: skip
# Of each kind of value one that nothing else would write.
PLANTED = {
  **dict.fromkeys(('PN', 'LO', 'SH', 'ST', 'LT', 'UT', 'UC', 'AE', 'UR'), 'SENTINEL'),
  **dict.fromkeys(('DA', 'DT'), '19370214'),
  'TM': '234517.77113',
  'UI': '1.2.840.99887766.5',
}
SENTINELS = (b'SENTINEL', b'sentinel', b'19370214', b'234517.77', b'99887766')
NEEDED = {'SOPClassUID', 'TransferSyntaxUID', 'MediaStorageSOPClassUID'}


@functools.cache
def _planted():
  """A chest image with a sentinel in every tag of the standard that holds text, dates or UIDs."""
  made = Dataset()
  for tag, (kind, _, _, _, keyword) in DicomDictionary.items():
    if kind in PLANTED and keyword and keyword not in NEEDED and tag >> 16 > 7:
      made.add_new(tag, kind, PLANTED[kind])
  block = made.private_block(0x0099, 'SENTINEL', create=True)
  block.add_new(1, 'LO', 'SENTINEL')
  nested = Dataset()
  nested.PatientName = 'SENTINEL'
  made.RequestAttributesSequence = [nested]
  made.file_meta = FileMetaDataset()
  made.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
  made.SOPClassUID = '1.2.840.10008.5.1.4.1.1.1.1'
  made.PatientSex, made.PatientAge, made.ViewPosition = 'F', '062Y', 'SENTINEL'
  made.Rows = made.Columns = 24
  made.SamplesPerPixel, made.PhotometricInterpretation = 1, 'MONOCHROME2'
  made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 12, 11, 0
  return made


def _write(path, number):
  """One of them, of a patient and study of its number."""
  path.parent.mkdir(parents=True, exist_ok=True)
  made = _planted()
  made.PatientID = f'SENTINEL{number // 2}'
  made.StudyInstanceUID = f'1.2.99887766.{number}'
  rng = np.random.default_rng(number)
  pixels = rng.integers(0, 2000, (24, 24), np.uint16) + 1500 * (number % 2)
  made.PixelData = pixels.astype('<u2').tobytes()
  made['PixelData'].VR = 'OW'
  made.save_as(path, enforce_file_format=True)


def _texts(*folders):
  for folder in folders:
    for path in folder.rglob('*'):
      if path.is_file():
        yield path, path.read_bytes()


def test_no_file_says_who_a_patient_is(command, tmp_path, monkeypatch, cache):
  own = tmp_path / 'cache'
  own.mkdir()
  for name in ('compiled', 'native'):
    (own / name).symlink_to(cache / name)
  monkeypatch.setenv('MEDJAX_CACHE', str(own))
  scans = tmp_path / 'scans'
  for i in range(24):
    _write(scans / 'ab'[i % 2] / f'{i}.dcm', i)
  whole = (scans / 'a' / '0.dcm').read_bytes()
  (scans / 'a' / 'damaged').write_bytes(whole[:-500])
  source = f'--config.data.source={scans}'
  said = []
  for arguments in (
    (*SMALL, source, '--workdir=run'),
    ('predict', str(scans), '--workdir=run', '--output=found.csv'),
    (*SMALL, '--config.data.max_broken=0.0', source, '--workdir=none'),
  ):
    code, out, err = command(*arguments)
    assert code == (2 if arguments[-1] == '--workdir=none' else 0), err
    said += [out.encode(), err.encode()]
  assert b'damaged: DICOM file that is damaged, cut off' in said[-1]
  written = dict(_texts(tmp_path / 'run', own / 'data'))
  written[tmp_path / 'found.csv'] = (tmp_path / 'found.csv').read_bytes()
  assert len(written) > 25
  for sentinel in SENTINELS:
    assert sentinel in whole or sentinel == b'sentinel'
    for path, content in written.items():
      assert sentinel not in content, path
    assert not any(sentinel in text for text in said)
  # Stored rows are compressed, so they are looked at as they are read.
  config = Workdir(tmp_path / 'run').stored(lung_cnn.Config())
  data = lung_cnn.build(config).data
  for split in data.splits.values():
    assert set(split.metadata) == {'study', 'age', 'sex'}
    assert set(split.metadata['age']) == {'62'}
    cells = [*split.group, *(cell for column in split.metadata.values() for cell in column)]
    assert not any(sentinel.decode() in cell for sentinel in SENTINELS for cell in cells)
  assert '12 patients in 25 DICOM files, by PatientID' in (tmp_path / 'run/data.json').read_text()
  with open(tmp_path / 'found.csv') as file:
    rows = list(csv.DictReader(file))
  assert sum(bool(row['error']) for row in rows) == 1
  assert len(rows) == 25
