"""The sites as the server sees them: who is there, what each has, and what it answers."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from flwr.app import Message
from flwr.serverapp import Grid

from medjax.errors import UserError
from medjax.federated import merge
from medjax.flower import wire
from medjax.flower.client import FAILED

_PAUSE = 1.0  # seconds between looks at who is there
_AGAIN = 60.0  # seconds until a site that failed is asked again, which may be repaired by then
ABSENT = 'it is not connected'


class Answer(NamedTuple):
  """What a site answered: JSON values and arrays."""

  about: dict[str, Any]
  arrays: dict[str, np.ndarray]


class Sites:
  """Sites by the names under which the server's owner registered their keys.

  Attributes:
    known: what each told of its data, by name.

  Args:
    grid: Flower's way to them.
    fewest: that have to be there.
    seconds: that an answer may take.
    about: what every message says beside its own.
  """

  def __init__(self, grid: Grid, fewest: int, seconds: float, about: dict[str, Any]):
    self.known: dict[str, dict[str, Any]] = {}
    self.about = about
    self._grid, self._fewest, self._seconds = grid, fewest, seconds
    self._refused: dict[str, float] = {}  # when they may be asked again

  def present(self) -> dict[str, int]:
    """Number of the node of each site that is there, sorted by name; waits for the fewest.

    A site that the server does not know yet is asked what it has.
    """
    waits = False
    while True:
      nodes = self._nodes()
      now = time.monotonic()
      new = {
        name: node
        for name, node in nodes.items()
        if name not in self.known and self._refused.get(name, now) <= now
      }
      if new:
        answers, failed = self.ask('query.ask', {}, None, new)
        for name, answer in answers.items():
          try:
            self.known[name] = _checked(answer.about)
          except (KeyError, TypeError, ValueError):
            failed[name] = 'what it told of its data cannot be read'
        for name, why in failed.items():
          self.refuse(name, why)
      found = {name: node for name, node in nodes.items() if name in self.known}
      if len(found) >= self._fewest:
        return found
      if not waits:
        print(f'waiting for sites: {len(found)} of at least {self._fewest} are there', flush=True)
        waits = True
      time.sleep(_PAUSE)

  def refuse(self, name: str, why: str) -> None:
    """Lets a site take no part for a while, after which it is asked again what it has."""
    print(f'{name} takes no part: {why}', file=sys.stderr, flush=True)
    self.known.pop(name, None)
    self._refused[name] = time.monotonic() + _AGAIN

  def absent(self, present: Mapping[str, Any]) -> dict[str, str]:
    """Why sites that take part are not there, by name."""
    return dict.fromkeys((name for name in self.known if name not in present), ABSENT)

  def ask(
    self, kind: str, about: Mapping[str, Any] | Callable[[str], Mapping[str, Any]],
    tree: Any, nodes: Mapping[str, int],
  ) -> tuple[dict[str, Answer], dict[str, str]]:  # fmt: skip
    """Asks sites and waits for their answers, or until the time is over.

    Args:
      kind: of message, as ``client.app`` registers it.
      about: JSON values, or a function that gives those for a name.
      tree: of arrays; None for none.
      nodes: whom to ask.

    Returns:
      Answers in the order of ``nodes``, and why there is none from others.
    """
    messages = []
    for name, node in nodes.items():
      own = about(name) if callable(about) else about
      content = wire.packed({**self.about, **own}, tree)
      # It ends with the wait: a site that was away shall not begin what nobody waits for.
      messages.append(Message(content, node, kind, ttl=self._seconds))
    answers: dict[str, Answer] = {}
    failed: dict[str, str] = {}
    replies = self._grid.send_and_receive(messages, timeout=self._seconds)
    # That of a site that was lost is the server's own: what it replies to says whose it is.
    names = {one.metadata.message_id: name for one, name in zip(messages, nodes, strict=True)}
    for reply in replies:
      name = names.get(reply.metadata.reply_to_message_id, '')
      if not name:
        continue
      if reply.has_error():
        failed[name] = 'it was lost meanwhile'
        continue
      try:
        answer = Answer(*wire.unpacked(reply.content))
      except Exception:  # whatever a site sends makes the readers raise
        failed[name] = 'its answer cannot be read'
        continue
      if answer.about.get(FAILED):
        failed[name] = 'it failed there; its own log says why'
      else:
        answers[name] = answer
    for name in nodes:
      if name not in answers and name not in failed:
        failed[name] = f'its answer did not arrive within {self._seconds:g} s'
    return {name: answers[name] for name in nodes if name in answers}, failed

  def _nodes(self) -> dict[str, int]:
    found = sorted(_named(self._grid))
    twice = {name for name, _ in found if sum(name == other for other, _ in found) > 1}
    return {f'{name}-{node}' if name in twice else name: node for name, node in found}


def _named(grid: Grid) -> Iterator[tuple[str, int]]:
  for node in grid.get_nodes():
    yield node.name or f'site-{node.node_id}', node.node_id


def _checked(about: dict[str, Any]) -> dict[str, Any]:
  """What a site told of its data; KeyError, TypeError or ValueError where that is not so."""
  splits = {
    str(name): {
      'examples': _count(split['examples']),
      'groups': _count(split['groups']),
      'classes': {str(label): _count(n) for label, n in split['classes'].items()},
    }
    for name, split in about['splits'].items()
  }
  if not all(splits.get(name, {}).get('examples') for name in ('train', 'val')):
    raise ValueError('no cases')
  return {
    'classes': [str(one) for one in about['classes']],
    'splits': splits,
    'modality': str(about['modality']),
    'told': dict(about['told']),
    'shapes': dict(about['shapes']),
    'monitor': str(about['monitor']),
  }


_MOST = 10**9  # cases of a site


def _count(value: Any) -> int:
  if type(value) is not int or not 0 <= value <= _MOST:
    raise ValueError(value)
  return value


def require(enough: int, fewest: int, number: int, left_out: Mapping[str, str]) -> None:
  """Sees that enough sites sent something that can be used.

  Raises:
    UserError: they did not; says why.
  """
  if enough < fewest:
    raise UserError(
      f'round {number + 1}: {enough} of at least {fewest} sites sent an update that can be used: '
      f'{merge.spell(left_out)}; the rounds before it are kept, and the same command goes on'
    )
