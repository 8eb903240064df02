"""A data set as training sees it: named splits of examples that are read by number."""

import dataclasses
import functools
import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import jax
import numpy as np

from medjax.data import ragged
from medjax.data.modality import Modality
from medjax.errors import UserError
from medjax.workdir import Workdir

Batch = dict[str, Any]
AGREED = 'agreed'  # in data.json: whether its details are those of several sites


class Readable(Protocol):
  """Random access to stored examples, as ``tfds.data_source`` gives it."""

  def __len__(self) -> int: ...

  def __getitems__(self, keys: Sequence[int]) -> Sequence[dict[str, Any]]: ...


class Selected:
  """Some of the rows that are stored, in an order of their own.

  Example:
    >>> Selected(stored, [3, 1]).__getitems__([0])                 # doctest: +SKIP
    [{'values': np.int64(3)}]
  """

  def __init__(self, stored: Readable, numbers: Sequence[int]):
    self._stored, self._numbers = stored, list(numbers)

  def __len__(self) -> int:
    return len(self._numbers)

  def __getitems__(self, keys: Sequence[int]) -> Sequence[dict[str, Any]]:
    return self._stored.__getitems__([self._numbers[key] for key in keys])


@dataclasses.dataclass(frozen=True)
class Split:
  """The examples of one split.

  Attributes:
    name: 'train', 'val' or 'test'.
    source: the stored examples, in their stored order.
    decode: one stored example -> the arrays that travel to the device, without labels.
    id: name of each example, [N].
    label: class number of each example, int32 [N]; or its number, float32 [N]; or 1 for each of its
      classes, float32 [N, C], NaN where that is not known; or the class of each of its positions,
      int32 [N, L], -1 where that is not known; or any tree of arrays [N, ...]. Targets that are too
      large to be kept in memory come from ``decode`` instead, under names that the task knows.
    group: patient (or scaffold, family) of each example, [N].
    metadata: every other column, [N] strings each.
    sizes: of each axis that is not as long in every example its length, int [N]. A batch is then
      made of examples of similar size and padded to about the largest.
    axes: which arrays have those axes; see ``ragged``.
  """

  name: str
  source: Readable
  decode: Callable[[dict[str, Any]], dict[str, np.ndarray]]
  id: np.ndarray
  label: Any
  group: np.ndarray
  metadata: dict[str, list[str]]
  sizes: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
  axes: ragged.Axes = dataclasses.field(default_factory=dict)

  def __len__(self) -> int:
    return len(self.id)

  def read(self, indices: Sequence[int] | np.ndarray, widths: ragged.Widths | None = None) -> Batch:
    """The examples with these numbers as arrays stacked on axis 0, padded or cut to ``widths``."""
    rows = [self.decode(row) for row in self.source.__getitems__([int(i) for i in indices])]
    batch: Batch = ragged.stack(rows, self.axes, widths or self.largest())
    batch['label'] = jax.tree.map(lambda label: label[np.asarray(indices)], self.label)
    return ragged.cut(batch, self.axes, widths or {})

  def take(self, numbers: Sequence[int] | np.ndarray) -> 'Split':
    """The examples of these numbers, in this order, as a split of their own.

    Example:
      >>> split.take([4, 2]).id.tolist() == split.id[[4, 2]].tolist()  # doctest: +SKIP
      True
    """
    at = np.asarray(numbers, int)
    return dataclasses.replace(
      self,
      source=Selected(self.source, at.tolist()),
      id=self.id[at],
      label=jax.tree.map(lambda label: label[at], self.label),
      group=self.group[at],
      metadata={name: [cells[i] for i in at] for name, cells in self.metadata.items()},
      sizes={axis: sizes[at] for axis, sizes in self.sizes.items()},
    )

  def largest(self) -> ragged.Widths:
    """The size of each named axis that holds every example."""
    return {axis: int(sizes.max(initial=1)) for axis, sizes in self.sizes.items()}

  def widths(self, indices: np.ndarray) -> ragged.Widths:
    """What the axes of a batch of these examples, -1 for none, are padded to."""
    there = indices[indices >= 0]
    return {
      axis: min(ragged.bucket(int(self.sizes[axis][there].max(initial=1))), largest)
      for axis, largest in self.largest().items()
    }

  def by_size(self, indices: np.ndarray) -> np.ndarray:
    """The same examples by bucket of their sizes, otherwise in the order given."""
    if not self.sizes:
      return indices
    buckets = [
      [ragged.bucket(int(size)) for size in sizes[indices]] for sizes in self.sizes.values()
    ]
    return indices[
      np.lexsort(buckets[::-1])
    ]  # the first axis counts first; equals keep their order


@dataclasses.dataclass(frozen=True)
class Dataset:
  """Splits of one data set and what they are.

  Attributes:
    name: what it is called in reports.
    splits: by name; at least 'train' for training.
    classes: class names, in label order; for two classes the second is the positive one. Empty
      where labels are numbers.
    fingerprint: hexadecimal digest that changes with any stored byte.
    simulated: whether no patient stands behind it.
    modality: the owner of its inputs: how they are read, fed, drawn and explained.
    notes: what was decided while reading it, one line each.
    truth: of simulated data, (name of the split, number of the example) -> where the findings
      are, bool [H, W] or [L]; None where nobody knows.
    motifs: of simulated sequences, what is planted: position weight matrices [places, letters] by
      name.
    details: JSON values that data.json keeps, of which the modality and the task are made again
      where the examples are not there.
    sizes: examples of splits that are described and not there.
    described: what one example is, where examples are not there.
    unreadable: see ``Examples``, as of the next one.
    copies: see there.
  """

  name: str
  splits: dict[str, Split]
  classes: tuple[str, ...]
  fingerprint: str
  simulated: bool
  modality: Modality
  notes: tuple[str, ...] = ()
  truth: Callable[[str, int], np.ndarray] | None = None
  motifs: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
  details: dict[str, Any] = dataclasses.field(default_factory=dict)
  sizes: dict[str, int] = dataclasses.field(default_factory=dict)
  described: dict[str, Any] | None = None
  unreadable: Mapping[str, str] = dataclasses.field(default_factory=dict)
  copies: Mapping[str, str] = dataclasses.field(default_factory=dict)

  @functools.cached_property
  def example(self) -> dict[str, Any]:
    """What one example is: a tree of named arrays' shapes and dtypes, labels included.

    Axes that are not as long in every example are as long as in the longest of a split.
    """
    if self.described is not None:
      return self.described
    batch = next(iter(self.splits.values())).read([0])
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), batch)

  @functools.cached_property
  def input_shape(self) -> Any:
    """Shape of one input, without the batch; a tree of shapes where inputs are one."""
    batch = jax.tree.map(
      lambda spec: jax.ShapeDtypeStruct((1, *spec.shape), spec.dtype), self.example
    )
    inputs = jax.eval_shape(self.modality.inputs, batch)
    return jax.tree.map(lambda spec: tuple(spec.shape[1:]), inputs)

  def examples(self, split: str) -> int:
    """How many examples a split has, also where they are only described."""
    return len(self.splits[split]) if split in self.splits else self.sizes[split]

  def labels(self, split: str) -> Any:
    """Labels of a split as it has them; None where it is only described."""
    return self.splits[split].label if split in self.splits else None

  def _counts(self, split: Split) -> dict[str, int]:
    """Examples of each class; one may be of several."""
    if not isinstance(split.label, np.ndarray):
      return {}
    several = split.label.ndim == 2 and np.issubdtype(split.label.dtype, np.floating)
    is_of = (
      split.label[:, i] == 1 if several else split.label == i for i in range(len(self.classes))
    )
    return {c: int(members.sum()) for c, members in zip(self.classes, is_of, strict=True)}

  def summary(self) -> dict[str, Any]:
    """What data.json says: source, fingerprint, size of every split, and groups in two of them."""
    splits = {}
    shared: set[str] = set()
    seen: set[str] = set()
    for name, split in self.splits.items():
      splits[name] = {
        'examples': len(split),
        'groups': len(set(split.group)),
        'classes': self._counts(split),
      }
      label = split.label
      if (
        isinstance(label, np.ndarray) and label.ndim > 1 and np.issubdtype(label.dtype, np.integer)
      ):
        splits[name]['positions'] = int((label >= 0).sum())
      groups = set(split.group.tolist())
      shared |= seen & groups
      seen |= groups
    return {
      'source': self.name,
      'simulated': self.simulated,
      'fingerprint': self.fingerprint,
      'classes': list(self.classes),
      'example': jax.tree.map(_spell, self.example),
      'notes': list(self.notes),
      'details': self.details,
      'splits': splits,
      'groups_in_two_splits': len(shared),
    }


def describe(workdir: Workdir) -> dict[str, Any]:
  """What a run's data.json says of its data, for ``without_examples``.

  Raises:
    UserError: the file is missing or damaged, or an earlier version wrote it.
  """
  return checked(workdir.read(workdir.data), workdir.data)


def checked(about: Any, path: pathlib.Path) -> dict[str, Any]:
  """What a file says of a run's data, all of it.

  Args:
    about: JSON values.
    path: the file.

  Raises:
    UserError: something is missing, or an earlier version wrote it.
  """
  for name in ('source', 'classes', 'fingerprint', 'simulated', 'details', 'splits'):
    if name not in about:
      raise UserError(f'{path}: does not describe the data of a run: it has no {name}')
  if 'example' not in about:
    raise UserError(
      f'{path}: an earlier version of medjax wrote this run and did not note what an example is; '
      'train again'
    )
  return dict(about)


def without_examples(about: dict[str, Any], modality: Modality) -> Dataset:
  """The data set that ``describe`` read, with what a model and a prediction need."""
  return Dataset(
    about['source'],
    {},
    tuple(about['classes']),
    about['fingerprint'],
    about['simulated'],
    modality,
    details=about['details'],
    sizes={name: split['examples'] for name, split in about['splits'].items()},
    described=jax.tree.map(_unspell, about['example']),
  )


def _spell(spec: jax.ShapeDtypeStruct) -> str:
  """As 'uint8[224,224,3]'."""
  return f'{spec.dtype.name}[{",".join(map(str, spec.shape))}]'


def _unspell(text: str) -> jax.ShapeDtypeStruct:
  dtype, _, shape = text.removesuffix(']').partition('[')
  return jax.ShapeDtypeStruct(tuple(int(size) for size in shape.split(',') if size), dtype)


def columns(rows: Sequence[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray, dict[str, list[str]]]:
  """ids, groups and metadata columns of stored rows whose metadata is one JSON text."""
  ids = np.array([_text(row['id']) for row in rows])
  groups = np.array([_text(row['group']) for row in rows])
  metadata = [json.loads(_text(row['metadata'])) for row in rows]
  names = dict.fromkeys(name for row in metadata for name in row)
  return ids, groups, {name: [row.get(name, '') for row in metadata] for name in names}


def _text(value: Any) -> str:
  return value.decode() if isinstance(value, bytes) else str(value)
