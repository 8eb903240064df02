"""Which pictures a file holds: frames of DICOM, slices of volumes, pages of TIFF."""

import dataclasses
import io
import os

from medjax.data import received, source_files
from medjax.data.images import dicom_header, formats, nifti, tiff
from medjax.data.images.dicom_header import Header
from medjax.data.images.messages import one_line
from medjax.data.images.options import Options
from medjax.data.images.pseudonym import Pseudonyms


@dataclasses.dataclass(frozen=True)
class Content:
  """The pictures of a file that are cases.

  Attributes:
    places: of each what names it after the file, such as '#3', and its place from 0.
    count: how many the file has.
    unit: what they are called, where there may be several.
    header: of a DICOM file, where it was asked for.
  """

  places: list[tuple[str, int]] = dataclasses.field(default_factory=lambda: [('', 0)])
  count: int = 1
  unit: str = ''
  header: Header | None = None

  @property
  def note(self) -> str:
    """What was decided; '' for nothing."""
    if len(self.places) > 1 or self.count == 1:
      return ''
    return f'the middle one of {self.count} {self.unit}'


def may_be_several(name: str, head: bytes) -> bool:
  """Whether a file is of a format with frames, slices or pages.

  Args:
    name: of the file.
    head: its first bytes, ``formats.HEAD`` of them.
  """
  return bool(head) and (tiff.is_tiff(head) or bool(formats.medical(name, head)))


def of(
  path: str | os.PathLike[str], options: Options, pseudonyms: Pseudonyms | None = None
) -> Content:
  """The pictures of a file; one where it cannot be told, and reading that says why.

  Args:
    path: the file.
    options: which slices and frames are cases. Pages of a TIFF are, each by itself.
    pseudonyms: with them, headers of DICOM are read for what they say of the case.

  Raises:
    packages.MissingPackageError: the format needs a package that is not installed.
    dicom_file.NoPictureError: it is DICOM and holds no pixels.
    UserError: it is damaged.
  """
  name = one_line(str(path))
  try:
    sent = received.content(str(path))
  except FileNotFoundError:
    return Content()
  if sent is None and not source_files.is_file(path):
    return Content()
  try:
    with source_files.open_file(path) if sent is None else io.BytesIO(sent) as file:
      head = file.read(formats.HEAD)
      what = formats.medical(name, head) if head else ''
      if what == 'DICOM':
        header = dicom_header.read(file, name, pseudonyms) if pseudonyms else None
        count = header.frames if header else dicom_header.frames(file, name)
        return Content(options.taken(count), count, 'frames', header)
      if what == 'NIfTI':
        count = nifti.slices(file, name, options.slice_axis)
        return Content(options.taken(count), count, f'{options.slice_axis} slices')
      if tiff.is_tiff(head):
        pages = tiff.pages(file, name)
        places = [('' if len(pages) == 1 else f'#{page + 1}', page) for page in pages]
        return Content(places, len(pages), 'pages')
  except OSError:
    pass
  return Content()
