"""All cases of a data set as checks see them: one row a case, whatever its split."""

import dataclasses
import functools
import hashlib
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from medjax.data import ragged
from medjax.data.dataset import Dataset, Split
from medjax.data.looks import Looks, joined
from medjax.data.modality import Modality
from medjax.errors import UserError

_BLOCK = 64
_COMPONENTS = 100


@dataclasses.dataclass(frozen=True)
class Target:
  """Labels that are classes.

  Attributes:
    name: of the label, '' where there is one only.
    classes: in label order.
    label: class number of each case, int [N]; -1 where it is not known.
  """

  name: str
  classes: tuple[str, ...]
  label: np.ndarray


@dataclasses.dataclass(frozen=True)
class Cases:
  """N cases.

  Attributes:
    what: they are called, in the plural.
    id: name of each.
    split: of each; 'new' for new cases.
    group: patient of each.
    targets: labels of each that are classes; none where labels are no classes.
    metadata: columns that the network does not see, [N] strings each.
    looks: what checks see of each.
    digest: equal for cases that are the same to the network.
    focus: bool [N], the cases that checks are about; all, or new ones among training cases.
  """

  what: str
  id: np.ndarray
  split: np.ndarray
  group: np.ndarray
  targets: Sequence[Target]
  metadata: dict[str, list[str]]
  looks: Looks
  digest: Sequence[str]
  focus: np.ndarray

  def __len__(self) -> int:
    return len(self.id)

  @functools.cached_property
  def components(self) -> np.ndarray | None:
    """Principal components of standardised features, at most 100, float64 [N, D].

    They are fitted to all cases, as they know nothing of labels.
    """
    from sklearn.decomposition import PCA

    features = self.looks.features
    if features is None or not features.size or len(features) < 3:
      return None
    values = np.asarray(features, np.float64)
    spread = values.std(axis=0)
    values = (values - values.mean(axis=0))[:, spread > 1e-9] / spread[spread > 1e-9]
    if not values.size:
      return None
    count = min(_COMPONENTS, len(values) - 1, values.shape[1])
    return PCA(count, random_state=0).fit_transform(values)

  def where(self, number: int) -> str:
    """A case and its split, as in 'a.png (train)'."""
    return f'{self.id[number]} ({self.split[number]})'


def of_dataset(data: Dataset, folder: pathlib.Path | None = None) -> Cases:
  """The cases of all splits.

  Args:
    data: with its examples.
    folder: where its files lie, if they do; what they are joins the metadata.
  """
  splits = list(data.splits.values())
  read = [_read(data.modality, split) for split in splits]
  seen = set(data.modality.parts)
  columns = dict.fromkeys(name for split in splits for name in split.metadata)
  metadata = {
    name: [cell for one in splits for cell in one.metadata.get(name, [''] * len(one))]
    for name in columns
    if name not in seen
  }
  identity = np.concatenate([split.id for split in splits])
  if folder is not None:
    metadata |= _facts(data.modality, folder, identity.tolist())
  return Cases(
    data.modality.cases,
    identity,
    np.concatenate([np.full(len(split), split.name) for split in splits]),
    np.concatenate([split.group for split in splits]),
    _targets(data, splits),
    metadata,
    joined([looks for looks, _ in read]),
    [digest for _, digests in read for digest in digests],
    np.ones(len(identity), bool),
  )


def with_new(
  train: Cases,
  modality: Modality,
  names: Sequence[str],
  arrays: Sequence[dict[str, np.ndarray]],
  metadata: Sequence[dict[str, str]],
) -> Cases:
  """Training cases and new ones, about which checks are then.

  Args:
    train: of a data set; other splits are left out.
    modality: of both.
    names: of M new cases.
    arrays: of each new case.
    metadata: of each new case.
  """
  old = np.flatnonzero(train.split == 'train')
  looks, digests = [], []
  for first in range(0, len(arrays), _BLOCK):
    part = arrays[first : first + _BLOCK]
    stacked = _stacked(modality, part)
    looks.append(modality.looks(stacked))
    digests += _digests(stacked)
  one = train.looks
  kept = Looks(
    one.blank[old],
    None if one.features is None else one.features[old],
    None if one.thumbnails is None else one.thumbnails[old],
    {name: values[old] for name, values in one.parts.items()},
    {name: values[old] for name, values in one.coarse.items()},
  )
  return Cases(
    train.what,
    np.concatenate([train.id[old], names]),
    np.concatenate([train.split[old], np.full(len(names), 'new')]),
    np.concatenate([train.group[old], [f'new {name}' for name in names]]),
    (),
    {
      name: [cells[i] for i in old] + [row[name] for row in metadata]
      for name, cells in train.metadata.items()
      if all(name in row for row in metadata)
    },
    joined([kept, *looks]),
    [*(train.digest[int(i)] for i in old), *digests],
    np.arange(len(old) + len(names)) >= len(old),
  )


def _stacked(modality: Modality, arrays: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
  sizes = [ragged.sizes(one, modality.axes) for one in arrays]
  widths = {axis: max(one[axis] for one in sizes) for axis in sizes[0]}
  return ragged.stack(list(arrays), modality.axes, widths)


def _read(modality: Modality, split: Split) -> tuple[Looks, list[str]]:
  looks, digests = [], []
  for first in range(0, len(split), _BLOCK):
    batch = split.read(np.arange(first, min(first + _BLOCK, len(split))))
    looks.append(modality.looks(batch))
    digests += _digests({name: batch[name] for name in batch if name != 'label'})
  return joined(looks), digests


def _digests(arrays: dict[str, np.ndarray]) -> list[str]:
  """Equal for cases with the same arrays."""
  leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(arrays)]
  return [
    hashlib.blake2b(b''.join(leaf[i].tobytes() for leaf in leaves), digest_size=16).hexdigest()
    for i in range(len(leaves[0]))
  ]


def _targets(data: Dataset, splits: Sequence[Split]) -> list[Target]:
  """Labels that are classes, one target for each class where a case may be of several."""
  if not data.classes or not all(isinstance(split.label, np.ndarray) for split in splits):
    return []
  if any(split.label.ndim != splits[0].label.ndim for split in splits):
    return []
  label: Any = np.concatenate([split.label for split in splits])
  if label.ndim == 1 and np.issubdtype(label.dtype, np.integer):
    return [Target('', data.classes, label.astype(np.int64))]
  if label.ndim == 2 and np.issubdtype(label.dtype, np.floating):
    known = np.where(np.isnan(label), -1, label).astype(np.int64)
    return [
      Target(name, (f'no {name}', name), known[:, number])
      for number, name in enumerate(data.classes)
    ]
  return []


def _facts(modality: Modality, folder: pathlib.Path, names: Sequence[str]) -> dict[str, list[str]]:
  """What the files of cases are, by column; nothing where none are there under these names."""
  rows = []
  for name in names:
    path = folder / name.partition('#')[0]
    try:
      rows.append(modality.file_facts(str(path)) if os.path.isfile(path) else {})
    except UserError:  # the readers name those that cannot be read
      rows.append({})
  columns = dict.fromkeys(column for row in rows for column in row)
  return {column: [row.get(column, '') for row in rows] for column in columns}
