"""A page on several runs of one experiment: what all such pages say of where they come from."""

import pathlib
from collections.abc import Mapping
from typing import Any

import markupsafe

from medjax import files
from medjax.plots import html
from medjax.workdir import Workdir


def write(
  path: pathlib.Path,
  template: pathlib.Path,
  run: Workdir,
  about: Mapping[str, Any],
  figure: markupsafe.Markup | str,
) -> pathlib.Path:
  """Writes the page.

  Args:
    path: of the page, in the folder of the runs.
    template: gets ``name``, ``folder``, ``command``, ``simulated``, ``source``, ``about`` and
      ``figure``.
    run: one of the runs, whose data and command are told.
    about: what was found.
    figure: an SVG element, or ''.

  Returns:
    The path.

  Raises:
    UserError: a file of the run is damaged, or the page cannot be written.
  """
  data, environment = run.read(run.data), run.read(run.environment)
  folder = path.parent.resolve().name
  page = html.render(
    template,
    name=environment.get('experiment') or folder,
    folder=folder,
    command=environment.get('command', ''),
    simulated=data.get('simulated'),
    source=data.get('source', 'not stated'),
    about=about,
    figure=figure,
  )
  with files.replacing(path) as new:
    new.write_text(page, encoding='utf-8')
  return path
