"""From examples to device batches: order, padding, and two ways to feed, with the same result.

The order of examples is a function of (seed, epoch) alone, so the data position in a checkpoint is
the number of updates done. Batches are padded to a size that the devices divide, with ``mask``
False for padding, so that every example counts exactly once. Where examples differ in size, a batch
is made of examples of similar size and padded to the bucket of the largest.
"""

import concurrent.futures
from collections.abc import Iterator

import grain
import jax
import numpy as np

from medjax.data import ragged
from medjax.data.dataset import Batch, Split
from medjax.errors import UserError
from medjax.runtime import Devices


def order(seed: int, epoch: int, count: int) -> np.ndarray:
  """The order of ``count`` training examples in one epoch, int64 [count]."""
  return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(count)


def balanced_order(seed: int, epoch: int, label: np.ndarray, power: float) -> np.ndarray:
  """As many draws as there are examples, in which rare classes come more often.

  A class of n examples gets a share of them in proportion to n ** (1 - power). Within a class every
  example comes equally often, or once more than others.

  Args:
    seed: of the run.
    epoch: its number; each has another draw.
    label: class numbers, int [N].
    power: from 0, as common as they are, to 1, all classes equally often.

  Returns:
    Numbers of examples, int64 [N], in random order.

  Example:
    >>> np.bincount(np.array([0, 0, 0, 1])[balanced_order(0, 0, np.array([0, 0, 0, 1]), 1.0)])
    array([2, 2])
  """
  random = np.random.Generator(np.random.Philox(key=[seed, epoch]))
  members = [np.flatnonzero(label == number) for number in np.unique(label)]
  shares = np.array([len(one) for one in members]) ** (1.0 - power)
  wanted = len(label) * shares / shares.sum()
  draws = np.floor(wanted).astype(int)
  # Whole numbers that add up: the largest remainders get one more.
  draws[np.argsort(draws - wanted, kind='stable')[: len(label) - draws.sum()]] += 1
  drawn = []
  for one, count in zip(members, draws, strict=True):
    whole, rest = divmod(count, len(one))
    drawn += [np.tile(one, whole), random.permutation(one)[:rest]]
  return random.permutation(np.concatenate(drawn))


def batches(indices: np.ndarray, batch_size: int, multiple: int) -> np.ndarray:
  """Cuts an order of examples into batches.

  Args:
    indices: numbers of the examples, [N].
    batch_size: examples a batch.
    multiple: every batch is padded to a multiple of this (devices x parts of a batch).

  Returns:
    int32 [ceil(N / batch_size), padded batch size], -1 where there is no example. A batch is no
    larger than N.

  Example:
    >>> batches(np.arange(5), 3, 2).tolist()
    [[0, 1, 2, -1], [3, 4, -1, -1]]
  """
  batch_size = min(batch_size, max(len(indices), 1))
  rows, width = -(-len(indices) // batch_size), -(-batch_size // multiple) * multiple
  padded = np.full((rows, width), -1, np.int32)
  whole = np.full(rows * batch_size, -1, np.int32)
  whole[: len(indices)] = indices
  padded[:, :batch_size] = whole.reshape(rows, batch_size)
  return padded


def epoch_plan(
  split: Split, seed: int, epoch: int, batch_size: int, multiple: int, balance: float = 0.0
) -> np.ndarray:
  """The batches of one training epoch, in their order; see ``batches`` for arguments and result.

  With ``balance`` examples are drawn by ``balanced_order``.

  Where sizes differ, examples are drawn at random within a bucket of sizes only, and then the order
  of batches is drawn. Any of them may be the one that is not full.

  Raises:
    UserError: there is no one class a case to balance.
  """
  if balance:
    indices = balanced_order(seed, epoch, _one_class(split), balance)
  else:
    indices = order(seed, epoch, len(split))
  if not split.sizes:
    return batches(indices, batch_size, multiple)
  batch_size = min(batch_size, len(indices))
  rows = -(-len(indices) // batch_size)
  random = np.random.Generator(np.random.Philox(key=[seed, epoch]).jumped())
  there = np.ones((rows, batch_size), bool)
  there[random.integers(rows), batch_size - (there.size - len(indices)) :] = False
  whole = np.full(there.shape, -1, np.int64)
  whole[there] = split.by_size(indices)
  return batches(whole[random.permutation(rows)].ravel(), batch_size, multiple)


def _one_class(split: Split) -> np.ndarray:
  label = split.label
  if not (isinstance(label, np.ndarray) and label.ndim == 1 and label.dtype.kind in 'iu'):
    raise UserError('balance: needs one class a case, which these data do not have')
  return label


class Streamed:
  """Reads and decodes examples while the device computes.

  Attributes:
    split: where examples come from.
    devices: devices of all hosts.
  """

  def __init__(self, split: Split, devices: Devices, threads: int = 4):
    self.split, self.devices, self._threads = split, devices, threads

  def __call__(self, plan: np.ndarray) -> Iterator[Batch]:
    """Batches for the rows of ``plan`` (see ``batches``), each array [local devices, B, ...]."""
    mine = host_share(plan, len(self.devices.local))
    reading = grain.ReadOptions(num_threads=self._threads, prefetch_buffer_size=2 * self._threads)
    widths = [self.split.widths(row) for row in plan]
    dataset = grain.MapDataset.range(len(mine)).map(
      lambda row: read(self.split, mine[row], widths[row])
    )
    yield from dataset.to_iter_dataset(reading)


class Resident:
  """Keeps the decoded examples on every device and gathers batches there.

  Attributes:
    split: where examples come from.
    devices: devices of all hosts.
    examples: arrays [N, ...] of the whole split with ``index``, on every device.
  """

  def __init__(self, split: Split, devices: Devices):
    self.split, self.devices = split, devices
    numbers = np.arange(len(split), dtype=np.int32)
    self.examples = devices.replicate(read_all(split) | {'index': numbers})
    self._gather = jax.pmap(
      lambda examples, rows, widths: ragged.cut(gather(examples, rows), split.axes, dict(widths)),
      axis_name='data',
      in_axes=(None, 0, None),
      devices=devices.all,
      static_broadcasted_argnums=2,
    )

  def __call__(self, plan: np.ndarray) -> Iterator[Batch]:
    """Batches for the rows of ``plan`` (see ``batches``), each array [local devices, B, ...]."""
    for row, all_hosts in zip(host_share(plan, len(self.devices.local)), plan, strict=True):
      widths = tuple(self.split.widths(all_hosts).items())
      yield self._gather(self.examples, row, widths)

  def rows(self, plan: np.ndarray) -> np.ndarray:
    """Example numbers for ``gather`` in a compiled step, int32 [local devices, rows, B]."""
    return host_share(plan, len(self.devices.local)).swapaxes(0, 1)


def make(split: Split, devices: Devices, feeding: str, resident_gib: float) -> Streamed | Resident:
  """The feed that ``feeding`` names; 'auto' is resident when the decoded split fits the budget."""
  first = split.read(np.zeros(1, int))
  size = sum(leaf.nbytes for leaf in jax.tree.leaves(first)) * len(split)
  if feeding == 'resident' or (feeding == 'auto' and size <= resident_gib * 2**30):
    return Resident(split, devices)
  return Streamed(split, devices)


def host_share(plan: np.ndarray, devices: int) -> np.ndarray:
  """This host's part of every batch, int32 [rows, devices of this host, examples a device]."""
  shares = plan.reshape(len(plan), jax.process_count(), devices, -1)
  return shares[:, jax.process_index()]


def read(split: Split, indices: np.ndarray, widths: ragged.Widths | None = None) -> Batch:
  """Examples by number, any shape of ``indices``; zeros and ``mask`` False where it is -1.

  Args:
    split: where they are.
    indices: their numbers.
    widths: what axes of differing size are padded to; see ``Split.read``.
  """
  flat = indices.reshape(-1)
  present = flat >= 0
  examples = split.read(flat[present] if present.any() else np.zeros(1, int), widths)

  def spread(values: np.ndarray) -> np.ndarray:
    full = np.zeros((len(flat), *values.shape[1:]), values.dtype)
    full[present] = values[: present.sum()]
    return full.reshape(*indices.shape, *values.shape[1:])

  return jax.tree.map(spread, examples) | {'index': indices, 'mask': indices >= 0}


def gather(examples: Batch, rows: jax.Array) -> Batch:
  """As ``read``, inside a compiled call and for one device.

  Args:
    examples: arrays [N, ...] with ``index``.
    rows: which of them, int32 [B]; -1 is padding.

  Returns:
    Arrays [B, ...], with ``index`` and ``mask``.
  """
  present = rows >= 0

  def take(values: jax.Array) -> jax.Array:
    taken = values[rows.clip(0)]
    return taken * present.reshape(-1, *[1] * (taken.ndim - 1)).astype(taken.dtype)

  batch = jax.tree.map(take, examples)
  return batch | {'index': jax.numpy.where(present, batch['index'], -1), 'mask': present}


def read_all(split: Split, chunk: int = 64) -> Batch:
  starts = range(0, len(split), chunk)
  with concurrent.futures.ThreadPoolExecutor() as pool:
    parts = list(pool.map(lambda s: split.read(range(s, min(s + chunk, len(split)))), starts))
  return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
