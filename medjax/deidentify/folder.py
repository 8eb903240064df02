"""A folder of DICOM files and tables, copied without what says who anybody is."""

import dataclasses
import os
import pathlib
from collections.abc import Collection, Iterator
from typing import Any, BinaryIO

from PIL import Image

from medjax import files as files_lib
from medjax.data import text_file
from medjax.data.images import burnt_in, dicom, dicom_file, dicom_header
from medjax.data.images.messages import one_line
from medjax.deidentify import dicom_dataset, report, table_text
from medjax.deidentify.keyed import Keyed
from medjax.deidentify.profile import Options
from medjax.errors import UserError
from medjax.security import private_files

# A text file may be a letter, whose first line would be taken for names of columns.
_TABLES = ('.csv', '.tsv', '.csv.gz', '.tsv.gz')
_FRAMES = 5  # of a film that are looked at
_SECONDARY = '1.2.840.10008.5.1.4.1.1.7'


@dataclasses.dataclass(frozen=True)
class Asked:
  """What is wanted.

  Attributes:
    options: what is kept beyond the basic profile.
    keep: columns of tables that stay as they are.
    names: whether files and folders keep their names.
    burnt_in: whether images are copied in which text seems to stand.
  """

  options: Options = Options()
  keep: Collection[str] = ()
  names: bool = False
  burnt_in: bool = False


def deidentify(
  source: pathlib.Path, target: pathlib.Path, keyed: Keyed, asked: Asked
) -> report.Report:
  """Writes the copies and a report.

  Files that are neither DICOM nor a table, DICOM files without pixels (structured reports,
  documents), damaged ones and images with text in their pixels are not copied, which is said.

  Args:
    source: the folder.
    target: a folder that is not there yet, or is empty.
    keyed: makes what stands for ids, UIDs, names and dates.
    asked: what is kept.

  Raises:
    UserError: there is nothing to copy, or ``target`` cannot be used.
    MissingPackageError: pydicom is not installed, and there are files that may be DICOM.
  """
  found = _found(source, target)
  if not all(map(_is_table, found)):
    dicom_file.package()
  private_files.make_folder(target)
  made = report.Report(asked.options)
  names = {path: _new_name(path, keyed, asked) for path in found if not _is_table(path)}
  for path, new in names.items():
    _image(source / path, target / new, path, keyed, asked, made)
  written = {path: new for path, new in names.items() if (target / new).exists()}
  for path in filter(_is_table, found):
    _table(source / path, target, path, keyed, asked, written, made)
  if asked.keep and not set(asked.keep) <= made.kept:
    lacking = sorted(set(asked.keep) - made.kept)
    made.left_out['columns to keep that no table has'] += len(lacking)
    made.say(f'--keep={",".join(lacking)}: no table has such a column')
  made.write(target)
  return made


def _found(source: pathlib.Path, target: pathlib.Path) -> list[pathlib.Path]:
  """The files below the source, but for hidden ones, by their paths from there."""
  if not source.is_dir():
    raise UserError(f'{source}: is no folder; expected one with DICOM files and tables')
  if target.exists() and (not target.is_dir() or any(target.iterdir())):
    raise UserError(f'{target}: is there; expected a new folder')
  if target.resolve().is_relative_to(source.resolve()):
    raise UserError(f'{target}: lies in what is to be de-identified; expected a folder outside')
  found = []
  for folder, _, names in sorted(os.walk(source)):
    found += [(pathlib.Path(folder) / name).relative_to(source) for name in sorted(names)]
  shown = [path for path in found if not any(part.startswith('.') for part in path.parts)]
  if not shown:
    raise UserError(f'{source}: has no files to de-identify')
  return shown


def _is_table(path: pathlib.Path) -> bool:
  return path.name.lower().endswith(_TABLES)


def _new_name(path: pathlib.Path, keyed: Keyed, asked: Asked) -> pathlib.Path:
  """Where the copy lies; the number says nothing to who has no key."""
  if asked.names:
    return path
  return pathlib.Path(f'{keyed.code("image", path.as_posix())}.dcm')


def _image(
  source: pathlib.Path,
  target: pathlib.Path,
  path: pathlib.Path,
  keyed: Keyed,
  asked: Asked,
  made: report.Report,
) -> None:
  """Copies a DICOM file, or notes why not."""
  shown = one_line(path.as_posix())
  try:
    with open(source, 'rb') as file:
      dicom_file.header(file, shown, ('SOPClassUID',))
      with_text = not asked.burnt_in and _may_show_text(file, shown)
  except dicom_file.NoPictureError:
    return made.leave_out('DICOM files without pixels, such as reports and documents', shown)
  except UserError as error:
    kind = 'damaged DICOM files' if _says_dicom(source) else f'other files ({path.suffix or "-"})'
    return made.leave_out(kind, shown, str(error) if _says_dicom(source) else '')
  except OSError as error:
    return made.leave_out('files that cannot be read', shown, error.strerror or '')
  if with_text:
    return made.leave_out('images that may show text', shown)
  try:
    with open(source, 'rb') as file, dicom_dataset.as_it_is():
      dataset = dicom_file.guarded(shown, lambda: dicom_file.package().dcmread(file, force=True))
      counts = dicom_dataset.deidentify(dataset, keyed, asked.options, path.as_posix())
      _save(target, dataset, shown)
  except UserError as error:
    return made.leave_out('damaged DICOM files', shown, str(error))
  made.images += 1
  made.patients.add(str(dataset.PatientID))
  made.attributes.update(counts)
  return None


def _save(target: pathlib.Path, dataset: Any, name: str) -> None:
  private_files.make_folder(target.parent)
  with files_lib.replacing(target) as new:
    handle = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC, private_files.FILE)
    with open(handle, 'wb') as file:
      dicom_file.guarded(name, lambda: dataset.save_as(file, enforce_file_format=True))


def _says_dicom(path: pathlib.Path) -> bool:
  try:
    with open(path, 'rb') as file:
      start = file.read(132)
  except OSError:
    return False
  return start[128:] == b'DICM' or path.suffix.lower() in ('.dcm', '.dicom')


def _may_show_text(file: BinaryIO, name: str) -> bool:
  """Whether the header says that text is burnt in, or some frame looks like it."""
  found = dicom_file.header(file, name, ('SOPClassUID', 'BurnedInAnnotation'))
  said = str(found.get('BurnedInAnnotation') or '').upper() == 'YES'
  if said or f'{found.get("SOPClassUID")}.'.startswith(f'{_SECONDARY}.'):
    return True
  count = dicom_header.frames(file, name)
  return any(burnt_in.find(image) for image in _some_frames(file, name, count))


def _some_frames(file: BinaryIO, name: str, count: int) -> Iterator[Image.Image]:
  step = max(1, (count - 1) // max(1, _FRAMES - 1))
  for place in range(0, count, step):
    yield dicom.read(file, name, place).image


def _table(
  source: pathlib.Path,
  target: pathlib.Path,
  path: pathlib.Path,
  keyed: Keyed,
  asked: Asked,
  written: dict[pathlib.Path, pathlib.Path],
  made: report.Report,
) -> None:
  """Copies a table, or notes why not."""
  shown = one_line(path.as_posix())
  folder = path.parent
  files = {
    (here := name.relative_to(folder).as_posix()): here if asked.names else new.as_posix()
    for name, new in written.items()
    if name.is_relative_to(folder)
  }
  try:
    text, done, header = table_text.deidentify(
      text_file.read_text(source, 'a table'), pathlib.Path(shown), keyed, files, asked.keep,
      asked.options.dates,
    )  # fmt: skip
  except UserError as error:
    return made.leave_out('tables that cannot be read, or have no column left', shown, str(error))
  number = len(made.tables) + 1
  new = path if asked.names else pathlib.Path(f'table-{number}.csv')
  if asked.names and new.suffix.lower() != '.csv':
    new = new.with_name(f'{new.name.split(".")[0]}.csv')
  private_files.make_folder((target / new).parent)
  private_files.write(target / new, text.encode(), private_files.FILE)
  made.tables[new.as_posix()] = done
  made.kept |= set(header) & set(asked.keep)
  return None
