"""A library of molecules, ranked by a finished run of drug_activity.

All of the library is read as a stream, standardised by worker processes and predicted as `predict`
does. The best molecules get rules of thumb, alerts and their distance from training, and a page
shows those of them that pass and are unlike each other.

    python -m experiments.drug_screen --workdir=RUN --library=library.smi.gz
    python -m experiments.drug_screen --workdir=RUN --library=library.csv --actives=known.smi

A screen that was killed goes on where it was when the command is repeated. What is written, and
figures: see experiments/README.md.
"""

import pathlib
import sys
from collections.abc import Sequence
from typing import Any

from absl import flags

from experiments import drug_activity
from medjax import arguments, cli, machine, runtime, start
from medjax.arguments import Flag
from medjax.data import dataset
from medjax.errors import UserError
from medjax.workdir import Workdir

_FLAGS = (
  Flag('workdir', '', 'run folder of drug_activity', 'FOLDER'),
  Flag('library', '', 'table, .smi or .sdf, each also as .gz', 'FILE'),
  Flag('output', '', 'where it writes (default screen/LIBRARY in the run folder)', 'FOLDER'),
  Flag('class', '', 'class to rank by, where there are several', 'NAME'),
  Flag('lowest', False, 'the lowest predictions are the best'),
  Flag('best', None, 'molecules described (default: a twentieth, 50 to 1000)', 'N', low=1),
  Flag('picks', 50, 'of these, unlike each other', 'N', low=1),
  Flag('actives', '', 'molecules that are known to be active', 'FILE'),
  Flag('smiles_column', '', 'column of the SMILES (default: found)', 'NAME'),
  Flag('workers', None, 'processes that read (default: one a core)', 'N', low=0),
)


def main(argv: Sequence[str] | None = None) -> None:
  """Parses flags, screens, and exits; see ``medjax.cli`` for the codes.

  Raises:
    SystemExit: always.
  """
  values = flags.FlagValues()
  for flag in _FLAGS:
    flag.define(values)
  given = list(sys.argv[1:] if argv is None else argv)
  with cli.one_line_errors():
    if arguments.asks_help(given):
      print(__doc__, 'Flags:', *(flag.help()[2:] for flag in _FLAGS), sep='\n')
      return
    if rest := arguments.parse(values, given):
      raise UserError(f'{rest[0]}: expected only flags')
    for name in ('workdir', 'library'):
      if not values[name].value:
        raise UserError(f'--{name}: is missing; --help lists all flags')
    if argv is None:
      start.loaded()
    _screen(values)


def _screen(values: flags.FlagValues) -> None:
  from medjax.deploy.screening import screen
  from medjax.deploy.screening.screened import Request

  workdir = Workdir(values.workdir)
  config: Any = workdir.stored(drug_activity.Config())
  runtime.configure(xla_tuning=config.xla_tuning)
  described: Any = workdir.stored(drug_activity.Config())
  described.data.stored = dataset.describe(workdir)
  path = pathlib.Path(values.library).expanduser()
  output = values.output or workdir.folder / 'screen' / path.name.split('.')[0]
  request = Request(
    path,
    pathlib.Path(output).expanduser(),
    values['class'].value or '',
    values.lowest,
    values.best,
    values.picks,
    pathlib.Path(values.actives).expanduser() if values.actives else None,
    values.smiles_column,
    machine.cores() if values.workers is None else values.workers,
  )
  screen.screen(drug_activity.build(described), config, drug_activity.build, workdir, request)


if __name__ == '__main__':
  main()
