"""Examples of one split of several runs, on the devices, once where they are the same."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from medjax.data import feed
from medjax.data.dataset import Batch, Split
from medjax.runtime import Devices
from medjax.training.members import Member


class Pool:
  """Examples of one split of every member, on the devices.

  Where the members' examples are the same but for their order and number, as images are, they lie
  there once; where each has made its own of them, as of the columns of a table, member by member.

  Attributes:
    splits: of each member.
    examples: arrays [N, ...], or [members, N, ...]; ``index`` always is [members, N].
    axes: 0 or None for each array, whether it has an axis of members.
  """

  def __init__(self, members: Sequence[Member], name: str, devices: Devices):
    splits = [member.experiment.data.splits[name] for member in members]
    self.splits = splits
    each = _read(members, splits)
    union = _union(splits, each)
    if union is None:
      examples, self._at = _stacked(each), [np.arange(len(split)) for split in splits]
      self.axes: Any = jax.tree.map(lambda _: 0, examples)
    else:
      examples, self._at = union
      self.axes = jax.tree.map(lambda _: None, examples)
    count = jax.tree.leaves(examples)[0].shape[1 if union is None else 0]
    index = np.zeros((len(splits), count), np.int32)
    for own, at in zip(index, self._at, strict=True):
      own[at] = np.arange(len(at))
    self.examples = devices.replicate(examples | {'index': index})
    self.axes['index'] = 0

  def rows(self, plans: Sequence[np.ndarray], count: int, devices: Devices) -> np.ndarray:
    """Numbers in ``examples`` for plans of own numbers, int32 [devices, members, count, B]."""
    width = max(plan.shape[1] for plan in plans)
    rows = []
    for plan, at in zip(plans, self._at, strict=True):
      filled = padded(plan, count, width)
      there = np.where(filled >= 0, at[filled], -1).astype(np.int32)
      rows.append(feed.host_share(there, len(devices.local)).swapaxes(0, 1))
    return np.stack(rows, axis=1)


def _read(members: Sequence[Member], splits: Sequence[Split]) -> list[Batch]:
  """The examples of each split; of members that differ by their seed alone they are read once."""
  read: dict[Any, Batch] = {}
  each = []
  for member, split in zip(members, splits, strict=True):
    key = member.experiment.data.fingerprint, tuple(split.id.tolist())
    if key not in read:
      read[key] = feed.read_all(split)
    each.append(read[key])
  return each


def _union(splits: Sequence[Split], each: Sequence[Batch]) -> tuple[Batch, list[np.ndarray]] | None:
  """The examples of all splits once, and where those of each are; None where they differ."""
  at: dict[str, int] = {}
  so_far = _take(each[0], np.zeros(0, int))
  places = []
  for split, batch in zip(splits, each, strict=True):
    names = split.id.tolist()
    if len(set(names)) < len(names):
      return None
    known = np.array([i for i, name in enumerate(names) if name in at], int)
    new = np.array([i for i, name in enumerate(names) if name not in at], int)
    there = np.array([at[names[i]] for i in known], int)
    pairs = zip(
      jax.tree.leaves(_take(so_far, there)), jax.tree.leaves(_take(batch, known)), strict=True
    )
    if not all(np.array_equal(kept, other, equal_nan=True) for kept, other in pairs):
      return None
    at |= {names[i]: len(at) + n for n, i in enumerate(new)}
    if len(new):
      so_far = jax.tree.map(lambda *leaves: np.concatenate(leaves), so_far, _take(batch, new))
    places.append(np.array([at[name] for name in names], np.int32))
  return so_far, places


def _take(batch: Batch, numbers: np.ndarray) -> Batch:
  return jax.tree.map(lambda leaf: leaf[numbers], batch)


def _stacked(each: Sequence[Batch]) -> Batch:
  """Arrays [members, N, ...], with zeros after the end of shorter ones."""

  def stack(*leaves: np.ndarray) -> np.ndarray:
    most = max(len(leaf) for leaf in leaves)
    stacked = np.zeros((len(leaves), most, *leaves[0].shape[1:]), leaves[0].dtype)
    for to, leaf in zip(stacked, leaves, strict=True):
      to[: len(leaf)] = leaf
    return stacked

  return jax.tree.map(stack, *each)


def padded(plan: np.ndarray, rows: int, width: int) -> np.ndarray:
  """A plan of batches with -1 for none up to ``rows`` of ``width`` examples."""
  filled = np.full((rows, width), -1, np.int32)
  filled[: len(plan), : plan.shape[1]] = plan
  return filled
