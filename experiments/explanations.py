"""How fast tables are explained here, beside the libraries shap and lime.

    pip install -e '.[peers]'
    python -m experiments.explanations

Twenty rows are explained by KernelSHAP (a background of 50 rows, as many coalitions as shap takes
by default: all of 10 columns, 2108 of 30) and by LIME (5000 neighbours), with a logistic regression
and networks of one and two hidden layers, in turns. The libraries are given the same network,
compiled. A table is printed and `explanations.json` written.
"""

import dataclasses
import pathlib
import sys
from collections.abc import Sequence

from absl import flags

from medjax import cli, runtime
from medjax import config as config_lib
from medjax.bench import explainers
from medjax.config import setting
from medjax.errors import UserError
from medjax.workdir import write_json


@dataclasses.dataclass
class Config:
  """What to compare on."""

  columns: tuple[int, ...] = setting((10, 30), 'Columns of the table.', low=2)
  layers: tuple[int, ...] = setting((0, 1, 2), 'Hidden layers of the network.', low=0, high=8)
  units: int = setting(32, 'Units of each hidden layer.', low=1)
  rounds: int = setting(9, 'Timed rounds.', low=3)
  seed: int = setting(0, 'Seed of the table and of the network.', low=0)


def main(argv: Sequence[str] | None = None) -> None:
  """Parses flags, measures, writes the measurements as JSON, and exits."""
  values = flags.FlagValues()
  flags.DEFINE_string('output', 'explanations.json', 'Where to write.', flag_values=values)
  config_lib.declare(Config(), values)
  given = list(sys.argv[1:] if argv is None else argv)
  with cli.one_line_errors():
    if '--help' in given or '-h' in given:
      print(__doc__, '  --output=FILE     where to write the measurements', sep='\n')
      print(*cli.settings_help(Config()), sep='\n')
      return
    if rest := cli.parse(values, given):
      raise UserError(f'{rest[0]}: expected only flags')
    config = config_lib.override(Config(), values)
    runtime.configure()
    found = [
      explainers.compare((config.units,) * layers, columns, config.rounds, config.seed)
      for columns in config.columns
      for layers in config.layers
    ]
    about = runtime.environment()
    explainers.table(found, str(about['processor']))
    write_json(pathlib.Path(values.output), {'environment': about, 'comparison': found})
    print(f'measurements: {values.output}')


if __name__ == '__main__':
  main()
