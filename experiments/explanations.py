"""How fast tables are explained here, beside the libraries shap and lime.

Twenty rows are explained by KernelSHAP and by LIME, of the same network, in turns. A table is
printed and `explanations.json` written.

Result: KernelSHAP 4.5 to 53 times and LIME 11.8 to 23.5 times as fast as the library, medians of 9
rounds, from two layers of 64 units to logistic regression, on 2 cores of an AMD EPYC (AVX-512).

    pip install -e '.[peers]'
    python -m experiments.explanations

All figures with their quartiles: see experiments/README.md.
"""

import dataclasses
import pathlib
import sys
from collections.abc import Sequence

from absl import flags

from medjax import arguments, cli, runtime, sealed
from medjax import config as config_lib
from medjax.bench import explainers
from medjax.config import setting
from medjax.errors import UserError


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
    comparisons = [
      explainers.compare((config.units,) * layers, columns, config.rounds, config.seed)
      for columns in config.columns
      for layers in config.layers
    ]
    about = runtime.environment()
    explainers.table(comparisons, str(about['processor']))
    sealed.write(pathlib.Path(values.output), {'environment': about, 'comparison': comparisons})
    print(f'measurements: {values.output}')


if __name__ == '__main__':
  main()
