"""Files as torch.save writes them, made by hand: names in a pickle stand for PyTorch's own."""

import io
import pickle
import struct
import sys
import zipfile

import ml_dtypes
import numpy as np

KINDS = {
  np.dtype(np.float32): 'FloatStorage',
  np.dtype(np.float16): 'HalfStorage',
  np.dtype(ml_dtypes.bfloat16): 'BFloat16Storage',
  np.dtype(np.int64): 'LongStorage',
}


class Named:
  """Pickles as the name of a function or class that is not here."""

  def __init__(self, module, name):
    self.module, self.name = module, name


class Call:
  """Pickles as the call of one."""

  def __init__(self, named, *arguments):
    self.named, self.arguments = named, arguments


class Storage:
  """Numbers that a pickle tells of and that stand elsewhere."""

  def __init__(self, key, numbers):
    self.key, self.numbers = key, numbers


class Pickler(pickle._Pickler):
  """Pickle's own in Python, which lets names be written that cannot be imported."""

  def persistent_id(self, value):
    if not isinstance(value, Storage):
      return None
    kind = Named('torch', KINDS[value.numbers.dtype])
    return ('storage', kind, value.key, 'cpu', value.numbers.size, *self.more)

  def save(self, value, save_persistent_id=True):
    if isinstance(value, Named):
      self.write(pickle.GLOBAL + f'{value.module}\n{value.name}\n'.encode())
    elif isinstance(value, Call):
      self.save(value.named)
      self.save(tuple(value.arguments))
      self.write(pickle.REDUCE)
    else:
      super().save(value, save_persistent_id)


def pickled(value, *more):
  file = io.BytesIO()
  pickler = Pickler(file, protocol=2)
  pickler.more = more
  pickler.dump(value)
  return file.getvalue()


def tensor(storage, offset, shape, strides):
  rebuild = Named('torch._utils', '_rebuild_tensor_v2')
  hooks = Call(Named('collections', 'OrderedDict'))
  return Call(rebuild, storage, offset, shape, strides, False, hooks)


def whole(key, array):
  """A tensor that is all of its storage."""
  array = np.ascontiguousarray(array)
  strides = tuple(stride // array.itemsize for stride in array.strides)
  return tensor(Storage(key, array.reshape(-1)), 0, array.shape, strides)


def write_zip(path, value, storages, compression=zipfile.ZIP_STORED):
  with zipfile.ZipFile(path, 'w', compression) as archive:
    archive.writestr('archive/data.pkl', pickled(value))
    archive.writestr('archive/byteorder', sys.byteorder)
    for key, numbers in storages.items():
      archive.writestr(f'archive/data/{key}', numbers.tobytes())
    archive.writestr('archive/version', '3\n')


def write_legacy(path, value, storages, *view):
  machine = {'protocol_version': 1001, 'little_endian': True, 'type_sizes': {'short': 2}}
  with open(path, 'wb') as file:
    for part in (0x1950A86A20F9469CFC6C, 1001, machine):
      file.write(pickled(part))
    file.write(pickled(value, view or None))
    file.write(pickled(list(storages)))
    for numbers in storages.values():
      file.write(struct.pack('<q', numbers.size) + numbers.tobytes())


def state_dict(arrays):
  """The value and storages of a state_dict of arrays by name."""
  value = {name: whole(str(i), array) for i, (name, array) in enumerate(arrays.items())}
  flat = {str(i): np.ascontiguousarray(a).reshape(-1) for i, a in enumerate(arrays.values())}
  return value, flat


def planted():
  """A pickle that runs a command when it is read by whoever calls what it names."""
  return {'weight': Call(Named('os', 'system'), 'touch ran')}
