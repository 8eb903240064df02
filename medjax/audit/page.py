"""audit.html: what checks of data found, with pictures of the cases that they name."""

import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from medjax import files
from medjax.audit.finding import Checked, Finding
from medjax.data import drawings
from medjax.data.modality import Drawing
from medjax.plots import html

_ROWS = 20  # of a finding, on the page
_PICTURES = 12
_OF_DATA = {
  'of': 'the data',
  'nothing': 'Not everything can be: a shortcut within the image, or labels that are wrong '
  'throughout, look like data.',
}


def write(
  path: pathlib.Path,
  checked: Sequence[Checked],
  about: dict[str, Any],
  draw: Callable[[str], Drawing | None],
) -> None:
  """Writes the page.

  Args:
    path: the file.
    checked: all checks, in order.
    about: 'name', 'source', 'simulated', 'cases', 'what', 'notes' and 'data' (the file with all
      rows); 'of' for what is audited, where it is not the data, and 'nothing' for what is said
      where nothing was found.
    draw: the picture of a case by name; None where there is none.

  Raises:
    UserError: it cannot be written.
  """
  checks = [
    {
      'name': one.name,
      'about': one.about,
      'problem': one.problem,
      'findings': [_finding(finding, draw) for finding in one.findings],
    }
    for one in checked
  ]
  found = [one for one in (f for c in checked for f in c.findings) if not one.information]
  template = pathlib.Path(__file__).parent / 'audit.html'
  page = html.render(template, checks=checks, found=found, **(_OF_DATA | about))
  with files.replacing(path) as new:
    new.write_text(page, encoding='utf-8', errors='backslashreplace')


def _finding(finding: Finding, draw: Callable[[str], Drawing | None]) -> dict[str, Any]:
  rows = list(finding.rows[:_ROWS])
  return {
    'line': finding.line,
    'advice': finding.advice,
    'information': finding.information,
    'columns': list(rows[0]) if rows else [],
    'rows': rows,
    'more': len(finding.rows) - len(rows),
    'pictures': _pictures(finding, draw) if finding.shown else [],
  }


def _pictures(finding: Finding, draw: Callable[[str], Drawing | None]) -> list[dict[str, Any]]:
  fields = finding.shown.split(',')
  pictures = []
  for row in finding.rows[:_PICTURES]:
    drawn = [draw(str(row[field])) for field in fields]
    uris = [drawings.uri(one) for one in drawn if one is not None]
    if len(uris) == len(fields):
      told = [f'{name}: {value}' for name, value in row.items() if name not in fields and value]
      pictures.append(
        {'uris': uris, 'names': [row[field] for field in fields], 'caption': ', '.join(told)}
      )
  return pictures
