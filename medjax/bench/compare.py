"""medjax beside Keras and PyTorch: the same network in processes that take turns.

Machines drift and share their cores, so rates of different minutes say little. Here every framework
is started and warmed up first, and then they are timed one after the other, round by round; what
counts is the ratio within a round.
"""

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

import jax
from rich.console import Console
from rich.table import Table

from medjax import runtime, start
from medjax.bench import molecules, network, worker
from medjax.bench.measure import Quartiles
from medjax.errors import UserError
from medjax.ops import native

# Of networks that see images, and of graph networks.
PEERS = tuple(name for name in worker.FRAMEWORKS if name != 'medjax')
OF_MOLECULES = tuple(name for name in worker.OF_MOLECULES if name != 'medjax')
Spec = network.Spec | molecules.Spec
# Largest difference between outputs that lets networks count as the same.
TOLERANCE = {'float32': 1e-4, 'bfloat16': 5e-2}
_OWN = ('medjax', 'jit', 'private')  # of medjax, which has its allocator setting
_BLOCK = 2.0  # seconds that a timed block should take


@dataclasses.dataclass(frozen=True)
class Entrant:
  """A framework with the allocator settings that it runs with.

  Attributes:
    framework: name in ``worker.FRAMEWORKS``.
    huge_pages: whether it has the allocator setting that medjax gives itself.
  """

  framework: str
  huge_pages: bool

  @property
  def name(self) -> str:
    alike = self.framework in _OWN or not self.huge_pages
    return self.framework if alike else f'{self.framework}, same allocator'


def compare(spec: Spec, peers: Sequence[str], rounds: int) -> dict[str, Any]:
  """Times one training in medjax and in ``peers``, turn by turn.

  On a CPU under Linux every peer runs twice: as its users run it, and with the allocator setting
  that medjax's command line gives itself (huge pages).

  Args:
    spec: what to train; its folder is filled here.
    peers: names among ``PEERS``, or ``OF_MOLECULES`` for a graph network.
    rounds: timed rounds.

  Returns:
    JSON values: ``spec``, ``processor`` and ``kernels`` (medjax's in C++); for each entrant
    ``device``, ``versions``, ``difference`` of its outputs from medjax's, ``examples_per_s`` and
    ``peak_gib``, the most memory that its process has had; and
    for each peer ``ratio``, medjax's rate over its rate within a round. An entrant that could not
    run has ``error`` instead.

  Raises:
    UserError: medjax itself could not run, or a peer computes something else.
  """
  with tempfile.TemporaryDirectory() as folder:
    spec = dataclasses.replace(spec, folder=folder)
    spec.write()
    own = [Entrant(name, True) for name in _OWN if name in ('medjax', *peers)]
    others = [peer for peer in peers if peer not in _OWN]
    entrants = [*own, *(Entrant(peer, False) for peer in others)]
    if start.huge_pages() and jax.default_backend() == 'cpu':
      entrants += [Entrant(peer, True) for peer in others]
    running: dict[str, _Process] = {}
    entries: dict[str, Any] = {}
    try:
      for entrant in entrants:  # one after the other: starting is no part of the race
        process = _Process(entrant, spec)
        running[entrant.name] = process
        entries[entrant.name] = process.about()
        if 'error' in entries[entrant.name]:
          running.pop(entrant.name).close()
      if 'medjax' not in running:
        raise UserError(f'medjax: {entries["medjax"]["error"]}')
      for name, about in entries.items():
        if name in running and not about['difference'] <= TOLERANCE[spec.precision]:
          raise UserError(
            f'{name}: outputs differ by {about["difference"]:.2g} from the same weights; expected '
            f'at most {TOLERANCE[spec.precision]}'
          )
      counts = {n: max(1, round(_BLOCK / process.block(1))) for n, process in running.items()}
      taken: dict[str, list[float]] = {name: [] for name in running}
      for _ in range(rounds):
        for name, process in running.items():
          taken[name].append(process.block(counts[name]))
    finally:
      for process in running.values():
        process.close()
  for name, times in taken.items():
    rate = Quartiles.of(times).rate(spec.batch_size)
    entries[name]['examples_per_s'] = _values(rate)
    entries[name]['peak_gib'] = running[name].peak_gib
    if name != 'medjax':
      pairs = [theirs / mine for mine, theirs in zip(taken['medjax'], times, strict=True)]
      ratio = Quartiles.of(pairs)
      entries[name]['ratio'] = _values(ratio) | {'smallest': min(pairs), 'largest': max(pairs)}
  about = dataclasses.asdict(spec) | {'title': spec.title}
  del about['folder']
  return {
    'spec': about,
    'rounds': rounds,
    'processor': runtime.environment()['processor'],
    'kernels': native.status(),
    'entrants': entries,
  }


class _Process:
  """An entrant's process, warmed up and waiting for its turn."""

  def __init__(self, entrant: Entrant, spec: Spec):
    environment = dict(os.environ)
    environment.pop('GLIBC_TUNABLES', None)
    if entrant.huge_pages:
      environment |= start.huge_pages()
    self.peak_gib = 0.0
    self._process = subprocess.Popen(
      [
        sys.executable,
        '-m',
        'medjax.bench.worker',
        entrant.framework,
        json.dumps(dataclasses.asdict(spec)),
      ],
      env=environment,
      stdin=subprocess.PIPE,
      stdout=subprocess.PIPE,
      stderr=subprocess.PIPE,
      text=True,
    )

  def about(self) -> dict[str, Any]:
    """What the entrant says of itself once it is ready; 'error' if it is not going to be."""
    line = self._process.stdout.readline() if self._process.stdout else ''
    if line:
      return json.loads(line)
    _, errors = self._process.communicate()
    last = [text for text in errors.splitlines() if text.strip()]
    return {'error': last[-1] if last else f'ended with code {self._process.returncode}'}

  def block(self, steps: int) -> float:
    """Seconds a step, over ``steps`` of them."""
    assert self._process.stdin is not None
    assert self._process.stdout is not None
    self._process.stdin.write(f'{steps}\n')
    self._process.stdin.flush()
    line = self._process.stdout.readline()
    if not line:
      raise UserError(f'a framework stopped while it was timed: {self.about()["error"]}')
    seconds, self.peak_gib = map(float, line.split())
    return seconds

  def close(self) -> None:
    self._process.kill()
    self._process.communicate()


def _values(quartiles: Quartiles) -> dict[str, float]:
  return {'median': quartiles.median, 'low': quartiles.low, 'high': quartiles.high}


def table(result: dict[str, Any]) -> None:
  """Prints what ``compare`` measured."""
  spec = result['spec']
  title = (
    f'{spec["title"]}, batch {spec["batch_size"]}, '
    f'{spec["precision"]}, on {result["processor"]}: {result["rounds"]} rounds, median (quartiles)'
  )
  columns = ('framework', 'examples/s', 'medjax / it', 'smallest-largest', 'peak GiB', 'differ')
  caption = f"medjax's kernels in C++: {result['kernels']}"
  shown = Table(*columns, 'versions', 'on', title=title, caption=caption)
  for name, entrant in result['entrants'].items():
    if 'error' in entrant:
      shown.add_row(name, f'could not run: {entrant["error"][:90]}')
      continue
    ratio = entrant.get('ratio')
    rate = entrant['examples_per_s']
    shown.add_row(
      name,
      f'{rate["median"]:.4g} ({rate["low"]:.4g}-{rate["high"]:.4g})',
      f'{ratio["median"]:.2f} ({ratio["low"]:.2f}-{ratio["high"]:.2f})' if ratio else '',
      f'{ratio["smallest"]:.2f}-{ratio["largest"]:.2f}' if ratio else '',
      f'{entrant["peak_gib"]:.2f}',
      f'{entrant["difference"]:.1e}',
      ', '.join(f'{k} {v}' for k, v in entrant['versions'].items()),
      entrant['device'],
    )
  console = Console()
  if not console.is_terminal:
    console = Console(width=180)
  console.print(shown, highlight=False, markup=False)
