"""The bench verb: what one experiment's training costs on this machine, part by part."""

import dataclasses
import time
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

from medjax import runtime
from medjax.bench import measure, scaling
from medjax.bench.measure import Quartiles
from medjax.config import Config
from medjax.data import feed
from medjax.data.dataset import Batch
from medjax.experiment import Experiment
from medjax.ops import native
from medjax.training import parallel, state
from medjax.training.updates import Updates

_BLOCKS = 7  # timed blocks; medians and quartiles are over them
_EPOCH = 12  # updates of an end-to-end measurement


def bench(experiment: Experiment, config: Config, devices: runtime.Devices) -> dict[str, Any]:
  """Measures compilation, the step, the feeding, and both together.

  Args:
    experiment: what to train.
    config: batch size, precision and the like.
    devices: devices of this host.

  Returns:
    JSON values: ``device``, ``versions`` and the settings; ``compile_cold_s``, ``compile_warm_s``
    (from the persistent cache); ``step_s`` and ``examples_per_s`` as median, low and high quartile;
    ``flops_per_s``, ``matmul_flops_per_s`` and their ratio ``efficiency``; ``peak_device_bytes``
    (null on a CPU), ``temporary_bytes``, ``peak_host_bytes``; and for 'streamed' and 'resident'
    feeding ``input_per_s``, ``end_to_end_per_s``, ``of_step_rate`` and ``wait_share``.
  """
  run = _Run(experiment, config, devices)
  cold = run.compile(cached=False)
  run.compile(cached=True)  # fills the cache
  jax.clear_caches()
  warm = run.compile(cached=True)
  step = run.step_seconds()
  count = config.batch_size
  operations = run.flops()
  dtype = parallel.compute_dtype(config.precision)
  product = measure.matrix_product(dtype)
  achieved = None if operations is None else operations / step.median
  memory = run.compiled.memory_analysis()
  about = runtime.environment()
  result: dict[str, Any] = {
    'device': about['device'],
    'processor': about['processor'],
    'devices': len(devices.all),
    'versions': about['versions'],
    'batch_size': count,
    'precision': str(dtype),
    'xla_flags': about['xla_flags'],
    'glibc_tunables': about['glibc_tunables'],
    'native_kernels': native.status(),
    'parameters': state.count(run.current.params),
    'compile_cold_s': cold,
    'compile_warm_s': warm,
    'step_s': _values(step),
    'examples_per_s': _values(step.rate(count)),
    'examples_per_s_per_device': step.rate(count).median / len(devices.all),
    'flops_per_s': achieved,
    'matmul_flops_per_s': product,
    'efficiency': None if achieved is None else achieved / product,
    'temporary_bytes': getattr(memory, 'temp_size_in_bytes', None),
  }
  for name in ('streamed', 'resident'):
    result[name] = run.feeding(name)
  result['peak_device_bytes'] = measure.peak_device_bytes(devices.local[0])
  result['peak_host_bytes'] = measure.peak_host_bytes()
  return result


class _Run:
  """A compiled step with its state and data."""

  def __init__(self, experiment: Experiment, config: Config, devices: runtime.Devices):
    self.experiment, self.config, self.devices = experiment, config, devices
    self.split = experiment.data.splits['train']
    self.key = jax.random.key(config.seed)
    self.current = devices.replicate(state.create(experiment, config.seed))
    multiple = len(devices.all) * config.accumulate * (2 if experiment.mix else 1)
    if not self.split.sizes:
      rows = feed.order(config.seed, 0, len(self.split))
      rows = np.resize(rows, max(len(rows), _EPOCH * config.batch_size))  # a small set goes round
      self.plan = feed.batches(rows, config.batch_size, multiple)[:_EPOCH]
    else:  # batches of similar size, as in training
      plan = feed.epoch_plan(self.split, config.seed, 0, config.batch_size, multiple)
      self.plan = plan[np.arange(_EPOCH) % len(plan)]
    self.batch = jax.device_put(next(iter(feed.Streamed(self.split, devices)(self.plan[:1]))))

  def _step(self) -> Any:
    config = self.config
    return parallel.compile_train(
      self.experiment, self.devices, config.precision, config.accumulate
    )

  def flops(self) -> float | None:
    """Operations of the step on one device by definition, whatever kernels save or hide of them."""
    with native.disabled():
      return measure.flops(self._step().lower(self.current, self.batch, self.key))

  def compile(self, *, cached: bool) -> float:
    """Seconds from Python to a compiled step."""
    with runtime.compilation_cache(cached):
      start = time.perf_counter()
      step = self._step()
      self.compiled = step.lower(self.current, self.batch, self.key).compile()
      taken = time.perf_counter() - start
    self.step = step
    return taken

  def step_seconds(self) -> Quartiles:
    return measure.seconds(lambda: self._update(self.batch), blocks=_BLOCKS, repeats=2, warm_up=2)

  def _update(self, batch: Batch) -> Any:
    self.current, metrics = self.step(self.current, batch, self.key)
    return metrics

  def feeding(self, name: Any) -> dict[str, Any]:
    """One kind of feeding: alone, and with training as the loop does it, between bare steps."""
    updates = Updates(self.experiment, dataclasses.replace(self.config, feeding=name), self.devices)
    count, size = len(self.plan), self.config.batch_size
    alone = measure.seconds(
      lambda: [jax.block_until_ready(b) for b in updates.feed(self.plan)], blocks=3
    )

    def bare() -> float:
      return measure.seconds(
        lambda: self._update(self.batch), blocks=1, repeats=count, warm_up=1
      ).median

    self._epoch(updates)  # compiles
    rates, shares, ratios, before = [], [], [], bare()
    for _ in range(_BLOCKS):
      taken, waited = self._epoch(updates)
      after = bare()
      rates.append(taken / count)
      shares.append(waited / taken)
      ratios.append((before + after) / 2 * count / taken)
      before = after
    return {
      'input_per_s': _values(alone.rate(count * size)),
      'end_to_end_per_s': _values(Quartiles.of(rates).rate(size)),
      'of_step_rate': _values(Quartiles.of(ratios)),
      'wait_share': _values(Quartiles.of(shares)),
    }

  def _epoch(self, updates: Updates) -> tuple[float, float]:
    """Seconds of updates over the plan as the loop does them, and of waiting for the next."""
    start, waited, pending = time.perf_counter(), 0.0, None
    calls = updates(self.plan)
    while True:
      asked = time.perf_counter()
      update = next(calls, None)
      waited += time.perf_counter() - asked
      if update is None:
        break
      count, call = update
      self.current, metrics = call(self.current)
      if pending is not None:
        jax.device_get(pending[1])
        updates.took(pending[0])
      pending = count, metrics
    jax.block_until_ready((self.current, pending))
    return time.perf_counter() - start, waited


def against(measured: dict[str, Any], before: dict[str, Any]) -> Iterator[str]:
  """Lines that compare what ``bench`` measured with an earlier measurement; none without one.

  Another machine, or the same one beside other work, differs by itself: ``bench.revisions`` runs
  two revisions in turns.
  """
  for name in ('processor', 'device', 'versions', 'native_kernels'):
    if before and measured[name] != before[name]:
      yield f'another {name.replace("_", " ")}: {before[name]} then, {measured[name]} now'
  for name, key in (('step', 'step_s'), ('streamed', 'end_to_end_per_s')) if before else ():
    then, now = (one[key] if key in one else one[name][key] for one in (before, measured))
    ratio = then['median'] / now['median']
    ratio = 1 / ratio if key == 'end_to_end_per_s' else ratio
    apart = then['high'] < now['low'] or now['high'] < then['low']
    yield f'{name}: {ratio:.2f} times as fast{"" if apart else ", within the quartiles"}'


def _values(quartiles: Quartiles) -> dict[str, float]:
  return {'median': quartiles.median, 'low': quartiles.low, 'high': quartiles.high}


def table(name: str, result: dict[str, Any]) -> None:
  """Prints what ``bench`` measured."""

  def spread(value: dict[str, float], spec: str = '.3g', unit: str = '') -> str:
    return f'{value["median"]:{spec}}{unit} ({value["low"]:{spec}}-{value["high"]:{spec}})'

  def size(value: int | None) -> str:
    return 'not known here' if value is None else f'{value / 2**20:.0f} MiB'

  rows = [
    ('device', f'{result["devices"]} x {result["device"]}, {result["processor"]}'),
    ('versions', ', '.join(f'{k} {v}' for k, v in result['versions'].items())),
    ('batch', f'{result["batch_size"]}, {result["precision"]}'),
    ('kernels in C++', result['native_kernels']),
    ('parameters', f'{result["parameters"]:,}'),
    ('compile', f'{result["compile_cold_s"]:.1f} s, cached {result["compile_warm_s"]:.1f} s'),
    ('step', spread(result['step_s'], '.4g', ' s')),
    ('examples/s', spread(result['examples_per_s'], '.4g')),
    ('examples/s a device', f'{result["examples_per_s_per_device"]:.4g}'),
  ]
  if result['flops_per_s']:
    share = f'{result["efficiency"]:.0%} of a matrix product ({result["matmul_flops_per_s"]:.3g})'
    rows.append(('FLOP/s a device', f'{result["flops_per_s"]:.3g}, {share}'))
  for kind in ('streamed', 'resident'):
    part = result[kind]
    rows += [
      (f'{kind} input alone', spread(part['input_per_s'], '.4g', ' examples/s')),
      (f'{kind} end to end', spread(part['end_to_end_per_s'], '.4g', ' examples/s')),
      (f'{kind} of the step alone', spread(part['of_step_rate'], '.3f')),
      (f'{kind} waiting for data', spread(part['wait_share'], '.1%')),
    ]
  rows += [
    ('device memory, peak', size(result['peak_device_bytes'])),
    ('temporaries of a step', size(result['temporary_bytes'])),
    ('host memory, peak', size(result['peak_host_bytes'])),
  ]
  shown = Table('', f'{name}: median (quartiles)')
  for row in rows:
    shown.add_row(*row)
  _print(shown)


def scaling_table(result: dict[str, Any], cluster: scaling.Cluster) -> dict[str, Any]:
  """Prints what many such devices would do by ``scaling``'s model, and gives it as JSON values."""
  step, parameters = result['step_s']['median'], 4 * result['parameters']
  shown = Table(
    'state', 'devices', 'MB sent within hosts', 'between', 'ms of it', 'computing',
    title='A model, not a measurement: the step above on many devices, each with as many examples',
  )  # fmt: skip
  for row in scaling.lines(step, parameters, cluster):
    shown.add_row(*row)
  _print(shown)
  found = {
    name: [
      dataclasses.asdict(scaling.scaled(step, parameters, cluster, count, shards=shards))
      for count in scaling.COUNTS
    ]
    for name, shards in (('copies', False), ('parts', True))
  }
  return {'cluster': dataclasses.asdict(cluster), **found}


def _print(shown: Table) -> None:
  console = Console()
  if not console.is_terminal:
    console = Console(width=160)
  console.print(shown, highlight=False, markup=False)
