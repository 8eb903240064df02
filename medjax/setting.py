"""One setting of a config: how it is declared, what it may be, and how it is spelled."""

import dataclasses
import math
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal, TypeVar

from medjax.errors import UserError

T = TypeVar('T')


def setting(
  default: T,
  meaning: str,
  *,
  low: float | None = None,
  high: float | None = None,
  execution: bool = False,
  inputs: bool = False,
) -> T:
  """Declares one setting of a config dataclass.

  Args:
    default: the value without an override; tuples and other immutable values only. A tuple may be
      empty where its default is.
    meaning: one line for ``--help``, ending in a full stop.
    low: the smallest value allowed, for numbers and for each of several.
    high: the largest value allowed, likewise.
    execution: says how a run is computed and kept, not what it computes; a run may be continued or
      evaluated with another value.
    inputs: of a data set, says what the network sees of a case; not which cases there are, in which
      splits, with what labels. No other setting of data may be searched.

  Returns:
    A dataclass field, typed as its default so that type checkers see the value.

  Example:
    >>> @dataclasses.dataclass
    ... class Config:
    ...   batch_size: int = setting(32, 'Examples an update.', low=1)
    >>> Config().batch_size
    32
  """
  about = {'meaning': meaning, 'low': low, 'high': high, 'execution': execution, 'inputs': inputs}
  return dataclasses.field(default=default, metadata=about)


@dataclasses.dataclass(frozen=True)
class Leaf:
  """One setting of a config: its dotted name, type, value and declaration."""

  name: str
  kind: Any
  value: Any
  owner: Any
  field: dataclasses.Field[Any]

  @property
  def meaning(self) -> str:
    return str(self.field.metadata.get('meaning', ''))


def leaves(config: Any, prefix: str = '') -> Iterator[Leaf]:
  """Yields every setting of ``config``, those of nested dataclasses under dotted names."""
  kinds = typing.get_type_hints(type(config))
  for field in dataclasses.fields(config):
    value, name = getattr(config, field.name), prefix + field.name
    if dataclasses.is_dataclass(value):
      yield from leaves(value, name + '.')
    else:
      yield Leaf(name, kinds[field.name], value, config, field)


def allowed(leaf: Leaf) -> str:
  """What a value of this setting may be, in words."""
  if typing.get_origin(leaf.kind) is Literal:
    return 'one of ' + ', '.join(map(str, typing.get_args(leaf.kind)))
  if typing.get_origin(leaf.kind) is tuple:
    part = typing.get_args(leaf.kind)[0]
    such = ', such as 32,64' if part is int else ''
    return f'comma-separated {part.__name__} values{such}' + (
      f', of at least {leaf.field.metadata["low"]}' if leaf.field.metadata.get('low') else ''
    )
  words = {bool: 'true or false', int: 'a whole number', float: 'a number', str: 'text'}[leaf.kind]
  low, high = leaf.field.metadata.get('low'), leaf.field.metadata.get('high')
  if low is not None and high is not None:
    return f'{words} from {low} to {high}'
  if low is not None:
    return f'{words} of at least {low}'
  return words if high is None else f'{words} of at most {high}'


def _convert(leaf: Leaf, text: str) -> Any:
  """The value that ``text`` spells for this setting; ValueError if none."""
  if typing.get_origin(leaf.kind) is Literal:
    return text
  if typing.get_origin(leaf.kind) is tuple:
    part = typing.get_args(leaf.kind)[0]
    return tuple(part(piece) for piece in text.strip('()[] ').split(',') if piece.strip())
  if leaf.kind is bool:
    return {'true': True, '1': True, 'false': False, '0': False}[text.lower()]
  return leaf.kind(text)


def read_value(leaf: Leaf, text: str) -> Any:
  """The value that ``text`` spells for a setting.

  Raises:
    UserError: it spells none; says what is expected.
  """
  try:
    return _convert(leaf, text)
  except (ValueError, KeyError):
    raise UserError(f'config.{leaf.name}={text}: expected {allowed(leaf)}') from None


def check_value(leaf: Leaf, value: Any) -> None:
  """Sees that a setting may have a value.

  Raises:
    UserError: it may not; names it and what is allowed.
  """
  if not _fits(dataclasses.replace(leaf, value=value)):
    raise UserError(f'config.{leaf.name}={spell(value)}: expected {allowed(leaf)}')


def _fits(leaf: Leaf) -> bool:
  value, kind = leaf.value, leaf.kind
  if typing.get_origin(kind) is Literal:
    return value in typing.get_args(kind)
  if typing.get_origin(kind) is tuple:
    part = typing.get_args(kind)[0]
    return (
      isinstance(value, tuple)
      and (len(value) > 0 or leaf.field.default == ())
      and all(_in_range(leaf, part, v) for v in value)
    )
  if isinstance(kind, types.UnionType) or kind not in (bool, int, float, str):
    raise TypeError(f'{leaf.name}: settings are bool, int, float, str, Literal or tuple')
  return _in_range(leaf, kind, value)


def _in_range(leaf: Leaf, kind: Any, value: Any) -> bool:
  if type(value) is not kind:
    return False
  if kind in (int, float):
    low, high = leaf.field.metadata.get('low'), leaf.field.metadata.get('high')
    if not math.isfinite(value):
      return False
    return (low is None or value >= low) and (high is None or value <= high)
  return True


def spell(value: Any) -> str:
  if isinstance(value, tuple):
    return ','.join(map(str, value))
  if isinstance(value, bool):
    return str(value).lower()
  return str(value) if value != '' else 'empty'
