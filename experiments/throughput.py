"""How fast networks train here, alone and beside Keras and PyTorch.

Every line is measured in this run; a table is printed and `throughput.json` written.

Result: cnn at 224 px, batches of 32, float32, on 2 cores of an AMD EPYC (AVX2): 39.8 images/s, in 9
rounds 2.88 (2.52 to 3.03) times as fast as Keras and 3.09 (2.61 to 3.50) times as PyTorch, and 2.33
and 2.13 times where these have medjax's allocator.

    python -m experiments.throughput                                   # sweep medjax alone
    python -m experiments.throughput --peers=keras,torch               # and compare, turn by turn
    python -m experiments.throughput --peers=keras,torch,torch_compile --config.precisions=bfloat16
    python -m experiments.throughput --peers=chemprop --config.molecules=lipo.csv  # graph networks

What is measured, and all figures: see experiments/README.md.
"""

import dataclasses
import pathlib
import sys
from collections.abc import Sequence
from typing import Any, cast

from absl import flags

import medjax
from medjax import arguments, cli, optimizers, runtime, sealed, start, tasks
from medjax import config as config_lib
from medjax.bench import compare, molecules, network
from medjax.bench import run as bench
from medjax.config import setting
from medjax.data import images
from medjax.data.simulate import radiograph
from medjax.errors import UserError
from medjax.training import parallel

_PEERS = (*compare.PEERS, *compare.OF_MOLECULES)
_FLAGS = f"""Flags:
  --peers=NAMES     frameworks to compare with, of {', '.join(_PEERS)}
  --output=FILE     where to write the measurements (default throughput.json)
"""


@dataclasses.dataclass
class Config(medjax.Config):
  """What to sweep; the settings of every run stand beside."""

  data: images.Config = dataclasses.field(
    default_factory=lambda: images.Config(simulated_train=256, simulated_val=16, simulated_test=16)
  )
  models: tuple[str, ...] = setting(('cnn',), f'Networks, of {", ".join(network.NAMES)}.')
  batch_sizes: tuple[int, ...] = setting((32,), 'Examples an update.', low=1)
  image_sizes: tuple[int, ...] = setting((224,), 'Pixels of a side.', low=32, high=1024)
  precisions: tuple[str, ...] = setting(('auto',), 'Of auto, float32 and bfloat16.')
  device_counts: tuple[int, ...] = setting((0,), 'Devices to use; 0 is all.', low=0)
  molecules: str = setting('', 'Table or .smi file that graph networks are trained on.')
  smiles_column: str = setting('', 'Its column of SMILES; empty finds it.')
  molecule_batch: int = setting(64, 'Molecules an update.', low=2)
  sweep: bool = setting(True, 'Measure medjax alone, part by part.')
  rounds: int = setting(9, 'Timed rounds of a comparison.', low=3)

  def validate(self) -> None:
    """Raises UserError for a name that is not known."""
    known = {'models': network.NAMES, 'precisions': ('auto', 'float32', 'bfloat16')}
    for field, names in known.items():
      for name in getattr(self, field):
        if name not in names:
          raise UserError(f'config.{field}={name}: expected some of {", ".join(names)}')


def _experiment(config: Config, name: str) -> medjax.Experiment:
  data = images.load(config.data, simulator=radiograph.simulate, classes=('no cancer', 'cancer'))
  spec = network.Spec(name, config.data.image_size, config.batch_size, config.precision, '')
  return medjax.Experiment(
    data=data,
    model=network.build(spec),
    task=tasks.classification(data.classes),
    optimizer=optimizers.Adam(config.learning_rate),
  )


def sweep(config: Config) -> list[dict[str, Any]]:
  """Measures medjax alone for every combination of settings."""
  results = []
  for size in config.image_sizes:
    for name in config.models:
      for batch_size in config.batch_sizes:
        for precision in config.precisions:
          for count in config.device_counts:
            one = dataclasses.replace(
              config,
              data=dataclasses.replace(config.data, image_size=size),
              batch_size=batch_size,
              precision=cast(Any, precision),
            )
            result = bench.bench(_experiment(one, name), one, runtime.devices(count))
            title = f'{name} at {size} px'
            bench.table(title, result)
            results.append({'model': name, 'image_size': size, **result})
  return results


def race(config: Config, peers: list[str]) -> list[dict[str, Any]]:
  """Compares medjax with its peers for every combination of settings, on one device."""
  comparisons = []
  for size in config.image_sizes:
    for name in config.models:
      for batch_size in config.batch_sizes:
        for precision in config.precisions:
          dtype = str(parallel.compute_dtype(precision))
          spec = network.Spec(name, size, batch_size, dtype, '')
          comparisons.append(compare.compare(spec, peers, config.rounds))
          compare.table(comparisons[-1])
  return comparisons


def race_of_molecules(config: Config, peers: list[str]) -> list[dict[str, Any]]:
  """Compares a training of medjax's D-MPNN with that of its peers, on one device."""
  if not config.molecules:
    raise UserError('config.molecules: expected a file of molecules to train on')
  spec = molecules.Spec(config.molecules, config.smiles_column, config.molecule_batch)
  found = compare.compare(spec, peers, config.rounds)
  compare.table(found)
  return [found]


def main(argv: Sequence[str] | None = None) -> None:
  """Parses flags, measures, writes the measurements as JSON, and exits."""
  values = flags.FlagValues()
  flags.DEFINE_list('peers', [], 'Frameworks to compare with.', flag_values=values)
  flags.DEFINE_string('output', 'throughput.json', 'Where to write.', flag_values=values)
  config_lib.declare(Config(), values)
  given = list(sys.argv[1:] if argv is None else argv)
  with cli.one_line_errors():
    if arguments.asks_help(given):
      print(__doc__, _FLAGS, *arguments.settings_help(Config()), sep='\n')
      return
    if rest := arguments.parse(values, given):
      raise UserError(f'{rest[0]}: expected only flags')
    for peer in values.peers:
      if peer not in _PEERS:
        raise UserError(f'--peers={peer}: expected some of {", ".join(_PEERS)}')
    config = config_lib.override(Config(), values)
    if argv is None:
      start.restart_with_huge_pages()
      start.loaded()
    runtime.configure(xla_tuning=config.xla_tuning, share_device=bool(values.peers))
    measured: dict[str, Any] = {'environment': runtime.environment()}
    if values.peers:
      of_images = [peer for peer in values.peers if peer in compare.PEERS]
      of_molecules = [peer for peer in values.peers if peer in compare.OF_MOLECULES]
      measured['comparison'] = race(config, of_images) if of_images else []
      if of_molecules:
        measured['comparison'] += race_of_molecules(config, of_molecules)
    if config.sweep:
      measured['sweep'] = sweep(config)
    sealed.write(pathlib.Path(values.output), measured)
    print(f'measurements: {values.output}')


if __name__ == '__main__':
  main()
