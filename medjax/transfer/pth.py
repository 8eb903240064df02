"""PyTorch's files of tensors, read without PyTorch and without running anything that they name.

Such a file is a pickle, which is a program: it names functions, and whoever opens it calls them.
Here a name stands for itself. Those of dictionaries, of kinds of storage and of the three functions
that describe a tensor are known; any other ends the reading. What the three describe is kept as a
description, and the numbers are read afterwards.

Format: ``torch/serialization.py`` of PyTorch; files are ZIP archives since 1.6 and a sequence of
pickles before.
"""

import collections
import dataclasses
import io
import pathlib
import pickle
import zipfile
from typing import Any, BinaryIO

import jax.numpy as jnp
import numpy as np

from medjax.errors import UserError

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # of files before 1.6
_LONGEST = 2**26  # bytes of the pickle; that of a network takes less than a megabyte
_DTYPES: dict[str, Any] = {
  'BFloat16Storage': jnp.bfloat16,
  'BoolStorage': np.bool_,
  'ByteStorage': np.uint8,
  'CharStorage': np.int8,
  'DoubleStorage': np.float64,
  'FloatStorage': np.float32,
  'HalfStorage': np.float16,
  'IntStorage': np.int32,
  'LongStorage': np.int64,
  'ShortStorage': np.int16,
}


def read(path: pathlib.Path) -> dict[str, np.ndarray]:
  """The tensors of a file, by name.

  Args:
    path: of a ``state_dict``, or of a dictionary that has one under a name such as 'state_dict'.

  Returns:
    Arrays, of which some may be views that repeat numbers; bfloat16 as ``jax.numpy`` has it.

  Raises:
    UserError: it is no such file, is damaged, holds no tensors, or names what is not known.
  """
  try:
    with open(path, 'rb') as file:
      if zipfile.is_zipfile(file):
        file.seek(0)
        found, numbers = _of_archive(file)
      else:
        file.seek(0)
        found, numbers = _of_pickles(file)
      tensors = _named(found)
      if not tensors:
        raise _Unexpected('holds no tensors by name; expected a state_dict')
      return {name: _array(tensor, numbers) for name, tensor in tensors.items()}
  except OSError as error:
    raise UserError(f'{path}: cannot be read: {error.strerror or error}') from None
  except _Unexpected as error:
    raise UserError(f'{path}: {error}') from None
  except Exception as error:  # whatever a damaged pickle or archive makes the readers raise
    reason = (str(error).splitlines() or [''])[0] or type(error).__name__
    raise UserError(f'{path}: is no file of PyTorch, or is damaged ({reason})') from None


class _Unexpected(Exception):
  """What the file holds is not what such files hold."""


@dataclasses.dataclass(frozen=True)
class _Storage:
  """Numbers in the file: ``size`` of them, of a type."""

  key: str
  dtype: Any
  size: int


@dataclasses.dataclass(frozen=True)
class _Tensor:
  """Which numbers of a storage make a tensor."""

  storage: _Storage
  offset: int
  shape: tuple[int, ...]
  strides: tuple[int, ...]


class _Named:
  """What a name in a pickle stands for. The pickle cannot change it."""

  __slots__ = ('_meaning',)

  def __init__(self, meaning: Any):
    self._meaning = meaning

  def __setstate__(self, state: Any) -> None:
    raise _Unexpected('changes what it is read by; nothing of it is used')


class _Kind(_Named):
  """A kind of storage, which cannot be called."""

  __slots__ = ()

  @property
  def dtype(self) -> Any:
    return self._meaning


class _Function(_Named):
  """One of ours, in the place of one of PyTorch's."""

  __slots__ = ()

  def __call__(self, *arguments: Any) -> Any:
    return self._meaning(*arguments)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
  """As ``torch._utils._rebuild_tensor`` and ``_rebuild_tensor_v2``."""
  numbers = (offset, *shape, *strides)
  if not isinstance(storage, _Storage) or len(shape) != len(strides):
    raise ValueError('a tensor is described in another way')
  if any(type(number) is not int or number < 0 for number in numbers):
    raise ValueError('a tensor has sizes that are no whole numbers of at least 0')
  return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _parameter(tensor: Any, *_: Any) -> Any:
  """As ``torch._utils._rebuild_parameter``."""
  return tensor


class _Reader(pickle.Unpickler):
  """Reads a pickle whose names are all known; storages are told by their place in the file."""

  def find_class(self, module: str, name: str) -> Any:
    if (module, name) == ('collections', 'OrderedDict'):
      return collections.OrderedDict
    if module == 'torch' and name in _DTYPES:
      return _Kind(_DTYPES[name])
    if module == 'torch._utils' and name in ('_rebuild_tensor', '_rebuild_tensor_v2'):
      return _Function(_tensor)
    if (module, name) == ('torch._utils', '_rebuild_parameter'):
      return _Function(_parameter)
    raise _Unexpected(
      f'names {module}.{name}, which the weights of a network do not need, and is not opened '
      'further: nothing is run here; expected a file of torch.save(model.state_dict(), FILE)'
    )

  def persistent_load(self, given: Any) -> _Storage:
    word, kind, key, _, size, *view = given
    if word != 'storage' or not isinstance(kind, _Kind) or type(size) is not int:
      raise ValueError('its numbers are described in another way')
    if any(part is not None for part in view):
      raise _Unexpected('shares numbers as PyTorch before 1.0 did; save it again with a newer one')
    return _Storage(str(key), kind.dtype, size)


_Numbers = dict[str, bytes]  # of each storage


def _of_archive(file: BinaryIO) -> tuple[Any, _Numbers]:
  archive = zipfile.ZipFile(file)
  entries = {entry.filename: entry for entry in archive.infolist()}
  if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
    raise _Unexpected('is a compressed archive, and those of PyTorch are not')
  main = next((name for name in entries if name.endswith('/data.pkl')), None)
  if main is None:
    raise _Unexpected('is an archive without data.pkl; expected one of torch.save')
  folder = main.removesuffix('data.pkl')
  if entries[main].file_size > _LONGEST:
    raise _Unexpected('describes more tensors than a network has')
  order = f'{folder}byteorder'
  if order in entries and archive.read(order) != b'little':
    raise _Unexpected('holds numbers in the byte order of another machine')
  found = _Reader(io.BytesIO(archive.read(main)), encoding='utf-8').load()
  start = f'{folder}data/'
  return found, {
    name.removeprefix(start): archive.read(name) for name in entries if name.startswith(start)
  }


def _of_pickles(file: BinaryIO) -> tuple[Any, _Numbers]:
  """The format before 1.6: number, version, machine, tensors, and the contents of storages."""
  storages: dict[str, _Storage] = {}

  class Reader(_Reader):
    def persistent_load(self, given: Any) -> _Storage:
      storage = super().persistent_load(given)
      return storages.setdefault(storage.key, storage)

  def load() -> Any:
    return Reader(file, encoding='utf-8').load()

  if file.peek(1)[:1] != b'\x80' or load() != _MAGIC:  # type: ignore[attr-defined]
    raise _Unexpected('is no file of PyTorch; expected one of torch.save, or .safetensors')
  if load() != _PROTOCOL:
    raise _Unexpected('is of another version of PyTorch; save it again with a newer one')
  if not load().get('little_endian', True):
    raise _Unexpected('holds numbers in the byte order of another machine')
  found, keys = load(), load()
  numbers: _Numbers = {}
  for key in keys:
    head, storage = file.read(8), storages[key]
    size = int.from_bytes(head, 'little')
    if len(head) < 8 or size != storage.size:
      raise ValueError(f'storage {key} holds {size} numbers, not {storage.size}')
    numbers[key] = file.read(size * np.dtype(storage.dtype).itemsize)
  return found, numbers


def _named(found: Any) -> dict[str, _Tensor]:
  """The tensors of a dictionary, or of the first one in it that has some."""
  if not isinstance(found, dict):
    return {}
  tensors = {str(name): value for name, value in found.items() if isinstance(value, _Tensor)}
  inner = (part for part in found.values() if isinstance(part, dict))
  return tensors or next((named for part in inner if (named := _named(part))), {})


def _array(tensor: _Tensor, numbers: _Numbers) -> np.ndarray:
  dtype = np.dtype(tensor.storage.dtype)
  stored = np.frombuffer(numbers[tensor.storage.key], dtype)
  last = tensor.offset + sum(
    (size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True)
  )
  empty = 0 in tensor.shape
  if len(stored) != tensor.storage.size or (last >= len(stored) and not empty):
    raise ValueError('a tensor reaches beyond the numbers that are there')
  if empty:
    return np.zeros(tensor.shape, dtype)
  strides = [stride * dtype.itemsize for stride in tensor.strides]
  return np.lib.stride_tricks.as_strided(stored[tensor.offset :], tensor.shape, strides)
