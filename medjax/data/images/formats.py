"""Which formats of images are read, and what a file is that is none of them."""

import contextlib
import itertools
import os
import pathlib
from collections.abc import Iterable

from medjax.data import source_files
from medjax.data.images import nifti
from medjax.data.images.messages import one_line

# Nothing else is tried, whatever Pillow can do: PostScript and WMF would start other programs
# (Ghostscript), and a damaged AVIF can end the process. These are decoded in this process, in time
# and memory that follow from the number of pixels.
FORMATS = ('PNG', 'JPEG', 'TIFF', 'BMP', 'GIF', 'WEBP', 'JPEG2000', 'PPM')
NAMES = 'DICOM, NIfTI, PNG, JPEG, TIFF, BMP, GIF, WebP, JPEG 2000 or PGM/PPM'
SUFFIXES = frozenset({
  '.png', '.jpg', '.jpeg', '.jpe', '.jfif', '.tif', '.tiff', '.bmp', '.gif', '.webp', '.jp2',
  '.j2k', '.pgm', '.ppm', '.pbm', '.pnm',
})  # fmt: skip
_DICOM_NAMES = ('.dcm', '.dicom')
_MEDICAL_NAMES = (*_DICOM_NAMES, '.nii', '.nii.gz')

# The end of a name says more than the first bytes of an archive.
_BY_ENDING = {
  '.npz': 'NumPy', '.npy': 'NumPy', '.dcm': 'DICOM', '.dicom': 'DICOM', '.nii': 'NIfTI',
  '.nii.gz': 'NIfTI', '.mha': 'MetaImage', '.mhd': 'MetaImage', '.nrrd': 'NRRD', '.h5': 'HDF5',
  '.hdf5': 'HDF5', '.json': 'JSON', '.mat': 'MATLAB', '.pt': 'PyTorch', '.csv': 'table',
  '.tsv': 'table', '.xlsx': 'table', '.parquet': 'table', '.tfrecord': 'TensorFlow',
  '.zip': 'archive', '.tar': 'archive', '.tar.gz': 'archive', '.tgz': 'archive', '.7z': 'archive',
  '.rar': 'archive',
}  # fmt: skip
# What stands at which place.
_BY_CONTENT = (
  (0, b'%!PS', 'PostScript'),
  (0, b'\xc5\xd0\xd3\xc6', 'PostScript'),
  (0, b'%PDF', 'PDF'),
  (0, b'\xd7\xcd\xc6\x9a', 'Windows metafile'),
  (4, b'ftypavi', 'AVIF'),
  (4, b'ftyphe', 'HEIC'),
  (4, b'ftypmif', 'HEIC'),
  (0, b'8BPS', 'Photoshop'),
  (128, b'DICM', 'DICOM'),
  (344, b'n+1\0', 'NIfTI'),
  (0, b'\x93NUMPY', 'NumPy'),
  (0, b'\x89HDF', 'HDF5'),
  (0, b'PK\x03\x04', 'archive'),
  (0, b'\x1f\x8b', 'archive'),
)
_READ = (
  (0, b'\x89PNG', 'PNG'),
  (0, b'\xff\xd8', 'JPEG'),
  (0, b'II*\0', 'TIFF'),
  (0, b'MM\0*', 'TIFF'),
  (0, b'II+\0', 'TIFF'),
  (0, b'MM\0+', 'TIFF'),
  (0, b'GIF8', 'GIF'),
  (8, b'WEBP', 'WebP'),
  (4, b'jP  ', 'JPEG 2000'),
)
# Bytes of a file that tell what it is.
HEAD = 512


def medical(name: str, head: bytes) -> str:
  """'DICOM' or 'NIfTI' for files that are read as such, '' for others.

  DICOM is told by its mark, or where a file lacks that by the end of its name, unless it is
  another image.

  Args:
    name: of the file.
    head: its first bytes, ``HEAD`` of them.

  Example:
    >>> medical('IM000001', bytes(128) + b'DICM'), medical('a.dcm', b'GIF89a'), medical('a', b'')
    ('DICOM', '', '')
  """
  if head[128:132] == b'DICM':
    return 'DICOM'
  if nifti.is_nifti(name, head):
    return 'NIfTI'
  return 'DICOM' if name.lower().endswith(_DICOM_NAMES) and not _signed(_READ, head) else ''


def is_named(path: pathlib.Path) -> bool:
  """Whether a file is an image by the end of its name, or is DICOM by its content."""
  if path.suffix.lower() in SUFFIXES or path.name.lower().endswith(_MEDICAL_NAMES):
    return True
  return head_of(path)[128:132] == b'DICM'


def head_of(path: pathlib.Path) -> bytes:
  """The first bytes of a file; none where it cannot be read."""
  if source_files.is_file(path):
    with contextlib.suppress(OSError), source_files.open_file(path) as file:
      return file.read(HEAD)
  return b''


def kind(name: str, head: bytes) -> str:
  """What a file is that is not read here, by the end of its name or by its content; '' if unknown.

  Args:
    name: of the file.
    head: its first bytes, ``HEAD`` of them.

  Example:
    >>> kind('scan.nii.gz', b''), kind('a.png', b'%!PS-Adobe-3.0'), kind('a.png', b'')
    ('NIfTI', 'PostScript', '')
  """
  for ending in sorted(_BY_ENDING, key=len, reverse=True):
    if name.lower().endswith(ending):
      return _BY_ENDING[ending]
  return _signed(_BY_CONTENT, head)


def _signed(signatures: Iterable[tuple[int, bytes, str]], head: bytes) -> str:
  """What stands behind the first signature that the bytes bear; '' for none."""
  found = (what for place, mark, what in signatures if head[place:].startswith(mark))
  return next(found, '')


def kind_of(path: pathlib.Path) -> str:
  """As ``kind`` for a file on disk; by its name alone where it cannot be read."""
  return kind(path.name, head_of(path))


def refusal(name: str, head: bytes) -> str:
  """Why a file is not read.

  Example:
    >>> refusal('scan.mha', b'')
    'MetaImage file; expected DICOM, NIfTI, PNG, JPEG, TIFF, BMP, GIF, WebP, JPEG 2000 or PGM/PPM'
  """
  read = _signed(_READ, head)
  if read:
    return f'not an image that can be read: damaged, or {read} of a kind that is not'
  what = kind(name, head)
  return f'{what} file; expected {NAMES}' if what else f'not an image that can be read as {NAMES}'


def summary(paths: Iterable[str | os.PathLike[str]]) -> str:
  """How many files of which kind, with the first names of each.

  Example:
    >>> summary(['x/a.dcm', 'x/b.dcm', 'notes.csv'])
    '2 DICOM files (a.dcm, b.dcm), 1 table file (notes.csv)'
  """
  names: dict[str, list[str]] = {}
  for path in map(pathlib.Path, paths):
    what = 'image' if path.suffix.lower() in SUFFIXES else kind_of(path) or 'other'
    names.setdefault(what, []).append(path.name)
  parts = []
  for what, of in sorted(names.items(), key=lambda item: -len(item[1])):
    shown = ', '.join(map(one_line, itertools.islice(of, 3))) + (', ...' if len(of) > 3 else '')
    parts.append(f'{len(of)} {what} file{"s" * (len(of) > 1)} ({shown})')
  return ', '.join(parts)
