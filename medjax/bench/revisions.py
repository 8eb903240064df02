"""Whether a change made medjax slower: one command at two revisions of the source, in turns.

    python -m medjax.bench.revisions v1 HEAD -- experiments.lung_cnn --config.num_epochs=2

Each revision is checked out to a folder of its own, without touching the one in use. Every round
runs the command once at each, from start to end as a user waits for it, and begins with the other
one than the round before. Printed are the median seconds of each, where medjax says that the time
went, and the ratio, round by round: a machine that is slow for a minute is slow for both.
Both use the packages installed here and the same cache; ``--warm-up`` rounds fill it and do not
count.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

from medjax.errors import UserError


@dataclasses.dataclass(frozen=True)
class Turn:
  """One run of the command.

  Attributes:
    seconds: from start to end.
    spent: seconds of each part, of a run folder that says so; see ``medjax.spent``.
  """

  seconds: float
  spent: dict[str, float]


def compare(
  revisions: Sequence[str], command: Sequence[str], rounds: int, warm_up: int = 0
) -> dict[str, list[Turn]]:
  """Runs a command at two revisions in turns.

  Args:
    revisions: two names that git knows, of the repository in the current folder.
    command: a module and its arguments, as after ``python -m``; each run has a new ``--workdir``
      unless one is given.
    rounds: of the two.
    warm_up: rounds before, which do not count.

  Returns:
    The turns of each revision, in the order of the rounds.

  Raises:
    UserError: git does not know a revision, or the command fails at one.
  """
  turns: dict[str, list[Turn]] = {name: [] for name in revisions}
  with contextlib.ExitStack() as stack:
    trees = {name: stack.enter_context(_checked_out(name)) for name in revisions}
    for number in range(-warm_up, rounds):
      for name in revisions if number % 2 == 0 else reversed(revisions):
        turn = _run(trees[name], name, command)
        print(f'{name}: {turn.seconds:.1f} s', file=sys.stderr, flush=True)
        if number >= 0:
          turns[name].append(turn)
  return turns


@contextlib.contextmanager
def _checked_out(revision: str) -> Iterator[pathlib.Path]:
  with tempfile.TemporaryDirectory(prefix='medjax-') as folder:
    tree = pathlib.Path(folder) / 'source'
    made = _git('worktree', 'add', '--detach', str(tree), revision)
    if made.returncode:
      line = (made.stderr.strip().splitlines() or ['git failed'])[-1]
      raise UserError(f'{revision}: {line}; expected a revision of the repository here')
    try:
      yield tree
    finally:
      _git('worktree', 'remove', '--force', str(tree))


def _git(*words: str) -> subprocess.CompletedProcess[str]:
  return subprocess.run(['git', *words], capture_output=True, text=True)


def _run(tree: pathlib.Path, revision: str, command: Sequence[str]) -> Turn:
  given = [word for word in command if word.startswith('--workdir')]
  with tempfile.TemporaryDirectory(prefix='medjax-') as folder:
    own = [] if given else [f'--workdir={folder}/run']
    environment = os.environ | {'PYTHONPATH': str(tree)}
    start = time.perf_counter()
    done = subprocess.run(
      [sys.executable, '-m', *command, *own],
      cwd=tree,
      env=environment,
      capture_output=True,
      text=True,
    )
    seconds = time.perf_counter() - start
    if done.returncode:
      line = (done.stderr.strip().splitlines() or [f'it ended with {done.returncode}'])[-1]
      raise UserError(f'{revision}: {" ".join(command)}: {line}')
    return Turn(seconds, _spent(pathlib.Path(folder) / 'run' / 'environment.json'))


def _spent(path: pathlib.Path) -> dict[str, float]:
  try:
    of_verbs = json.loads(path.read_text())['spent']
    return dict(next(iter(of_verbs.values())))
  except (OSError, KeyError, StopIteration):  # no run folder, or of a revision that says nothing
    return {}


def lines(turns: dict[str, list[Turn]]) -> Iterator[str]:
  """What is printed: the median of each, its parts, and the ratio of the second to the first."""
  for name, taken in turns.items():
    parts = taken[0].spent
    medians = {part: statistics.median(t.spent.get(part, 0.0) for t in taken) for part in parts}
    where = ', '.join(f'{part} {seconds:.1f}' for part, seconds in medians.items())
    median = statistics.median(turn.seconds for turn in taken)
    yield f'{name}: {median:.1f} s' + (f' ({where})' if where else '')
  first, second = turns.values()
  ratios = sorted(b.seconds / a.seconds for a, b in zip(first, second, strict=True))
  yield (
    f'{" / ".join(reversed(turns))}: {statistics.median(ratios):.3f} of the time '
    f'({ratios[0]:.3f} to {ratios[-1]:.3f} in {len(ratios)} rounds)'
  )


def main(argv: Sequence[str] | None = None) -> int:
  """Compares two revisions and prints how long each took; 2 for what the user can fix."""
  parser = argparse.ArgumentParser(
    'python -m medjax.bench.revisions',
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
  )
  parser.add_argument('before', help='a revision, such as a tag or commit')
  parser.add_argument('after', help='another')
  parser.add_argument('--rounds', type=int, default=3, help='runs at each (default 3)')
  parser.add_argument('--warm-up', type=int, default=0, help='rounds before that do not count')
  parser.add_argument('command', nargs='+', help='a module and its arguments, after --')
  values = parser.parse_args(argv)
  if values.before == values.after:
    parser.error('expected two different revisions')
  if values.rounds < 1 or values.warm_up < 0:
    parser.error('expected at least one round, and no less than none before')
  try:
    turns = compare((values.before, values.after), values.command, values.rounds, values.warm_up)
  except UserError as error:
    print(f'error: {error}', file=sys.stderr)
    return error.exit_code
  for line in lines(turns):
    print(line)
  return 0


if __name__ == '__main__':
  sys.exit(main())
