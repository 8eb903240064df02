"""The ways to train several runs, and which of them is taken."""

import dataclasses
from collections.abc import Mapping, Sequence

IN_TURN, TOGETHER, SIDE_BY_SIDE = 'in_turn', 'together', 'side_by_side'
WAYS = ('auto', IN_TURN, TOGETHER, SIDE_BY_SIDE)
_CLEARLY = 0.9  # of the seconds of a simpler way: some updates are timed, and times vary


@dataclasses.dataclass(frozen=True)
class Choice:
  """How several runs are trained.

  Attributes:
    way: one of ``WAYS`` but auto.
    at_once: runs in one program, or processes.
    told: what was measured, for the terminal.
  """

  way: str
  at_once: int = 1
  told: str = ''


def fastest(seconds: Mapping[str, float]) -> str:
  """The way that takes clearly less than the ones before it, which are simpler.

  Example:
    >>> fastest({IN_TURN: 10.0, TOGETHER: 9.5}), fastest({IN_TURN: 10.0, TOGETHER: 5.0})
    ('in_turn', 'together')
  """
  best = IN_TURN
  for way in (TOGETHER, SIDE_BY_SIDE):
    if way in seconds and seconds[way] < _CLEARLY * seconds[best]:
      best = way
  return best


def line(runs: int, seconds: Mapping[str, float], told: Sequence[str], best: str) -> str:
  """What was measured and is taken, for the terminal.

  Args:
    runs: how many.
    seconds: of all their updates, by way.
    told: of the ways other than in turn.
    best: the way that is taken.

  Example:
    >>> line(3, {IN_TURN: 12.3}, ['not together: no room'], IN_TURN)
    'updates of 3 runs by measure: in turn 12 s, not together: no room; in_turn it is'
  """
  each = ', '.join((f'in turn {spell(seconds[IN_TURN])}', *told))
  return f'updates of {runs} runs by measure: {each}; {best} it is'


def spell(seconds: float) -> str:
  """Seconds in words.

  Example:
    >>> spell(12.3), spell(1.23)
    ('12 s', '1.2 s')
  """
  return f'{seconds:.0f} s' if seconds >= 10 else f'{seconds:.1f} s'
