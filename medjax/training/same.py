"""Whether two objects were made in the same way, without calling either."""

import dataclasses
import functools
import types
from collections.abc import Mapping
from typing import Any

import numpy as np


def same(one: Any, other: Any) -> bool:
  """Whether two objects have the same parts: functions the same code and what they enclose.

  Optimisers and augmentations are functions that were made by functions, which Python calls equal
  only where they are the same object. Where this says no, they may do the same all the same.

  Example:
    >>> import optax
    >>> same(optax.adam(0.1), optax.adam(0.1)), same(optax.adam(0.1), optax.adam(0.2))
    (True, False)
  """
  if one is other:
    return True
  if type(one) is not type(other):
    return False
  if isinstance(one, types.FunctionType):
    return one.__code__ is other.__code__ and all(
      same(*pair)
      for pair in (
        (one.__defaults__, other.__defaults__),
        (one.__kwdefaults__, other.__kwdefaults__),
        (_enclosed(one), _enclosed(other)),
      )
    )
  if isinstance(one, functools.partial):
    parts = [(each.func, each.args, each.keywords) for each in (one, other)]
    return same(*parts)
  if isinstance(one, types.MethodType):
    return same((one.__func__, one.__self__), (other.__func__, other.__self__))
  if dataclasses.is_dataclass(one):
    names = [field.name for field in dataclasses.fields(one)]
    return all(same(getattr(one, name), getattr(other, name)) for name in names)
  if isinstance(one, tuple | list):
    return len(one) == len(other) and all(map(same, one, other))
  if isinstance(one, Mapping):
    return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
  if isinstance(one, np.ndarray):
    return one.dtype == other.dtype and np.array_equal(one, other)
  return isinstance(one, bool | int | float | complex | str | bytes | type) and one == other


def _enclosed(function: types.FunctionType) -> list[Any]:
  return [cell.cell_contents for cell in function.__closure__ or ()]
