"""The file of an exported model: a zip of four members that are not compressed, or their folder.

``manifest.json`` says what the model is and holds the digest of every other member, and its own;
``program.stablehlo`` is the network, ``model.safetensors`` its weights, and ``card.md`` the model
card. Nothing is unpacked to disk, and no member is larger than the file says.
"""

import hashlib
import pathlib
import zipfile
from collections.abc import Mapping
from typing import Any

from medjax import files, sealed
from medjax.errors import UserError

FORMAT = 1
MANIFEST, PROGRAM, WEIGHTS, CARD = (
  'manifest.json', 'program.stablehlo', 'model.safetensors', 'card.md',
)  # fmt: skip
_MEMBERS = (MANIFEST, PROGRAM, WEIGHTS, CARD)
_REMEDY = 'export the run again'
# Of a manifest, which holds the settings of preprocessing and some rows of a table.
_LARGEST_MANIFEST = 256 * 2**20
_TIME = (1980, 1, 1, 0, 0, 0)  # the same run gives the same bytes


def write(path: pathlib.Path, manifest: Mapping[str, Any], members: Mapping[str, bytes]) -> None:
  """Writes a file, or leaves the old one, whatever happens in between.

  Args:
    path: the file.
    manifest: JSON values; format and digests are added.
    members: the others by name.

  Raises:
    UserError: it cannot be written.
  """
  with files.replacing(path) as new, zipfile.ZipFile(new, 'w', zipfile.ZIP_STORED) as out:
    for name, data in whole(manifest, members).items():
      out.writestr(zipfile.ZipInfo(name, _TIME), data)


def whole(manifest: Mapping[str, Any], members: Mapping[str, bytes]) -> dict[str, bytes]:
  """All members, the manifest with their digests among them."""
  digests = {name: _digest(data) for name, data in members.items()}
  sealed_text = sealed.dumps({'format': FORMAT, **manifest, 'digests': digests})
  return {MANIFEST: sealed_text.encode(), **members}


def read(path: pathlib.Path) -> tuple[dict[str, Any], dict[str, bytes]]:
  """The manifest and the other members, all checked against their digests.

  Args:
    path: a file that ``write`` wrote, or a folder of its members; further files there are not read.

  Raises:
    UserError: there is no such file, it is none of these, it is damaged or edited, or another
      version of medjax wrote it.
  """
  with _Opened(path) as opened:
    manifest = _manifest(opened, path)
    digests = manifest['digests']
    members = {}
    for name in _MEMBERS[1:]:
      members[name] = opened.read(name)
      if digests.get(name) != _digest(members[name]):
        raise UserError(f'{path}: {name} in it is damaged, or of another model; {_REMEDY}')
  return manifest, members


def read_manifest(path: pathlib.Path) -> dict[str, Any]:
  """The manifest alone; see ``read``."""
  with _Opened(path) as opened:
    return _manifest(opened, path)


def _manifest(opened: '_Opened', path: pathlib.Path) -> dict[str, Any]:
  text = opened.read(MANIFEST, _LARGEST_MANIFEST)
  manifest, _ = sealed.loads(text, f'{path}: {MANIFEST}', _REMEDY)
  found = manifest.get('format')
  if found != FORMAT:
    raise UserError(
      f'{path}: is a model of format {found}, and this medjax reads format {FORMAT}; export the '
      'run with this version, or use the other one'
    )
  return manifest


def _digest(data: bytes) -> str:
  return f'sha256:{hashlib.sha256(data).hexdigest()}'


class _Opened:
  """A zip or a folder, whose members are read by name."""

  def __init__(self, path: pathlib.Path):
    self._path = path
    self._zip: zipfile.ZipFile | None = None

  def __enter__(self) -> '_Opened':
    if self._path.is_dir():
      return self
    try:
      self._zip = zipfile.ZipFile(self._path)
    except FileNotFoundError:
      raise UserError(f'{self._path}: no such file; expected a model of export') from None
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
      raise UserError(f'{self._path}: is no model of export, or cut off ({error})') from None
    except OSError as error:
      raise UserError(f'{self._path}: cannot be read: {error.strerror or error}') from None
    self._check_names(self._zip)
    return self

  def __exit__(self, *_: object) -> None:
    if self._zip is not None:
      self._zip.close()

  def _check_names(self, opened: zipfile.ZipFile) -> None:
    """Sees that there are these members and no others, none of them packed."""
    found = opened.infolist()
    names = sorted(info.filename for info in found)
    if names != sorted(_MEMBERS):
      odd = [name for name in names if name not in _MEMBERS] or names
      raise UserError(
        f'{self._path}: is no model of export: expected {", ".join(_MEMBERS)} in it, once each, '
        f'found {", ".join(odd[:4]) or "nothing"}'
      )
    if any(i.compress_type != zipfile.ZIP_STORED or i.file_size != i.compress_size for i in found):
      raise UserError(f'{self._path}: is no model of export: its members are compressed')

  def read(self, name: str, most: int | None = None) -> bytes:
    """A member, of at most so many bytes."""
    try:
      if self._zip is None:
        member = self._path / name
        self._check_size(name, member.stat().st_size, most)
        return member.read_bytes()
      self._check_size(name, self._zip.getinfo(name).file_size, most)
      return self._zip.read(name)
    except FileNotFoundError:
      raise UserError(f'{self._path}: is no model of export: it has no {name}') from None
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError) as error:
      raise UserError(f'{self._path}: {name} in it is damaged ({error}); {_REMEDY}') from None

  def _check_size(self, name: str, size: int, most: int | None) -> None:
    if most is not None and size > most:
      raise UserError(f'{self._path}: {name} in it has {size:,} bytes; expected at most {most:,}')
