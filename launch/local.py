"""Several processes on this machine, as several hosts would run: for trying it out.

python -m launch.local --processes=2 -- experiments.lung_cnn --workdir=runs/two
"""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

from launch import command

_PATIENCE = 10  # seconds; processes that wait for one that has died cannot end themselves
_POLL = 0.2  # seconds
_ASKING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)  # the last when a terminal closes


def main(argv: Sequence[str]) -> int:
  """Starts the processes and waits for them.

  Returns:
    The code of the first process that failed, 128 and its number where that was a signal; else 0.

  Raises:
    UserError: the command line is wrong.
  """
  own, experiment = command.split(argv)
  parser = command.Parser('launch.local', 'Starts several processes of one run on this machine.')
  parser.add_argument(
    '--processes', type=command.at_least_one, required=True, metavar='N', help='how many'
  )
  given = parser.parse_args(own)
  command.check_here(experiment)
  return together(commands(experiment, given.processes, _free_port()))


def commands(experiment: command.Experiment, processes: int, port: int) -> list[list[str]]:
  """The command of each process.

  Example:
    >>> one = commands(command.Experiment('experiments.lung_cnn', ('bench',)), 2, 8476)[1]
    >>> one[1:5]
    ['-m', 'experiments.lung_cnn', 'bench', '--coordinator=localhost:8476']
    >>> one[5:]
    ['--num_processes=2', '--process_id=1']
  """
  start = [sys.executable, '-m', experiment.module, *experiment.arguments]
  join = [f'--coordinator=localhost:{port}', f'--num_processes={processes}']
  return [[*start, *join, f'--process_id={number}'] for number in range(processes)]


def together(lines: Sequence[Sequence[str]]) -> int:
  """Runs commands side by side; one that fails ends the others within ten seconds.

  SIGTERM, SIGINT and SIGHUP are passed on as SIGTERM, at which a run saves and ends with code 75.

  Returns:
    As ``main``.
  """
  running: dict[int, subprocess.Popen[bytes]] = {}
  asked = False

  def ask(*_: object) -> None:
    nonlocal asked
    asked = True
    _signal(running, signal.SIGTERM)

  before = {number: signal.signal(number, ask) for number in _ASKING}
  status, deadline = 0, float('inf')
  try:
    for number, line in enumerate(lines):
      # In a group of its own: Ctrl-C at a terminal reaches this process alone, which passes it on.
      running[number] = subprocess.Popen(line, stdin=subprocess.DEVNULL, process_group=0)
      if asked:
        _signal(running, signal.SIGTERM)
    while running:
      time.sleep(_POLL)
      for number, code in _ended(running):
        if code and not status:
          status = code
          if len(lines) > 1 and not asked:
            rest = '; the others are stopped' if running else ', and so did the others'
            text = f'launch.local: process {number} ended with code {code}{rest}'
            print(text, file=sys.stderr, flush=True)
            _signal(running, signal.SIGTERM)
            deadline = time.monotonic() + _PATIENCE
      if time.monotonic() >= deadline:
        _signal(running, signal.SIGKILL)
  finally:
    _signal(running, signal.SIGKILL)
    for handled, handler in before.items():
      signal.signal(handled, handler)
  return status


def _ended(running: dict[int, subprocess.Popen[bytes]]) -> list[tuple[int, int]]:
  """Takes out those that have ended: number and exit code.

  Of several at once, one that was killed comes first: the others have ended of it.
  """
  codes = [(number, process.poll()) for number, process in running.items()]
  done = [(number, code) for number, code in codes if code is not None]
  for number, _ in done:
    del running[number]
  done.sort(key=lambda one: one[1] != -signal.SIGKILL)
  return [(number, 128 - code if code < 0 else code) for number, code in done]


def _signal(running: dict[int, subprocess.Popen[bytes]], number: int) -> None:
  for process in list(running.values()):
    process.send_signal(number)


def _free_port() -> int:
  with socket.socket() as one:
    one.bind(('localhost', 0))
    return int(one.getsockname()[1])


if __name__ == '__main__':
  command.run(main)
