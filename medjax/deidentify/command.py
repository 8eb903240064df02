"""The command ``python -m medjax.security deidentify``."""

import pathlib
from collections.abc import Sequence

from absl import flags

from medjax.arguments import Flag
from medjax.deidentify import folder, keyed, report
from medjax.deidentify.profile import Options
from medjax.errors import UserError
from medjax.security.commands import KEY, Command


def _deidentify(words: Sequence[str], values: flags.FlagValues) -> None:
  options = Options(values.keep_dates, values.keep_device, values.keep_patient)
  columns = [name for name in values.keep.split(',') if name]
  asked = folder.Asked(options, columns, values.keep_names, values.keep_burnt_in)
  target = pathlib.Path(words[1])
  made = folder.deidentify(pathlib.Path(words[0]), target, keyed.load(values.key), asked)
  left = sum(made.left_out.values())
  print(
    f'{target}: {made.images} DICOM files of {len(made.patients)} patients and {len(made.tables)} '
    f'tables; {left} left out; {target / report.TEXT} says what was removed'
  )
  if not made.images and not made.tables:
    raise UserError(f'{words[0]}: nothing was copied')


COMMANDS = {
  'deidentify': Command(
    'copy DICOM files and tables without what says who a patient is', 'SOURCE TARGET', _deidentify,
    (
      KEY,
      Flag('keep_dates', False, 'move dates by a number of days of each patient'),
      Flag('keep_device', False, 'keep which device made an image'),
      Flag('keep_patient', False, 'keep age (at most 90), sex, size and weight'),
      Flag('keep_names', False, 'keep names of files and folders, which you have looked at'),
      Flag('keep_burnt_in', False, 'copy images in which text seems to stand'),
      Flag('keep', '', 'columns of tables that stay as they are', 'A,B'),
    ),
  ),
}  # fmt: skip
"""Joins those of ``medjax.security``."""
