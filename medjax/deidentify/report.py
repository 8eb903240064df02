"""What was removed and changed, in counts: no value, and no name of a file that was left out."""

import collections
import dataclasses
import json
import pathlib
import sys

from medjax.deidentify import profile
from medjax.deidentify.profile import Options
from medjax.security import private_files

JSON, TEXT = 'deidentification.json', 'deidentification.txt'
_LIMITS = (
  'Faces can be made from scans of a head, what is written in pixels by hand is seldom found, and',
  'rare diseases, dates that were kept and other sources may still say who somebody is.',
)


@dataclasses.dataclass
class Report:
  """Of one folder.

  Attributes:
    options: that were in use.
    images: DICOM files that were copied.
    patients: what stands for them.
    attributes: how often, by tag, name and what was done.
    tables: what was done to columns of each table, by its new name.
    left_out: how many files were not copied, by reason.
    kept: columns of ``--keep`` that some table has.
  """

  options: Options
  images: int = 0
  patients: set[str] = dataclasses.field(default_factory=set)
  attributes: collections.Counter[tuple[str, str, str]] = dataclasses.field(
    default_factory=collections.Counter
  )
  tables: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
  left_out: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
  kept: set[str] = dataclasses.field(default_factory=set)

  def leave_out(self, why: str, name: str, error: str = '') -> None:
    """Notes a file that is not copied; its name goes to standard error alone."""
    self.left_out[why] += 1
    self.say(f'{name}: left out, one of the {why}' + (f': {error}' if error else ''))

  def say(self, line: str) -> None:
    """Tells who gave the command, and nobody who gets the copies."""
    print(line, file=sys.stderr)

  def to_json(self) -> dict[str, object]:
    """JSON values."""
    return {
      'profile': f'DICOM PS3.15 {profile.EDITION}, Table E.1-1',
      'options': [meaning for _, meaning in self.options.codes],
      'images': self.images,
      'patients': len(self.patients),
      'attributes': [
        {'tag': tag, 'name': name, 'done': done, 'count': count}
        for (tag, name, done), count in sorted(self.attributes.items())
      ],
      'tables': self.tables,
      'left_out': dict(self.left_out),
    }

  def text(self) -> str:
    """The same for people."""
    lines = [
      f'De-identified by the tables of DICOM PS3.15 {profile.EDITION}, Annex E:',
      *(f'  {meaning}' for _, meaning in self.options.codes),
      '',
      f'{self.images} DICOM files of {len(self.patients)} patients, {len(self.tables)} tables.',
    ]
    if self.left_out:
      lines += ['', 'Not copied:', *(f'{n:>8}  {why}' for why, n in self.left_out.items())]
    if self.attributes:
      lines += ['', '   count  tag       attribute: what was done']
      for (tag, name, done), count in sorted(self.attributes.items()):
        lines.append(f'{count:>8}  {tag}  {name}: {done}')
    for name, columns in self.tables.items():
      lines += ['', f'{name}:']
      lines += [f'  {column}: {done}' for column, done in columns.items()] or ['  as it was']
    return '\n'.join([*lines, '', *_LIMITS, ''])

  def write(self, folder: pathlib.Path) -> None:
    """Writes both into the folder of the copies."""
    for name, text in ((JSON, json.dumps(self.to_json(), indent=2)), (TEXT, self.text())):
      private_files.write(folder / name, text.encode(), private_files.FILE)
