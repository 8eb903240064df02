"""Every reader of what strangers send, with whole files that it reads."""

import dataclasses
import gzip
import io
import json
import pathlib
import struct
import sys
import tempfile
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image

from medjax import sealed
from medjax.data import tables, text_file
from medjax.data.images import config as images_config
from medjax.data.images import decode, dicom_header, medmnist, pseudonym
from medjax.data.molecules import records as molecule_records
from medjax.data.molecules import split_file, structures
from medjax.data.sequences import fasta, meme, variants
from medjax.data.signals import records, series_table
from medjax.deidentify import dicom_dataset, table_text
from medjax.deidentify.keyed import Keyed
from medjax.deidentify.profile import Options
from medjax.errors import UserError
from medjax.exported import container, weights
from medjax.security import identity, manifest
from medjax.serve import body
from medjax.serve.refused import RefusedError
from medjax.transfer import files as transfer_files

_TESTS = pathlib.Path(__file__).parents[1]
for _folder in ('data/images', 'data/signals', 'transfer'):
  sys.path.insert(0, str(_TESTS / _folder))
import made_dicom  # noqa: E402
import made_images  # noqa: E402
import made_record  # noqa: E402
import made_tiff  # noqa: E402
import made_weights  # noqa: E402

_KEYED = Keyed(b'a key of tests, which is no secret')
_GREY = np.random.default_rng(0).integers(0, 255, (24, 24), np.uint8)


@dataclasses.dataclass(frozen=True)
class Parser:
  """A reader.

  Attributes:
    read: takes the path of a file.
    seeds: contents of files that it reads.
    name: of the file.
    beside: contents of further files, by name.
    text: whether such files are texts.
  """

  read: Callable[[pathlib.Path], object]
  seeds: tuple[bytes, ...]
  name: str = 'a'
  beside: Mapping[str, bytes] = dataclasses.field(default_factory=dict)
  text: bool = False


def _saved(write: Callable[[pathlib.Path], object], name: str = 'a') -> bytes:
  with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / name
    write(path)
    return path.read_bytes()


def _table(path: pathlib.Path) -> None:
  header, rows = tables.parse(text_file.read_text(path, 'a table'), path)
  for name in header:
    for _, row in rows:
      tables.parse_number(row[name])


def _deidentified_table(path: pathlib.Path) -> None:
  text = text_file.read_text(path, 'a table')
  table_text.deidentify(text, path, _KEYED, {}, keep_dates=True)


def _molecules(path: pathlib.Path) -> None:
  for record in molecule_records.read(path).records:
    try:
      if path.name.endswith('.sdf'):
        structures.of_block(record.structure, 100)
      else:
        structures.of_smiles(record.structure, 100)
    except UserError as error:
      assert len(str(error).splitlines()) == 1  # noqa: PT017


def _image(path: pathlib.Path) -> None:
  pixels = decode.decode(path, 16, 3)
  assert (pixels.shape, pixels.dtype) == ((16, 16, 3), np.uint8)


def _dicom(path: pathlib.Path) -> None:
  _image(path)
  with open(path, 'rb') as file:
    dicom_header.read(file, 'a', pseudonym.Pseudonyms(path.parent))


def _deidentified_dicom(path: pathlib.Path) -> None:
  import pydicom

  from medjax.data.images import dicom_file

  dicom_file.package()
  with open(path, 'rb') as file, dicom_dataset.as_it_is():
    found = dicom_file.guarded('a', lambda: pydicom.dcmread(file, force=True))
    dicom_dataset.deidentify(found, _KEYED, Options(dates=True, characteristics=True), 'a')
    out = io.BytesIO()
    dicom_file.guarded('a', lambda: found.save_as(out, enforce_file_format=True))


def _medmnist(path: pathlib.Path) -> None:
  config = images_config.Config(source=str(path), image_size=8, channels=1)
  source = medmnist.load(path, config)
  source.records[0].read(8, 1)


def _record(path: pathlib.Path) -> None:
  found = records.read(path.with_name('r.hea'))
  records.segment(records.normalise(records.resample(found, 50.0)), 0.2, 0.3)


def _series(path: pathlib.Path) -> None:
  length = 0
  for row in series_table.read(path):
    series_table.label(row)
    length = len(series_table.samples(row, 1, length))


def _weights(path: pathlib.Path) -> None:
  weights.read(path.read_bytes(), 'a')


def _json(path: pathlib.Path) -> None:
  sealed.read(path)


def _split(path: pathlib.Path) -> None:
  split_file.read(path, 'bace', pathlib.Path('bace.csv'), 6)


def _cases(path: pathlib.Path) -> None:
  body.cases(path.read_bytes())


def _parts(path: pathlib.Path) -> None:
  body.files(path.read_bytes(), 'multipart/form-data; boundary=xyz', 3)


def _person(path: pathlib.Path) -> None:
  try:
    text = path.read_text()
  except UnicodeDecodeError:
    return
  identity.person(text, 'a')


def _manifest(path: pathlib.Path) -> None:
  manifest.read(path.parent)


def _dicom_seeds() -> tuple[bytes, ...]:
  from pydicom.dataset import Dataset
  from pydicom.sequence import Sequence

  item = Dataset()
  item.PatientName, item.StudyDate = 'Zweig^Paula', '20200301'
  tags = {
    'PatientID': 'P 17', 'PatientName': 'Zweig^Paula', 'PatientAge': '093Y',
    'StudyInstanceUID': '1.2.3', 'WindowCenter': '100', 'WindowWidth': '50', 'RescaleSlope': '2',
    'RescaleIntercept': '-3', 'RequestAttributesSequence': Sequence([item]),
    'StudyDate': '20200301',
  }  # fmt: skip
  kinds = (_GREY, _GREY.astype(np.uint16) * 16, np.stack([_GREY] * 3))
  return tuple(_saved(lambda path, one=one: made_dicom.write(path, one, **tags)) for one in kinds)


def _nifti_seeds() -> tuple[bytes, ...]:
  import nibabel

  def write(path: pathlib.Path) -> None:
    nibabel.save(
      nibabel.Nifti1Image(np.arange(360, dtype=np.int16).reshape(9, 10, 4), np.eye(4)), path
    )

  return tuple(_saved(write, name) for name in ('a.nii', 'a.nii.gz'))


def _npz() -> bytes:
  made = {}
  for split, count in (('train', 6), ('val', 4), ('test', 4)):
    made[f'{split}_images'] = np.zeros((count, 8, 8), np.uint8)
    made[f'{split}_labels'] = (np.arange(count) % 2)[:, None].astype(np.uint8)
  out = io.BytesIO()
  np.savez_compressed(out, **made)
  return out.getvalue()


def _pth_seeds() -> tuple[bytes, ...]:
  arrays = {'conv.weight': np.ones((2, 1, 3, 3), np.float32), 'conv.bias': np.zeros(2, np.float16)}
  of = made_weights.state_dict(arrays)
  return (
    _saved(lambda path: made_weights.write_zip(path, *of)),
    _saved(lambda path: made_weights.write_legacy(path, *of)),
    made_weights.pickled(made_weights.planted()),
  )


def _safetensors() -> bytes:
  header = json.dumps({'w': {'dtype': 'F32', 'shape': [2, 2], 'data_offsets': [0, 16]}}).encode()
  return struct.pack('<Q', len(header)) + header + bytes(16)


def _model() -> bytes:
  members = {container.PROGRAM: b'p', container.WEIGHTS: bytes(64), container.CARD: b'# Card'}
  return _saved(lambda path: container.write(path, {'experiment': 'toy'}, members))


_SDF = b"""ethanol
  made

  3  2  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 C   0  0
    1.0000    0.0000    0.0000 C   0  0
    1.5000    1.0000    0.0000 O   0  0
  1  2  1  0
  2  3  1  0
M  END
> <label>
1

$$$$
"""
_MEME = b"""MEME version 4

ALPHABET= ACGT

MOTIF one
letter-probability matrix: alength= 4 w= 2
 0.25 0.25 0.25 0.25
 1 0 0 0
"""
_VCF = (
  b'##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\nchr1\t3\trs1\tT\tC,G\nchr1\t4\t.\tA\t<DEL>\n'
)
_CSV = b'Patient;Geburtsdatum;Alter;CRP;Datum\nP1;1.2.1930;93;1,5;2020-03-01\n"P 2";;"x;y";=1;\n'
_FASTA = b'>chr1:1-20(+) label=1\nACGTNN\nACGT\n>b|2\nacgu\n'
_LEADS = [made_record.steps(300, peaks=[100, 190, 260]), made_record.steps(300)]
_RECORD = {
  'r.hea': made_record.header('r', _LEADS).encode(),
  'r.dat': made_record.words([v for row in zip(*_LEADS, strict=True) for v in row]),
  'r.atr': made_record.annotations([(100, 'N'), (190, 'V'), (250, '+'), (260, 'N')]),
}
_PART = (
  b'--xyz\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n'
  b'Content-Type: image/png\r\n\r\nbytes\r\n--xyz--\r\n'
)
_FORMS = made_images.forms()


def _beside(name: str) -> dict[str, bytes]:
  return {other: content for other, content in _RECORD.items() if other != name}


def all_parsers() -> dict[str, Parser]:
  """By name."""
  found = {
    'table': Parser(_table, (_CSV, gzip.compress(_CSV)), text=True),
    'table, de-identified': Parser(_deidentified_table, (_CSV,), text=True),
    'FASTA': Parser(lambda path: fasta.read(path), (_FASTA, gzip.compress(_FASTA)), text=True),
    'MEME': Parser(lambda path: meme.read(path), (_MEME,), text=True),
    'VCF': Parser(
      lambda path: variants.read(path),
      (_VCF, b'sequence,position,ref,alt\nchr1,3,T,C\n'),
      text=True,
    ),
    'SMILES': Parser(
      _molecules, (b'CCO a\nc1ccccc1[N+](=O)[O-] b\nC[C@H](N)C(=O)O |r| c\n',), 'a.smi', text=True
    ),
    'SDF': Parser(_molecules, (_SDF,), 'a.sdf', text=True),
    'DICOM': Parser(_dicom, _dicom_seeds(), 'a.dcm'),
    'DICOM, de-identified': Parser(_deidentified_dicom, _dicom_seeds(), 'a.dcm'),
    'NIfTI': Parser(_image, _nifti_seeds(), 'a.nii'),
    'TIFF': Parser(_image, (made_tiff.tiff(_GREY), made_tiff.tiff(_GREY, rows=8))),
    'PNG': Parser(_image, (made_images.saved(Image.fromarray(_GREY), 'PNG'),)),
    'JPEG': Parser(_image, (made_images.saved(Image.fromarray(_GREY), 'JPEG', progressive=True),)),
    'other images': Parser(_image, tuple(_FORMS.values())),
    'MedMNIST': Parser(_medmnist, (_npz(),), 'a.npz'),
    'series': Parser(_series, (b'1,0.5,-1e-3,2.5,NaN\n2,0.25,3,1,0\n',), text=True),
    'JSON of runs': Parser(_json, (sealed.dumps({'a': 1, 'b': ['x']}).encode(),), text=True),
    'split': Parser(
      _split, (b'{"bace": {"train": [0, 1, 2], "val": [3], "test": [4, 5]}}',), 'a.json', text=True
    ),
    'model file': Parser(lambda path: container.read(path), (_model(),), 'a.medjax'),
    'weights of a model file': Parser(_weights, (_safetensors(),)),
    'safetensors': Parser(
      lambda path: transfer_files.read(path), (_safetensors(),), 'a.safetensors'
    ),
    'pth': Parser(lambda path: transfer_files.read(path), _pth_seeds(), 'a.pth'),
    'JSON sent': Parser(_cases, (b'{"cases": [{"age": 61.5, "sex": "F"}, null]}',), text=True),
    'files sent': Parser(_parts, (_PART,)),
    'public line': Parser(_person, (identity.generate('anna').person.text().encode(),), text=True),
    'vault.json': Parser(_manifest, (b'{"format": 1, "set": "00", "grants": []}',), 'vault.json'),
  }
  for name, content in _RECORD.items():
    found[f'WFDB {name}'] = Parser(_record, (content,), name, _beside(name))
  return found


REFUSED = (UserError, RefusedError)
"""What a reader may say of a file that it cannot read."""
