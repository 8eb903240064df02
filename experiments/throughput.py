"""How fast networks train here, alone and beside Keras and PyTorch.

    python -m experiments.throughput                                   # sweep medjax alone
    python -m experiments.throughput --peers=keras,torch               # and compare, turn by turn
    python -m experiments.throughput --config.models=resnet50 --config.batch_sizes=64,128
    python -m experiments.throughput --peers=keras,torch,torch_compile --config.precisions=bfloat16

Every line is measured in this run; a table is printed and `throughput.json` written. The sweep
trains on simulated films and measures what the `bench` verb of every experiment does: compilation,
step, FLOP/s, memory, input alone, end to end, waiting for data. The comparison (install
`.[peers]`) trains one network with the same weights, batch, precision and optimiser in each
framework, in processes that take turns, and prints medjax's rate over theirs, round by round: once
as users run the others, and once with the allocator setting that medjax gives itself. The peer
`jit` is the CNN's update under plain jax.jit: what medjax's own step costs above it.

Measured on 2 cores of an AMD EPYC (AVX2, no AVX-512; 2048^3 float32 product: 129 to 166 GFLOP/s),
float32, jax 0.10.2, keras 3.15.1 on tensorflow 2.21.0, torch 2.13.0 (channels_last), Adam, with

    python -m experiments.throughput --peers=keras,torch --config.sweep=false --config.rounds=7

and --config.models, --config.image_sizes, --config.batch_sizes as in the first column. Median rate
of medjax in images/s, and its median ratio to the others (smallest to largest of the rounds):

    network, pixels, batch       keras             torch
    cnn 224, 32, 9 rounds  39.8  2.88 (2.52-3.03)  3.09 (2.61-3.50)
      with medjax's allocator    2.33 (2.18-2.62)  2.13 (1.82-3.11)
    cnn 224, 8             21.0  2.44 (1.79-2.86)  2.53 (2.17-2.79)
      with medjax's allocator    2.03 (1.44-2.26)  1.92 (1.28-1.98)
    cnn 224, 128           52.1  3.27 (2.79-3.53)  3.78 (2.88-4.23)
      with medjax's allocator    2.96 (2.18-3.27)  2.59 (1.71-3.04)
    resnet18 64, 32        11.2  1.78 (1.53-1.93)  1.72 (1.25-1.92)
      with medjax's allocator    1.67 (1.40-1.77)  1.35 (1.14-1.68)

On another machine (2 cores of an AMD EPYC with AVX-512, an earlier revision, 5 rounds) cnn 224, 32
had 79 images/s and ratios of 1.82 to keras and 4.64 to torch; with medjax's allocator, 1.83 and
4.24.

pmap over plain jit, `--peers=jit`, 31 rounds of cnn 224, 32: 0.99 (0.84 to 1.14; quartiles 0.94 to
1.07). `python -m experiments.lung_cnn bench --config.augment=radiograph`: an epoch streamed from
ArrayRecord runs at 0.928 (quartiles 0.904 to 0.941) of the rate of the bare step with 1.6% of the
time waiting for data, a resident one at 1.008 (1.004 to 1.022) with none.

No GPU has been measured. The command for one with 40 GB or more:

    python -m experiments.throughput --peers=torch,torch_compile --config.models=cnn,resnet50 \
        --config.batch_sizes=256 --config.precisions=bfloat16
"""

import dataclasses
import pathlib
import sys
from collections.abc import Sequence
from typing import Any, cast

import optax
from absl import flags

import medjax
from medjax import arguments, cli, runtime, tasks
from medjax import config as config_lib
from medjax.bench import compare, network
from medjax.bench import run as bench
from medjax.config import setting
from medjax.data import images
from medjax.data.simulate import radiograph
from medjax.errors import UserError
from medjax.training import parallel
from medjax.workdir import write_json

_FLAGS = f"""Flags:
  --peers=NAMES     frameworks to compare with, of {', '.join(compare.PEERS)}
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
    optimizer=optax.adam(config.learning_rate),
  )


def sweep(config: Config) -> list[dict[str, Any]]:
  """Measures medjax alone for every combination of settings."""
  found = []
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
            found.append({'model': name, 'image_size': size, **result})
  return found


def race(config: Config, peers: list[str]) -> list[dict[str, Any]]:
  """Compares medjax with its peers for every combination of settings, on one device."""
  found = []
  for size in config.image_sizes:
    for name in config.models:
      for batch_size in config.batch_sizes:
        for precision in config.precisions:
          dtype = str(parallel.compute_dtype(precision))
          spec = network.Spec(name, size, batch_size, dtype, '')
          found.append(compare.compare(spec, peers, config.rounds))
          compare.table(found[-1])
  return found


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
      if peer not in compare.PEERS:
        raise UserError(f'--peers={peer}: expected some of {", ".join(compare.PEERS)}')
    config = config_lib.override(Config(), values)
    if argv is None:
      runtime.restart_with_huge_pages()
    runtime.configure(xla_tuning=config.xla_tuning, share_device=bool(values.peers))
    found: dict[str, Any] = {'environment': runtime.environment()}
    if values.peers:
      found['comparison'] = race(config, values.peers)
    if config.sweep:
      found['sweep'] = sweep(config)
    write_json(pathlib.Path(values.output), found)
    print(f'measurements: {values.output}')


if __name__ == '__main__':
  main()
