"""Files found by names that look like theirs, in whatever form of Unicode either is written."""

import pathlib

from medjax.data import source_files, text


class Listing:
  """The names in folders, each folder read once.

  Example:
    >>> Listing().alike(pathlib.Path('/nowhere'), 'a.png')
    []
  """

  def __init__(self) -> None:
    self._names: dict[pathlib.Path, dict[str, list[str]]] = {}

  def alike(self, folder: pathlib.Path, name: str) -> list[pathlib.Path]:
    """Files below ``folder`` whose path looks like ``name``.

    Where a folder on the way, or the file, is written exactly so, no other is looked at.
    """
    found = [folder]
    for part in pathlib.PurePosixPath(name).parts:
      found = [below for path in found for below in self._below(path, part)]
    return [path for path in found if source_files.is_file(path)]

  def _below(self, folder: pathlib.Path, part: str) -> list[pathlib.Path]:
    if source_files.exists(folder / part):
      return [folder / part]
    if folder not in self._names:
      names: dict[str, list[str]] = {}
      for name in source_files.names(folder) if source_files.is_folder(folder) else []:
        names.setdefault(text.clean(name), []).append(name)
      self._names[folder] = names
    return [folder / name for name in sorted(self._names[folder].get(text.clean(part), []))]
