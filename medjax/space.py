"""Which settings of an experiment are searched, and over what: a small typed space.

An experiment names its own beside its ``build``::

  SPACE = {'learning_rate': Log(1e-4, 1e-1), 'dropout': Uniform(0, 0.5), 'blocks': Integers(0, 3)}

One that names none has the space of ``usual``. The verb ``tune`` searches it.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, get_args, get_origin

from medjax import config as config_lib
from medjax.config import Leaf
from medjax.errors import UserError

_DIGITS = 4  # that count of a number that is tried, so that it can be read and typed


class Range(Protocol):
  """The values of one setting that are searched."""

  def check(self, leaf: Leaf) -> None:
    """Sees that the setting may have these values.

    Raises:
      UserError: it may not.
    """

  def suggest(self, trial: Any, leaf: Leaf) -> Any:
    """The value of the setting in a trial of Optuna."""

  def nearest(self, value: Any) -> Any:
    """What stands for a value of the setting in a trial; for one that lies outside, the nearest."""

  def told(self) -> str:
    """The values, in words."""

  def others(self, value: Any) -> list[Any]:
    """Some values but this one, at the ends or all there are."""


@dataclasses.dataclass(frozen=True)
class Log:
  """Numbers from ``low`` to ``high``, of which factors count: for rates and strengths.

  Example:
    >>> Log(1e-4, 1e-1).told()
    '0.0001 to 0.1, on a scale of powers'
  """

  low: float
  high: float

  def check(self, leaf: Leaf) -> None:
    _check_ends(self, leaf)
    if self.low <= 0:
      raise UserError(f'{_named(self, leaf)}: expected ends above 0')

  def suggest(self, trial: Any, leaf: Leaf) -> Any:
    if leaf.kind is int:
      return trial.suggest_int(leaf.name, int(self.low), int(self.high), log=True)
    return _rounded(trial.suggest_float(leaf.name, self.low, self.high, log=True), self)

  def nearest(self, value: Any) -> Any:
    return min(max(value, self.low), self.high)

  def told(self) -> str:
    return f'{self.low:g} to {self.high:g}, on a scale of powers'

  def others(self, value: Any) -> list[Any]:
    return [end for end in (self.low, self.high) if end != value]


@dataclasses.dataclass(frozen=True)
class Uniform:
  """Numbers from ``low`` to ``high``, of which differences count: for shares.

  Example:
    >>> Uniform(0, 0.5).told()
    '0 to 0.5'
  """

  low: float
  high: float

  def check(self, leaf: Leaf) -> None:
    if leaf.kind is int:
      raise UserError(f'{_named(self, leaf)}: is a whole number; expected Integers')
    _check_ends(self, leaf)

  def suggest(self, trial: Any, leaf: Leaf) -> Any:
    return _rounded(trial.suggest_float(leaf.name, self.low, self.high), self)

  def nearest(self, value: Any) -> Any:
    return min(max(value, self.low), self.high)

  def told(self) -> str:
    return f'{self.low:g} to {self.high:g}'

  def others(self, value: Any) -> list[Any]:
    return [float(end) for end in (self.low, self.high) if end != value]


@dataclasses.dataclass(frozen=True)
class Integers:
  """Whole numbers ``low``, ``low + step``, ... up to ``high``.

  Example:
    >>> Integers(1, 5, 2).told()
    'whole numbers from 1 to 5, every 2'
  """

  low: int
  high: int
  step: int = 1

  def check(self, leaf: Leaf) -> None:
    if leaf.kind is float:
      raise UserError(f'{_named(self, leaf)}: is {config_lib.allowed(leaf)}; expected Uniform')
    if any(type(number) is not int for number in (self.low, self.high, self.step)):
      raise UserError(f'{_named(self, leaf)}: expected whole numbers')
    _check_ends(self, leaf)
    if self.step < 1 or (self.high - self.low) % self.step:
      raise UserError(f'{_named(self, leaf)}: expected a step that leads from low to high')

  def suggest(self, trial: Any, leaf: Leaf) -> Any:
    return trial.suggest_int(leaf.name, self.low, self.high, step=self.step)

  def nearest(self, value: Any) -> Any:
    steps = round((min(max(value, self.low), self.high) - self.low) / self.step)
    return self.low + steps * self.step

  def told(self) -> str:
    every = f', every {self.step}' if self.step > 1 else ''
    return f'whole numbers from {self.low} to {self.high}{every}'

  def others(self, value: Any) -> list[Any]:
    return [end for end in (self.low, self.high) if end != value]


@dataclasses.dataclass(frozen=True)
class Choices:
  """Some values, without an order: names, switches, layers of a network.

  Example:
    >>> Choices(((64,), (64, 64))).told()
    '64 | 64,64'
  """

  values: tuple[Any, ...]

  def check(self, leaf: Leaf) -> None:
    if len(set(map(spelled, self.values))) < 2:
      raise UserError(f'{_named(self, leaf)}: expected two or more values')
    for value in self.values:
      config_lib.check_value(leaf, value)
    if leaf.value not in self.values:
      raise UserError(
        f'{_named(self, leaf)}: expected the default, {spelled(leaf.value)}, among the values'
      )

  def suggest(self, trial: Any, leaf: Leaf) -> Any:
    # By their spelling: Optuna keeps no tuples.
    by_text = {spelled(value): value for value in self.values}
    return by_text[trial.suggest_categorical(leaf.name, list(by_text))]

  def nearest(self, value: Any) -> Any:
    return spelled(value)

  def told(self) -> str:
    return ' | '.join(spelled(value) or 'none' for value in self.values)

  def others(self, value: Any) -> list[Any]:
    return [other for other in self.values if other != value]


Space = Mapping[str, Range]


def usual(config: Any) -> dict[str, Range]:
  """The space of an experiment that names none.

  By the last part of the names of its settings, outside of ``data``: ``learning_rate`` a tenth to
  ten times the default; ``weight_decay`` (up to 1), ``l2`` and ``c`` a hundredth to a hundred
  times, or 1e-6 to 0.1 where the default is 0; ``dropout`` 0 to 0.5; ``features`` and ``hidden``,
  units of layers, half, all and twice as many.
  """
  found: dict[str, Range] = {}
  for leaf in config_lib.leaves(config):
    rule = _RULES.get(leaf.name.rsplit('.', 1)[-1])
    range_ = rule(leaf.value) if rule and not leaf.name.startswith('data.') else None
    if range_ is not None:
      found[leaf.name] = _within(range_, leaf)
  return found


def _factors(
  most: float, without: Range | None, high: float = math.inf
) -> Callable[[float], Range | None]:
  """Values up to ``most`` times the default or as small a part of it; ``without`` where it is 0."""
  return lambda v: Log(v / most, max(min(v * most, high), v)) if v else without


def _units(value: Any) -> Range | None:
  if isinstance(value, tuple):
    layers = [tuple(max(1, round(n * factor)) for n in value) for factor in (0.5, 1, 2)]
    return Choices(tuple(layers)) if value else None
  return Choices((max(1, value // 2), value, 2 * value)) if value > 1 else None


_RULES: dict[str, Callable[[Any], Range | None]] = {
  'learning_rate': _factors(10, None),
  'weight_decay': _factors(100, Log(1e-6, 1e-1), 1.0),
  'l2': _factors(100, Log(1e-6, 1e-1)),
  'c': _factors(100, None),
  'dropout': lambda value: Uniform(0.0, max(0.5, value)),
  'features': _units,
  'hidden': _units,
}


def _within(range_: Range, leaf: Leaf) -> Range:
  """A range of numbers cut to what the setting allows."""
  if isinstance(range_, Choices):
    return range_
  low, high = (leaf.field.metadata.get(end) for end in ('low', 'high'))
  ends: Any = range_
  return dataclasses.replace(
    ends,
    low=ends.low if low is None or low <= 0 else max(ends.low, low),
    high=ends.high if high is None else min(ends.high, high),
  )


def check(space: Space, config: Any) -> None:
  """Sees that every setting of a space is there and may have the values searched.

  Raises:
    UserError: one line on the first that is wrong.
  """
  leaves = {leaf.name: leaf for leaf in config_lib.leaves(config)}
  for name, range_ in space.items():
    if name not in leaves:
      raise UserError(f'space: {name}: no such setting{config_lib.nearest(name, [*leaves])}')
    leaf = leaves[name]
    if name == 'seed' or name.endswith('.seed') or leaf.field.metadata.get('execution'):
      raise UserError(f'space: {name}: cannot be searched: it does not say what is computed')
    if name.startswith('data.') and not leaf.field.metadata.get('inputs'):
      raise UserError(
        f'space: {name}: cannot be searched: it may change which cases train and validate, or '
        'their labels; of data, settings of what the network sees of a case can'
      )
    if not isinstance(range_, Log | Uniform | Integers | Choices):
      raise UserError(f'space: {name}: expected Log, Uniform, Integers or Choices, found {range_}')
    range_.check(leaf)


def read(text: str, config: Any) -> dict[str, Range]:
  """The space that a text spells: ``NAME=log:LOW:HIGH``, ``NAME=LOW:HIGH`` (``LOW:HIGH:STEP`` of
  whole numbers) or ``NAME=A|B|C``, with spaces between.

  Args:
    text: such as 'learning_rate=log:1e-4:1e-1 dropout=0:0.5 features=64|64,64'.
    config: the experiment's.

  Raises:
    UserError: it spells none, or there is no such setting.
  """
  leaves = {leaf.name: leaf for leaf in config_lib.leaves(config)}
  space: dict[str, Range] = {}
  for word in text.split():
    name, equals, values = word.partition('=')
    if not equals or not values:
      raise UserError(f'--space: {word}: expected NAME=log:LOW:HIGH, NAME=LOW:HIGH or NAME=A|B')
    name = name.removeprefix('--').removeprefix('config.')
    if name not in leaves:
      raise UserError(f'--space: {name}: no such setting{config_lib.nearest(name, [*leaves])}')
    space[name] = _read_range(word, values, leaves[name])
  if not space:
    raise UserError('--space: is empty; expected NAME=log:LOW:HIGH, NAME=LOW:HIGH or NAME=A|B')
  return space


def _read_range(word: str, text: str, leaf: Leaf) -> Range:
  if '|' in text:
    return Choices(tuple(config_lib.read_value(leaf, value) for value in text.split('|')))
  log, parts = text.startswith('log:'), text.removeprefix('log:').split(':')
  number: Any = int if leaf.kind is int else float
  try:
    numbers = [number(part) for part in parts]
  except ValueError:
    numbers = []
  if len(numbers) == 2:
    return (Log if log else Integers if number is int else Uniform)(*numbers)
  if len(numbers) == 3 and number is int and not log:
    return Integers(*numbers)
  raise UserError(f'--space: {word}: expected NAME=log:LOW:HIGH, NAME=LOW:HIGH or NAME=A|B')


def spelled(value: Any) -> str:
  """A value as ``--config.NAME=`` takes it.

  Example:
    >>> spelled((64, 64)), spelled(True), spelled(1e-3)
    ('64,64', 'true', '0.001')
  """
  return '' if value == '' else config_lib.spell(value)


def _check_ends(range_: Any, leaf: Leaf) -> None:
  numbers = [range_.low, range_.high]
  if leaf.kind not in (int, float) or get_origin(leaf.kind) in (Literal, tuple):
    expected = '|'.join(map(str, get_args(leaf.kind))) or config_lib.allowed(leaf)
    raise UserError(f'{_named(range_, leaf)}: is {expected}; expected Choices')
  if not all(isinstance(n, int | float) and math.isfinite(n) for n in numbers):
    raise UserError(f'{_named(range_, leaf)}: expected two numbers')
  if not range_.low < range_.high:
    raise UserError(f'{_named(range_, leaf)}: expected low below high')
  for number in numbers:
    config_lib.check_value(leaf, leaf.kind(number))


def _named(range_: Any, leaf: Leaf) -> str:
  return f'space: {leaf.name}: {range_.told()}'


def _rounded(value: float, ends: Any) -> float:
  return float(min(max(float(f'{value:.{_DIGITS}g}'), ends.low), ends.high))
