"""Weights in the layout of safetensors: a header in JSON, and the numbers one after the other.

Reading such a file must not need more than NumPy, so that the layout, which is short, is read and
written here; see https://huggingface.co/docs/safetensors for it.
"""

import json
from collections.abc import Mapping

import numpy as np

from medjax.errors import UserError

_NAMES = {
  'BOOL': np.bool_, 'U8': np.uint8, 'I8': np.int8, 'I16': np.int16, 'U16': np.uint16,
  'I32': np.int32, 'U32': np.uint32, 'I64': np.int64, 'U64': np.uint64, 'F16': np.float16,
  'F32': np.float32, 'F64': np.float64,
}  # fmt: skip
_OF = {np.dtype(dtype): name for name, dtype in _NAMES.items()}
_ALIGNED = 8  # bytes that the length of the header is a multiple of


def write(arrays: Mapping[str, np.ndarray]) -> bytes:
  """The bytes of a file that holds these arrays.

  Args:
    arrays: by name.

  Raises:
    ValueError: a dtype has no name there.

  Example:
    >>> read(write({'kernel': np.ones((2, 1), np.float32)}), 'model')['kernel'].shape
    (2, 1)
  """
  header, parts, end = {}, [], 0
  for name, array in arrays.items():
    native = array.dtype.newbyteorder('=')
    if native not in _OF:
      raise ValueError(f'{name} is of {array.dtype}; expected one of {", ".join(map(str, _OF))}')
    data = np.ascontiguousarray(array, array.dtype.newbyteorder('<')).tobytes()
    begin, end = end, end + len(data)
    header[name] = {
      'dtype': _OF[native],
      'shape': list(array.shape),
      'data_offsets': [begin, end],
    }
    parts.append(data)
  text = json.dumps(header).encode()
  text += b' ' * (-len(text) % _ALIGNED)
  return b''.join([len(text).to_bytes(8, 'little'), text, *parts])


def read(data: bytes, where: str) -> dict[str, np.ndarray]:
  """The arrays of a file, which share its memory.

  Args:
    data: the file.
    where: its name, for errors.

  Raises:
    UserError: it is not of that layout.
  """
  try:
    size = int.from_bytes(data[:8], 'little')
    header = json.loads(data[8 : 8 + size])
    header.pop('__metadata__', None)
    numbers = memoryview(data)[8 + size :]
    return {name: _array(numbers, **about) for name, about in header.items()}
  except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
    raise UserError(f'{where}: no weights in the layout of safetensors ({error})') from None


def _array(
  numbers: memoryview, dtype: str, shape: list[int], data_offsets: list[int]
) -> np.ndarray:
  begin, end = data_offsets
  if not 0 <= begin <= end <= len(numbers) or any(size < 0 for size in shape):
    raise ValueError('numbers outside of the file')
  kind = np.dtype(_NAMES[dtype]).newbyteorder('<')
  return np.frombuffer(numbers[begin:end], kind).reshape(shape)
