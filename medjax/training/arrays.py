"""A tree as named arrays, as checkpoints hold it."""

import zlib
from typing import Any

import jax
import numpy as np


def named(tree: Any) -> list[tuple[str, Any]]:
  """Leaves with their path as a name, such as 'params.Conv_0.kernel'."""
  leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
  return [(jax.tree_util.keystr(path, simple=True, separator='.'), leaf) for path, leaf in leaves]


def digest(array: Any) -> int:
  """CRC-32 of an array's dtype, shape and bytes."""
  array = np.ascontiguousarray(array)
  head = f'{array.dtype}{array.shape}'.encode()
  return zlib.crc32(array.reshape(-1).view(np.uint8), zlib.crc32(head))


def copy(to: np.ndarray, leaf: Any) -> None:
  """Copies an array, of which this host may hold parts alone that together are the whole."""
  if isinstance(leaf, jax.Array) and not leaf.is_fully_replicated:
    for part in leaf.addressable_shards:
      to[part.index] = part.data
  else:
    np.copyto(to, leaf)
