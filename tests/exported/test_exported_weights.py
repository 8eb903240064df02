"""Weights are written and read in the layout of safetensors, by the library's own measure."""

import json

import numpy as np
import pytest
from safetensors import numpy as library

from medjax.errors import UserError
from medjax.exported import weights

ARRAYS = {
  'params/Dense_0/kernel': np.arange(6, dtype=np.float32).reshape(2, 3),
  'params/Dense_0/bias': np.array(2.5, np.float64),
  'batch_stats/count': np.array([1, -2], np.int32),
  'none': np.zeros((0, 3), np.float32),
  'big endian': np.arange(3, dtype='>f4'),
}


def test_the_library_reads_what_is_written_and_the_other_way_round():
  found = library.load(weights.write(ARRAYS))
  assert found.keys() == ARRAYS.keys()
  for name, array in ARRAYS.items():
    np.testing.assert_array_equal(found[name], array)
    assert found[name].dtype == array.dtype.newbyteorder('=')
  saved = library.save(dict(found), {'format': 'np'})
  read = weights.read(saved, 'x')
  assert read.keys() == ARRAYS.keys()
  for name, array in ARRAYS.items():
    np.testing.assert_array_equal(read[name], array)


def test_a_dtype_without_a_name_is_refused():
  with pytest.raises(ValueError, match='c is of complex64; expected one of bool'):
    weights.write({'c': np.zeros(2, np.complex64)})


def _file(header, numbers=b'\0' * 8):
  text = json.dumps(header).encode()
  return len(text).to_bytes(8, 'little') + text + numbers


@pytest.mark.parametrize(
  'data',
  [
    b'',
    b'\xff' * 8,
    weights.write(ARRAYS)[:-4],
    weights.write(ARRAYS)[:30],
    _file([1]),
    _file({'a': {'dtype': 'F32', 'shape': [2]}}),
    _file({'a': {'dtype': 'F99', 'shape': [2], 'data_offsets': [0, 8]}}),
    _file({'a': {'dtype': 'F32', 'shape': [3], 'data_offsets': [0, 8]}}),
    _file({'a': {'dtype': 'F32', 'shape': [2], 'data_offsets': [0, 80]}}),
    _file({'a': {'dtype': 'F32', 'shape': [2], 'data_offsets': [8, 0]}}),
    _file({'a': {'dtype': 'F32', 'shape': [2**40, 2**40], 'data_offsets': [0, 8]}}),
    _file({'a': {'dtype': 'F32', 'shape': [-1], 'data_offsets': [0, 8]}}),
    _file({'a': {'dtype': 'F32', 'shape': 'x', 'data_offsets': [0, 8]}}),
    _file({'a': {'dtype': 'F32', 'shape': [2], 'data_offsets': [0, 8], 'more': 1}}),
  ],
  ids=range(14),
)
def test_a_file_of_another_layout_is_refused_in_one_line(data):
  with pytest.raises(UserError, match=r'^model: no weights in the layout of safetensors \('):
    weights.read(data, 'model')
