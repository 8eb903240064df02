"""What travels between the server and the sites: JSON values, and named arrays."""

import json
import math
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, RecordDict

from medjax.training import arrays as arrays_lib

_ABOUT, _ARRAYS, _JSON = 'about', 'arrays', 'json'
SPENT = 'spent'  # of an answer: the site has no budget left for a round


def packed(about: Mapping[str, Any], tree: Any = None) -> RecordDict:
  """The content of a message.

  Args:
    about: JSON values.
    tree: of arrays; None for none.

  Example:
    >>> about, arrays = unpacked(packed({'round': 1}, {'w': np.zeros(2, np.float32)}))
    >>> about['round'], arrays['w'].tolist()
    (1, [0.0, 0.0])
  """
  named = arrays_lib.named(tree) if tree is not None else []
  arrays = {name: Array(np.asarray(leaf)) for name, leaf in named}
  text = json.dumps(about, allow_nan=False)
  return RecordDict({_ABOUT: ConfigRecord({_JSON: text}), _ARRAYS: ArrayRecord(arrays)})


def unpacked(content: RecordDict) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
  """JSON values and arrays of a message.

  Raises:
    KeyError: the content is not of ``packed``.
    TypeError: as above.
    ValueError: it cannot be read.
  """
  about = json.loads(str(content.config_records[_ABOUT][_JSON]))
  if not isinstance(about, dict):
    raise ValueError('expected a JSON object')
  return about, {name: array.numpy() for name, array in content.array_records[_ARRAYS].items()}


def tree(arrays: Mapping[str, np.ndarray], like: Any) -> Any:
  """Named arrays as a tree, with whatever shapes they have.

  Args:
    arrays: by their path.
    like: a tree of the same structure.

  Raises:
    ValueError: they have other names than the leaves of ``like``.
  """
  names = [name for name, _ in arrays_lib.named(like)]
  if set(names) != set(arrays):
    raise ValueError('it has other parameters than the network')
  return jax.tree.unflatten(jax.tree.structure(like), [arrays[name] for name in names])


def number(value: Any) -> float | None:
  """A number as JSON holds it; None for one that is not finite."""
  return float(value) if value is not None and math.isfinite(value) else None


def digest(value: Any) -> int:
  """Of all arrays of a tree and their names."""
  return hash_of([(name, arrays_lib.digest(leaf)) for name, leaf in arrays_lib.named(value)])


def hash_of(parts: Any) -> int:
  """CRC-32 of JSON values."""
  return arrays_lib.digest(np.frombuffer(json.dumps(parts).encode(), np.uint8))
