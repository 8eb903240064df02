"""What encryption costs: the same trainings in clear and encrypted, in turns.

    python -m medjax.bench.encrypted FOLDER [ROUNDS] [EXPERIMENT --config.NAME=VALUE ...]

The first round of each prepares images and compiles, and does not count; which of the two goes
first changes from round to round. Seconds are those that
environment.json of each run says, and the whole command's by the clock.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from medjax.errors import UserError
from medjax.security import identity, keys, making, sealed_run
from medjax.spent import DATA, STEPS

_USUAL = ['chest_xray', '--config.data.image_size=96', '--config.num_epochs=4']
_START = 'start-up'


def measure(source: pathlib.Path, rounds: int, command: Sequence[str]) -> dict[str, list[float]]:
  """Ratios, encrypted to clear, of each round.

  Args:
    source: what to train on, in clear.
    rounds: that count.
    command: the experiment's name and its settings.

  Returns:
    Ratios by what was measured: 'steps', 'start-up and data' and 'whole command'.
  """
  who = identity.generate('bench')
  with tempfile.TemporaryDirectory() as folder:
    above = pathlib.Path(folder)
    os.environ['MEDJAX_BENCH_KEY'] = who.secret()
    place = 'env:MEDJAX_BENCH_KEY'
    os.environ.update({
      keys.VARIABLE: place, 'MEDJAX_CACHE': str(above / 'cache'), 'MEDJAX_STATE': str(above / 's'),
    })  # fmt: skip
    encrypted = above / 'set.vault'
    making.encrypt(source, encrypted, who)
    ratios: dict[str, list[float]] = {}
    for number in range(rounds + 1):
      took = {}
      # A machine that slows down or speeds up meanwhile shall favour neither.
      for data in (source, encrypted)[:: 1 if number % 2 else -1]:
        took[data] = _seconds(data, above / f'{number}-{data.name}', command)
      clear, hidden = took[source], took[encrypted]
      for name in clear if number else ():
        ratios.setdefault(name, []).append(hidden[name] / clear[name])
        print(f'{name}: {clear[name]:.2f} s in clear, {hidden[name]:.2f} s encrypted', flush=True)
    return ratios


def _seconds(source: pathlib.Path, run: pathlib.Path, command: Sequence[str]) -> dict[str, float]:
  name, *settings = command
  words = [f'--config.data.source={source}', f'--workdir={run}', *settings]
  begun = time.perf_counter()
  done = subprocess.run(
    [sys.executable, '-m', f'experiments.{name}', *words], capture_output=True, text=True
  )
  whole = time.perf_counter() - begun
  if done.returncode:
    raise UserError(done.stderr.strip().splitlines()[-1])
  if sealed_run.is_sealed(run):
    opened = sealed_run.open_run(run)
    text = next(content for _, content in sealed_run.read(opened, ['environment.json']))
  else:
    text = (run / 'environment.json').read_bytes()
  spent = json.loads(text)['spent']['train']
  start = spent.get(_START, 0.0) + spent.get(DATA, 0.0)
  return {'steps': spent[STEPS], 'start-up and data': start, 'whole command': whole}


def main(words: Sequence[str]) -> int:
  """Measures and prints medians with the range over rounds; returns the exit code."""
  if not words:
    print('error: expected FOLDER [ROUNDS] [EXPERIMENT --config.NAME=VALUE ...]', file=sys.stderr)
    return 2
  rounds = int(words[1]) if len(words) > 1 and words[1].isdigit() else 5
  try:
    ratios = measure(pathlib.Path(words[0]), rounds, [*words[2:]] or _USUAL)
  except UserError as error:
    print(f'error: {error}', file=sys.stderr)
    return error.exit_code
  for name, found in ratios.items():
    middle = statistics.median(found)
    print(f'{name}: {middle - 1:+.1%} (from {min(found) - 1:+.1%} to {max(found) - 1:+.1%})')
  return 0


if __name__ == '__main__':
  sys.exit(main(sys.argv[1:]))
