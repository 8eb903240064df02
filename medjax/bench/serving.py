"""How many requests a server answers, and whether its answers are right.

    python -m medjax.bench.serving experiments.lung_cnn --workdir=RUN FILES

starts ``serve`` for a run, asks it by many clients at once to predict the files, one a request, and
compares every answer with what ``predict`` writes of the same file. It says how many answers came a
second beside the rate of ``predict``'s own batches, the times, and the server's memory. With
``--malformed=N`` it sends requests that are wrong instead, each of which has to be refused with a
status of 4xx.
"""

import argparse
import asyncio
import csv
import dataclasses
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from medjax.bench import malformed
from medjax.bench.client import Client
from medjax.errors import UserError

_START = 300.0  # seconds until a model is ready, at most


@dataclasses.dataclass
class Server:
  """A server that was started.

  Attributes:
    process: it.
    port: that it listens at.
  """

  process: subprocess.Popen[bytes]
  port: int

  def memory(self) -> float:
    """MiB that the process holds (RSS)."""
    text = pathlib.Path(f'/proc/{self.process.pid}/status').read_text()
    found = re.search(r'VmRSS:\s+(\d+) kB', text)
    return int(found[1]) / 1024 if found else math.nan


@dataclasses.dataclass
class Load:
  """What clients saw.

  Attributes:
    seconds: that they asked.
    times: seconds of each answer.
    statuses: number of answers by status; 0 for those that never came.
    wrong: what was expected and what was answered, where they differ.
    memory: MiB of the server, once a second.
  """

  seconds: float = 0.0
  times: list[float] = dataclasses.field(default_factory=list)
  statuses: Counter[int] = dataclasses.field(default_factory=Counter)
  wrong: list[str] = dataclasses.field(default_factory=list)
  memory: list[float] = dataclasses.field(default_factory=list)


def command(module: str, verb: str, workdir: str, *more: str) -> list[str]:
  """The command line of a verb."""
  return [sys.executable, '-m', module, verb, *more, f'--workdir={workdir}']


async def start(module: str, workdir: str, log: pathlib.Path, more: Sequence[str]) -> Server:
  """Starts a server and waits until its model is ready.

  Raises:
    UserError: it ended, or did not become ready.
  """
  with open(log, 'wb') as file:
    process = subprocess.Popen(
      command(module, 'serve', workdir, '--port=0', *more), stdout=file, stderr=file
    )
  until = time.monotonic() + _START
  while time.monotonic() < until and process.poll() is None:
    found = re.search(rb'serve: .* at http://[^:]+:(\d+)', log.read_bytes())
    if found and b'"ready"' in log.read_bytes():
      return Server(process, int(found[1]))
    await asyncio.sleep(0.1)
  process.kill()
  process.wait()
  raise UserError(f'serve did not start: {log.read_text(errors="replace")[-500:]}')


def predicted(module: str, workdir: str, files: Sequence[str], output: pathlib.Path) -> Any:
  """The rows of ``predict`` by file; of a file that it could not read there is an error.

  Raises:
    UserError: it failed.
  """
  done = subprocess.run(
    command(module, 'predict', workdir, *files, f'--output={output}'), capture_output=True
  )
  if done.returncode:
    raise UserError(f'predict failed: {done.stderr.decode(errors="replace")[-500:]}')
  with open(output, newline='', encoding='utf-8') as file:
    return {row.pop('file'): row for row in csv.DictReader(file)}


def batched_rate(module: str, workdir: str, files: Sequence[str], folder: pathlib.Path) -> float:
  """Files a second by ``predict``'s own batches, without its start: by the times of two counts."""
  few, many = (list(files) * 8)[: len(files)], list(files)
  while len(many) < 512:
    many += files
  many += many
  seconds = []
  for names in (few[: min(len(few), 64)], many):
    # Arguments of a command are limited; a folder of links is not.
    with tempfile.TemporaryDirectory(dir=folder) as linked:
      for number, name in enumerate(names):
        ending = ''.join(pathlib.Path(name).suffixes)
        os.symlink(os.path.abspath(name), pathlib.Path(linked) / f'{number:06d}{ending}')
      began = time.perf_counter()
      predicted(module, workdir, [linked], folder / 'rate.csv')
      seconds.append(time.perf_counter() - began)
  return (len(many) - min(len(few), 64)) / (seconds[1] - seconds[0])


def differs(expected: dict[str, str], answered: dict[str, Any]) -> str:
  """How an answer differs from a row of ``predict``; '' where it does not, to the last digit."""
  for name, cell in expected.items():
    value = answered.get(name)
    if value is None:
      same = cell == ''
    elif isinstance(value, float | int):
      same = cell != '' and float(cell) == value
    else:
      same = cell == value
    if not same:
      return f'{name}: predict {cell!r}, served {value!r}'
  return ''


async def load(
  server: Server, files: Sequence[str], rows: Any, clients: int, seconds: float
) -> Load:
  """Asks a server by many clients at once, each of which waits for its answer.

  Args:
    server: that is asked.
    files: each a request.
    rows: what ``predict`` says of each.
    clients: that ask at once.
    seconds: how long.
  """
  bodies = [(name, pathlib.Path(name).read_bytes()) for name in files]
  found, began = Load(), time.monotonic()
  until = began + seconds

  async def ask(number: int) -> None:
    turn = number
    async with Client(server.port) as client:
      while time.monotonic() < until:
        name, body = bodies[turn % len(bodies)]
        turn += 1
        sent = time.perf_counter()
        status, answer = await client.post('/predict', body)
        found.times.append(time.perf_counter() - sent)
        found.statuses[status] += 1
        if status == 200:
          (case,) = json.loads(answer)['cases']
          why = differs(rows[name], case)
          if why:
            found.wrong.append(f'{name}: {why}')

  async def watch() -> None:
    while True:
      found.memory.append(server.memory())
      await asyncio.sleep(1)

  watching = asyncio.create_task(watch())
  await asyncio.gather(*(ask(number) for number in range(clients)))
  watching.cancel()
  found.seconds = time.monotonic() - began
  return found


def lines(found: Load, rate: float | None) -> list[str]:
  """What is said of a load."""
  times = sorted(found.times)

  def at(share: float) -> float:
    return 1000 * times[min(len(times) - 1, math.ceil(share * len(times)) - 1)]

  per_second = found.statuses[200] / found.seconds
  share = f', {per_second / rate:.2f} of the {rate:.1f} of predict' if rate else ''
  statuses = ', '.join(f'{status or "lost"}: {n}' for status, n in sorted(found.statuses.items()))
  first, last = (statistics.median(part) for part in (found.memory[:5], found.memory[-5:]))
  return [
    f'answers: {statuses}; wrong: {len(found.wrong)}',
    f'throughput: {per_second:.1f} a second{share}',
    f'time: p50 {at(0.5):.0f} ms, p95 {at(0.95):.0f} ms, p99 {at(0.99):.0f} ms, '
    f'longest {1000 * times[-1]:.0f} ms',
    f'memory: {first:.0f} MiB at the start, {last:.0f} at the end, {max(found.memory):.0f} at most',
    *(f'wrong: {one}' for one in found.wrong[:5]),
  ]


async def _measure(values: argparse.Namespace, folder: pathlib.Path) -> int:
  rate, rows = None, {}
  if not values.malformed:
    rows = predicted(values.experiment, values.workdir, values.files, folder / 'predict.csv')
    broken = [name for name in values.files if name not in rows or rows[name]['error']]
    if broken:
      raise UserError(f'{broken[0]}: predict gives no one row of it; expected files of one case')
    if values.rate:
      rate = batched_rate(values.experiment, values.workdir, values.files, folder)
      print(f'predict: {rate:.1f} a second in batches', flush=True)
  server = await start(values.experiment, values.workdir, folder / 'serve.log', values.serve)
  try:
    if values.malformed:
      good = pathlib.Path(values.files[0]).read_bytes()
      counts = await malformed.send(server.port, good, values.malformed, values.seed)
      statuses: Counter[int] = Counter()
      for (_, status), count in counts.items():
        statuses[status] += count
      bad = {key: count for key, count in counts.items() if not 400 <= key[1] < 500}
      print(f'malformed: {dict(sorted(statuses.items()))}; other than 4xx: {bad or "none"}')
      print(f'memory: {server.memory():.0f} MiB')
      return int(bool(bad))
    await load(server, values.files, rows, values.clients, 2)  # what grows by itself has grown
    found = await load(server, values.files, rows, values.clients, values.seconds)
    print('\n'.join(lines(found, rate)))
    return int(bool(found.wrong) or set(found.statuses) != {200})
  finally:
    server.process.terminate()
    code = server.process.wait(60)
    print(f'serve: ended with {code}')


def main(argv: Sequence[str] | None = None) -> int:
  """Measures and prints; 1 where an answer was lost or wrong, 2 for what the user can fix."""
  parser = argparse.ArgumentParser(
    'python -m medjax.bench.serving',
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
  )
  parser.add_argument('experiment', help='its module, such as experiments.lung_cnn')
  parser.add_argument('files', nargs='+', help='of one case each')
  parser.add_argument('--workdir', required=True, help='run folder')
  parser.add_argument('--clients', type=int, default=200, help='that ask at once (default 200)')
  parser.add_argument('--seconds', type=float, default=60, help='how long (default 60)')
  parser.add_argument('--no-rate', dest='rate', action='store_false', help='leave predict out')
  parser.add_argument('--malformed', type=int, default=0, help='send so many wrong requests')
  parser.add_argument('--seed', type=int, default=0, help='of the wrong requests')
  parser.add_argument('--serve', action='append', default=[], help='a flag of serve')
  values = parser.parse_args(argv)
  try:
    with tempfile.TemporaryDirectory(prefix='medjax-serving-') as folder:
      return asyncio.run(_measure(values, pathlib.Path(folder)))
  except UserError as error:
    print(f'error: {error}', file=sys.stderr)
    return error.exit_code


if __name__ == '__main__':
  sys.exit(main())
