"""Files and folders that are named to be predicted: each file is a case, whatever it is."""

import os
import pathlib

import made_images
import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from medjax.data.images import decode, files, formats
from medjax.errors import UserError

EPS = b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 24 24\n%%EndComments\nshowpage\n'
FOREIGN = {
  'half.png': (EPS, 'PostScript'),
  'dos.tif': (b'\xc5\xd0\xd3\xc6' + bytes(26) + EPS, 'PostScript'),
  'paper.jpg': (b'%PDF-1.7\n', 'PDF'),
  'meta.png': (b'\xd7\xcd\xc6\x9a' + bytes(40), 'Windows metafile'),
  'new.png': (b'\0\0\0\x20ftypavif' + bytes(40), 'AVIF'),
  'phone.jpg': (b'\0\0\0\x18ftypheic' + bytes(40), 'HEIC'),
  'scan.mha': (b'ObjectType = Image\n', 'MetaImage'),
  'brain.nrrd': (b'NRRD0004\n', 'NRRD'),
  'image.json': (b'{}', 'JSON'),
  'arrays.npz': (b'PK\x03\x04' + bytes(40), 'NumPy'),
  'labels.csv': (b'file,label\n', 'table'),
  'all.tar.gz': (b'\x1f\x8b\x08' + bytes(40), 'archive'),
}


@pytest.mark.parametrize('name', FOREIGN)
def test_what_is_no_image_here_is_called_what_it_is(tmp_path, name, monkeypatch):
  def start(*_):
    raise AssertionError('Ghostscript was started')

  monkeypatch.setattr(EpsImagePlugin, 'Ghostscript', start)
  content, kind = FOREIGN[name]
  (tmp_path / name).write_bytes(content)
  with pytest.raises(UserError) as caught:
    decode.decode(tmp_path / name, 16, 3)
  assert str(caught.value) == f'{tmp_path / name}: {kind} file; expected {formats.NAMES}'


@pytest.mark.parametrize('form', ['EPS', 'TGA', 'PCX', 'SGI', 'ICO', 'DDS', 'PDF'])
def test_other_formats_are_refused_under_every_name(form, tmp_path):
  path = tmp_path / 'a.png'
  path.write_bytes(made_images.saved(Image.new('RGB', (32, 32), 'red'), form))
  with pytest.raises(UserError, match=r'a.png: .*DICOM, NIfTI, PNG, JPEG, TIFF, BMP, GIF, WebP, J'):
    decode.decode(path, 16, 3)


def test_every_file_of_a_folder_is_a_case(tmp_path):
  picture = made_images.saved(Image.new('L', (20, 20), 90), 'PNG')
  folder = tmp_path / 'new'
  for name in ('a.png', 'b', 'deep/c.jpg', '.hidden.png', '__MACOSX/a.png', 'deep/.git/d.png'):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(picture)
  (folder / 'x.mha').write_bytes(bytes(200))
  (folder / 'notes.txt').write_text('to be read by nobody')
  (folder / 'gone.png').symlink_to(tmp_path / 'nowhere.png')
  (tmp_path / 'elsewhere').mkdir()
  (tmp_path / 'elsewhere' / 'e.png').write_bytes(picture)
  (folder / 'linked').symlink_to(tmp_path / 'elsewhere')
  (folder / 'deep' / 'back').symlink_to(folder)
  cases = files.find([str(folder), str(tmp_path / 'missing.png')], 16, 1)
  found = {}
  for case in cases:
    try:
      pixels = case.load()['image']
    except UserError as error:
      found[os.path.relpath(case.name, tmp_path)] = str(error).removeprefix(f'{case.name}: ')
    else:
      np.testing.assert_array_equal(pixels, np.full((16, 16, 1), 90))
      found[os.path.relpath(case.name, tmp_path)] = ''
  assert found == {
    'new/a.png': '',
    'new/b': '',
    'new/deep/c.jpg': '',
    'new/gone.png': 'cannot be read: No such file or directory',
    'new/linked/e.png': '',
    'new/notes.txt': f'not an image that can be read as {formats.NAMES}',
    'new/x.mha': f'MetaImage file; expected {formats.NAMES}',
    'missing.png': 'cannot be read: No such file or directory',
  }


def test_a_pipe_is_not_waited_for(tmp_path):
  os.mkfifo(tmp_path / 'pipe.png')
  with pytest.raises(UserError, match=r'pipe.png: is no file; expected an image'):
    decode.decode(tmp_path / 'pipe.png', 16, 1)


def test_a_folder_that_cannot_be_read_is_a_case_that_says_so(tmp_path, monkeypatch):
  def walk(top, onerror, followlinks):
    onerror(PermissionError(13, 'Permission denied', f'{top}/secret'))
    return iter(())

  monkeypatch.setattr(os, 'walk', walk)
  (case,) = files.find([str(tmp_path)], 16, 1)
  with pytest.raises(UserError, match=r'/secret: cannot be read: Permission denied'):
    case.load()


def test_files_are_counted_by_kind():
  names = ['a.dcm', 'b.dcm', 'c.dcm', 'd.dcm', 'e.png', pathlib.Path('f.nii.gz')]
  assert formats.summary(names) == (
    '4 DICOM files (a.dcm, b.dcm, c.dcm, ...), 1 image file (e.png), 1 NIfTI file (f.nii.gz)'
  )
