"""Axes that are not as long in every example: positions of a chain, nodes and edges of a graph.

An array names its axes: ``{'tokens': ('positions',), 'bonds': ('edges', None)}`` says that the
first axis of ``tokens`` is one of positions and that ``bonds`` are [edges, something fixed]. Each
named axis is padded with zeros to a bucket of its own, so that few programs are compiled.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

# Name of an array -> names of its axes without the batch, None for those of a fixed size.
Axes = Mapping[str, tuple[str | None, ...]]
# Name of an axis -> how long it is.
Widths = dict[str, int]


def bucket(size: int) -> int:
  """The smallest of 32, 48, 64, 96, 128, 192 ... that is not below a size.

  Steps are compiled for each width, so there are few, and a third of a batch at most is padding
  for it.

  Example:
    >>> [bucket(size) for size in (5, 64, 65, 200)]
    [32, 64, 96, 256]
  """
  power = 32
  while power < size:
    if size <= power * 3 // 2:
      return power * 3 // 2
    power *= 2
  return power


def sizes(example: Mapping[str, Any], axes: Axes) -> Widths:
  """How long each named axis of one example is.

  Example:
    >>> sizes({'tokens': np.zeros(7)}, {'tokens': ('positions',)})
    {'positions': 7}
  """
  lengths: Widths = {}
  for name, names in axes.items():
    if name in example:
      of_array = zip(names, example[name].shape, strict=False)
      lengths |= {axis: size for axis, size in of_array if axis is not None}
  return lengths


def stack(
  examples: Sequence[Mapping[str, np.ndarray]], axes: Axes, widths: Mapping[str, int] | None = None
) -> dict[str, np.ndarray]:
  """Examples as arrays [B, ...], each named axis padded with zeros, or cut, to a width.

  Args:
    examples: arrays by name, the same names in each; at least one.
    axes: names of the arrays' axes.
    widths: of the axes; of one that is not there the largest among the examples.

  Raises:
    ValueError: arrays of one name differ in a size that has no name.
  """
  largest: Widths = {}
  for example in examples:
    for axis, size in sizes(example, axes).items():
      largest[axis] = max(size, largest.get(axis, 0))
  widths = largest | dict(widths or {})
  batch = {}
  for name, first in examples[0].items():
    if name not in axes:
      batch[name] = np.stack([example[name] for example in examples])
      continue
    shape = _shape(first.shape, axes[name], widths)
    batch[name] = np.zeros((len(examples), *shape), first.dtype)
    for row, example in enumerate(examples):
      array = example[name]
      there: Any = tuple(slice(min(a, b)) for a, b in zip(array.shape, shape, strict=True))
      batch[name][(row, *there)] = array[there]
  return batch


def stack_in_buckets(
  examples: Sequence[Mapping[str, np.ndarray]], axes: Axes
) -> dict[str, np.ndarray]:
  """As ``stack``, with each axis as wide as the bucket of its largest size; see ``bucket``."""
  largest = [sizes(example, axes) for example in examples]
  widths = {axis: bucket(max(one[axis] for one in largest)) for axis in largest[0]}
  return stack(examples, axes, widths)


def cut(batch: dict[str, Any], axes: Axes, widths: Mapping[str, int]) -> dict[str, Any]:
  """Arrays [B, ...] whose named axes are cut to widths; inside a compiled call as well."""

  def cut_array(name: str, array: jax.Array) -> jax.Array:
    if name not in axes:
      return array
    shape = _shape(array.shape[1:], axes[name], widths)
    return array[(slice(None), *map(slice, shape))]

  return {name: cut_array(name, array) for name, array in batch.items()}


def _shape(
  shape: Sequence[int], names: Sequence[str | None], widths: Mapping[str, int]
) -> tuple[int, ...]:
  """A shape with the named axes as wide as asked for."""
  named = [*names, *[None] * (len(shape) - len(names))]
  return tuple(
    size if axis is None else widths.get(axis, size)
    for size, axis in zip(shape, named, strict=True)
  )
