"""Images in whose pixels text seems to stand: names of patients, or where an image comes from."""

import os
import pathlib
from collections.abc import Sequence

from medjax.audit.finding import Checked, Finding, names
from medjax.data.modality import Modality
from medjax.errors import UserError

_MOST = 500  # files that are looked at; each takes up to a second


def check(modality: Modality, folder: pathlib.Path | None, cases: Sequence[str]) -> Checked:
  """Looks at files, evenly among all where there are many.

  Args:
    modality: whose files may show text.
    folder: where the files lie; None where they are not known.
    cases: their names.
  """
  about = (
    'Lines of marks that have the size, form and brightness of letters, in the files as they are; '
    f'of more than {_MOST} files in as many. Handwriting and single letters are not looked for.'
  )
  checked = Checked('text in the pixels', about)
  paths = [(name, folder / name.partition('#')[0]) for name in cases] if folder else []
  there = [(name, path) for name, path in paths if os.path.isfile(path)]
  step = -(-len(there) // _MOST) or 1
  rows: list[dict[str, str | int | float]] = []
  seen = 0
  for name, path in there[::step]:
    try:
      letters = modality.letters_in(str(path))
    except UserError:  # the readers name those that cannot be read
      continue
    if letters is None:
      return checked
    seen += 1
    if letters:
      rows.append({'case': name, 'letters in a line': letters})
  if not rows:
    return checked
  line = f'{names(len(rows), "case seems", "cases seem")} to show text, of {seen} looked at'
  advice = (
    'look at them: names of patients may stand there, and a network may read where an image comes '
    'from; cut the text off or leave the images out'
  )
  rows.sort(key=lambda row: -int(row['letters in a line']))
  finding = Finding(f'{line}, the first {rows[0]["case"]}', advice, rows, shown='case')
  return Checked(checked.name, about, [finding])
