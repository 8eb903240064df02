"""Rows of files as rows of pictures, with what headers say of them."""

import concurrent.futures
import pathlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from medjax import runtime
from medjax.data import examples
from medjax.data.images import contents, dicom_file, formats, packages
from medjax.data.images.contents import Content
from medjax.data.images.messages import one_line
from medjax.data.images.options import Options
from medjax.data.images.pseudonym import KeyFileError, Pseudonyms
from medjax.errors import UserError

Row = dict[str, Any]


def of_files(
  rows: Sequence[Row], read: Sequence[tuple[str, bytes]], options: Options, *, named: bool
) -> tuple[list[Row], list[str], list[str]]:
  """A row for each picture that is a case, a digest of each, and notes.

  Rows get ``file``, the id of their file; ``place``, of the picture in it; and ``header``, which is
  None but for DICOM. A file that cannot be read keeps its row: storing it says why.

  Args:
    rows: of files, with ``id`` and ``path``.
    read: digest and first bytes of each file.
    options: which pictures are cases.
    named: whether somebody named each file. Otherwise DICOM files without pixels, which every
      export has, are left out with a note.

  Raises:
    packages.MissingPackageError: a format needs a package that is not installed.
    pseudonym.KeyFileError: patients cannot be given pseudonyms.
    UserError: two pictures have one name.
  """
  found: list[Row] = []
  digest_of: list[str] = []
  no_pictures: list[pathlib.Path] = []
  several: Counter[str] = Counter()
  pseudonyms = Pseudonyms(runtime.cache_folder())
  with concurrent.futures.ThreadPoolExecutor() as pool:
    held = [
      pool.submit(_content, row['path'], options, pseudonyms)
      if contents.may_be_several(row['path'].name, head)
      else None
      for row, (_, head) in zip(rows, read, strict=True)
    ]
    for row, (digest, _), looked in zip(rows, read, held, strict=True):
      content = looked.result() if looked else Content()
      if isinstance(content, dicom_file.NoPictureError) and not named:
        no_pictures.append(row['path'])
        continue
      if isinstance(content, UserError):
        content = Content()
      several[content.unit] += content.count > 1
      for suffix, place in content.places:
        about = {'file': row['id'], 'place': place, 'header': content.header}
        found.append({**row, **about, 'id': f'{row["id"]}{suffix}'})
        digest_of.append(digest + suffix)
  if twice := examples.repeated([row['id'] for row in found]):
    raise UserError(f'{one_line(twice[0])} names {twice[1]} images; expected each name once')
  notes = [_note(count, unit, options) for unit, count in several.items() if count]
  if no_pictures:
    notes.append(
      f'{len(no_pictures)} files left out, which are DICOM without pixels: '
      f'{formats.summary(no_pictures)}'
    )
  return found, digest_of, notes


def _content(path: pathlib.Path, options: Options, pseudonyms: Pseudonyms) -> Content | UserError:
  try:
    return contents.of(path, options, pseudonyms)
  except (packages.MissingPackageError, KeyFileError):  # of every such file
    raise
  except UserError as error:
    return error


def _note(count: int, unit: str, options: Options) -> str:
  files = f'{count} {"files hold" if count > 1 else "file holds"} several {unit}'
  if unit == 'pages':
    return f'{files}: each is an image, all of a file in one group'
  if options.slices:
    each = 'each' if options.slices == 1 else f'one in {options.slices}'
    return f'{files}: {each} is an image, all of a file in one group'
  return f'{files}: the middle one is taken (config.data.slices=N takes every Nth)'
