"""Headers of DICOM files by pydicom, and what is said of files that are damaged."""

import functools
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

from medjax.data.images import limits, packages
from medjax.errors import UserError


class NoPictureError(UserError):
  """A DICOM file that holds no pixels, such as a report or the list of a medium's files."""


def package() -> Any:
  """The package pydicom, which takes headers as they are.

  Raises:
    MissingPackageError: it is not installed.
  """
  pydicom = packages.load('pydicom', 'DICOM')
  pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
  return pydicom


def header(file: BinaryIO, name: str, keywords: tuple[str, ...]) -> Any:
  """Some tags of a file that holds pixels, as a pydicom data set.

  Args:
    file: from its beginning on.
    name: what it is called in errors.
    keywords: of the tags; a data set without others is given.

  Raises:
    NoPictureError: it holds no pixels.
    UserError: it is damaged.
  """
  pydicom = package()
  tags = numbers(*keywords, 'Rows', 'Columns')
  file.seek(0)
  found = guarded(
    name,
    lambda: pydicom.dcmread(file, stop_before_pixels=True, force=True, specific_tags=tags),
  )
  if 'Rows' not in found or 'Columns' not in found:
    uid = found.get('SOPClassUID') or found.file_meta.get('MediaStorageSOPClassUID') or ''
    known = getattr(uid, 'name', '')
    if not uid and not found.file_meta:
      raise UserError(f'{name}: is no DICOM file, or damaged: expected DICM at its byte 128')
    what = f' ({known})' if known and known != uid else ''
    raise NoPictureError(f'{name}: DICOM file without pixels{what}; expected an image')
  return found


@functools.cache
def numbers(*keywords: str) -> list[Any]:
  """Tags as pydicom reads them fastest."""
  return [package().tag.Tag(keyword) for keyword in keywords]


def frames(dataset: Any, name: str) -> int:
  """How many frames a header says that there are.

  Raises:
    UserError: none, or more than any file has; ``name`` says of what.
  """
  count = int(dataset.get('NumberOfFrames') or 1)
  if not 1 <= count <= limits.MAX_PLACES:
    raise UserError(f'{name}: {count} frames; expected 1 to {limits.MAX_PLACES:,}')
  return count


def guarded(name: str, read: Callable[[], Any]) -> Any:
  """What ``read`` gives; what pydicom says of a failure may quote the header, and is not told.

  Raises:
    UserError: it failed; ``name`` says of what.
  """
  try:
    return read()
  except UserError:
    raise
  except MemoryError:
    raise UserError(f'{name}: has more pixels than there is memory') from None
  except NotImplementedError:
    raise UserError(
      f'{name}: DICOM file in a transfer syntax, or with values, that is not read'
    ) from None
  except (KeyboardInterrupt, SystemExit):
    raise
  except BaseException as error:  # a panic of the decoder of RLE, which is in Rust, is no Exception
    raise UserError(
      f'{name}: DICOM file that is damaged, cut off, or of a kind that is not read '
      f'({type(error).__name__})'
    ) from None


def of_elements(elements: Iterable[Any], syntax: str, encoding: tuple[bool, bool]) -> Any:
  """A data set of these elements alone.

  Args:
    elements: as pydicom has read them.
    syntax: UID of the transfer syntax.
    encoding: whether types of values are left out, and whether the first byte is the lowest.
  """
  pydicom = package()
  found = pydicom.Dataset({element.tag: element for element in elements})
  found.file_meta = pydicom.dataset.FileMetaDataset()
  found.file_meta.TransferSyntaxUID = syntax
  found.set_original_encoding(*encoding)
  return found
