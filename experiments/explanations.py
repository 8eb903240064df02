"""How fast tables are explained here, beside the libraries shap and lime.

    pip install -e '.[peers]'
    python -m experiments.explanations

Twenty rows are explained by KernelSHAP (a background of 50 rows, as many coalitions as shap takes
by default: all of 10 columns, 2108 of 30) and by LIME (5000 neighbours), with a logistic regression
and networks of one and two hidden layers, in turns. The libraries are given the same network,
compiled. A table is printed and `explanations.json` written.

Measured on 2 cores of an AMD EPYC (AVX-512), jax 0.10.2, shap 0.51.0, lime 0.2.0.1, 9 rounds: how
many times as fast as the library, median (quartiles). The last line is
`--config.layers=2 --config.units=64`.

    hidden units   KernelSHAP, 10 columns   30 columns         LIME, 10 columns    30 columns
    none           53.0 (49.1-61.2)         51.0 (49.1-51.5)   21.5 (21.1-21.8)    23.5 (20.5-24.3)
    32             20.3 (19.9-22.7)         20.4 (19.7-22.5)   18.4 (17.5-19.0)    20.0 (19.1-20.6)
    32, 32          8.4 (8.2-9.2)            8.4 (8.2-10.1)    14.8 (14.7-15.0)    16.3 (10.8-19.0)
    64, 64          4.5 (4.4-4.6)            4.8 (4.7-4.9)     11.8 (11.1-11.9)    18.3 (16.4-19.0)

Both evaluate the same million mixtures of rows (two million with 30 columns), so the larger the
network, the more of either's time is the network's own: with 64 and 64 units its products alone are
8.4 GFLOP of 0.06 s. Exact values differ by less than 2e-7.
"""

import dataclasses
import pathlib
import sys
from collections.abc import Sequence

from absl import flags

from medjax import arguments, cli, runtime
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
    if arguments.asks_help(given):
      print(__doc__, '  --output=FILE     where to write the measurements', sep='\n')
      print(*arguments.settings_help(Config()), sep='\n')
      return
    if rest := arguments.parse(values, given):
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
