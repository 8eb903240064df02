"""A data set as training sees it: named splits of examples that are read by number."""

import dataclasses
import functools
import json
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from medjax.data import ragged
from medjax.errors import UserError

Batch = dict[str, Any]


# A source that begins so names a data.json: the data as described there, without examples.
DESCRIBED = 'described:'


class Readable(Protocol):
  """Random access to stored examples, as ``tfds.data_source`` gives it."""

  def __len__(self) -> int: ...

  def __getitems__(self, keys: Sequence[int]) -> Sequence[dict[str, Any]]: ...


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


def _none(names: Sequence[str]) -> list['Case']:
  return []


@dataclasses.dataclass(frozen=True)
class Case:
  """A new example, read when it is asked for.

  Attributes:
    name: of its file, or of its row or entry.
    load: the arrays that travel to the device, as of ``Split.decode``; raises UserError with the
      name in front where they cannot be read.
  """

  name: str
  load: Callable[[], dict[str, np.ndarray]]


def unreadable(name: str, error: UserError) -> Case:
  """A case that says why it cannot be read, so that others beside it can be."""

  def load() -> dict[str, np.ndarray]:
    raise UserError(str(error))

  return Case(name, load)


def images_as_inputs(batch: Batch) -> jax.Array:
  """float32 [B, H, W, C] in 0..1 of uint8 images."""
  return batch['image'].astype(jnp.float32) / 255.0


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
    input_shape: shape of one input, without the batch.
    notes: what was decided while reading it, one line each.
    truth: of simulated data, (name of the split, number of the example) -> where the findings
      are, bool [H, W] or [L]; None where nobody knows.
    motifs: of simulated sequences, what is planted: position weight matrices [places, letters] by
      name.
    kind: 'images', 'table', 'sequences', 'signals' or 'residues' (sequences with a label at each
      position): how new examples are read and shown.
    inputs: network inputs, float32 [B, ...], of a device batch.
    open: new examples in these files and folders.
    details: JSON values that ``open`` needs and that data.json keeps, such as the alphabet.
    sizes: examples of splits that are described and not there.
    axes: which arrays of new examples have axes that are not as long in each; see ``ragged``.
  """

  name: str
  splits: dict[str, Split]
  classes: tuple[str, ...]
  fingerprint: str
  simulated: bool
  input_shape: tuple[int, ...]
  notes: tuple[str, ...] = ()
  truth: Callable[[str, int], np.ndarray] | None = None
  motifs: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
  kind: Literal['images', 'table', 'sequences', 'signals', 'residues'] = 'images'
  inputs: Callable[[Batch], jax.Array] = images_as_inputs
  open: Callable[[Sequence[str]], list[Case]] = _none
  details: dict[str, Any] = dataclasses.field(default_factory=dict)
  sizes: dict[str, int] = dataclasses.field(default_factory=dict)
  axes: ragged.Axes = dataclasses.field(default_factory=dict)

  @functools.cached_property
  def example(self) -> dict[str, Any]:
    """What one example is: a tree of named arrays' shapes and dtypes, labels included.

    Axes that are not as long in every example are as long as in the longest of a split.
    """
    batch = next(iter(self.splits.values())).read([0])
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), batch)

  def examples(self, split: str) -> int:
    """How many examples a split has, also where they are only described."""
    return len(self.splits[split]) if split in self.splits else self.sizes[split]

  def _counts(self, split: Split) -> dict[str, int]:
    """Examples of each class; one may be of several."""
    several = split.label.ndim == 2 and np.issubdtype(split.label.dtype, np.floating)
    is_of = (
      split.label[:, i] == 1 if several else split.label == i for i in range(len(self.classes))
    )
    return {c: int(found.sum()) for c, found in zip(self.classes, is_of, strict=True)}

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
      if split.label.ndim > 1 and np.issubdtype(split.label.dtype, np.integer):
        splits[name]['positions'] = int((split.label >= 0).sum())
      groups = set(split.group.tolist())
      shared |= seen & groups
      seen |= groups
    return {
      'source': self.name,
      'simulated': self.simulated,
      'fingerprint': self.fingerprint,
      'classes': list(self.classes),
      'input_shape': list(self.input_shape),
      'notes': list(self.notes),
      'kind': self.kind,
      'details': self.details,
      'splits': splits,
      'groups_in_two_splits': len(shared),
    }


def described(source: str) -> dict[str, Any] | None:
  """What a run's data.json says of its data, where the source names one; None otherwise.

  Args:
    source: a setting of where data come from; one that begins with ``DESCRIBED`` names a data.json.

  Raises:
    UserError: the file is missing or damaged.
  """
  if not source.startswith(DESCRIBED):
    return None
  path = pathlib.Path(source.removeprefix(DESCRIBED))
  try:
    found = json.loads(path.read_text())
    for name in (
      'source',
      'classes',
      'fingerprint',
      'simulated',
      'input_shape',
      'details',
      'splits',
    ):
      found[name]
    return found
  except (OSError, ValueError, KeyError, TypeError) as error:
    raise UserError(f'{path}: does not describe the data of a run: {error}') from None


def without_examples(found: dict[str, Any], **more: Any) -> Dataset:
  """The data set that ``described`` found, with what a model and a prediction need.

  Args:
    found: as ``described`` gives it.
    more: further attributes.
  """
  return Dataset(
    found['source'],
    {},
    tuple(found['classes']),
    found['fingerprint'],
    found['simulated'],
    tuple(found['input_shape']),
    details=found['details'],
    sizes={name: split['examples'] for name, split in found['splits'].items()},
    **more,
  )


def columns(rows: Sequence[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray, dict[str, list[str]]]:
  """ids, groups and metadata columns of stored rows whose metadata is one JSON text."""
  ids = np.array([_text(row['id']) for row in rows])
  groups = np.array([_text(row['group']) for row in rows])
  metadata = [json.loads(_text(row['metadata'])) for row in rows]
  names = dict.fromkeys(name for row in metadata for name in row)
  return ids, groups, {name: [row.get(name, '') for row in metadata] for name in names}


def _text(value: Any) -> str:
  return value.decode() if isinstance(value, bytes) else str(value)
