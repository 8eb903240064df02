"""Files of PyTorch without PyTorch: values, views, and nothing that is run."""

import pathlib
import pickle
import zipfile

import made_weights as made
import ml_dtypes
import numpy as np
import pytest

from medjax.errors import UserError
from medjax.transfer import files, pth

ARRAYS = {
  'conv.weight': np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
  'half': np.array([0.5, -2, 65504], np.float16),
  'brain': np.array([1.5, -3e38], ml_dtypes.bfloat16),
  'bn.num_batches_tracked': np.array(7, np.int64),
  'empty': np.zeros((0, 3), np.float32),
}


@pytest.mark.parametrize('write', [made.write_zip, made.write_legacy])
def test_values_types_and_shapes(write, tmp_path):
  path = tmp_path / 'w.pth'
  write(path, *made.state_dict(ARRAYS))
  found = pth.read(path)
  assert found.keys() == ARRAYS.keys()
  for name, array in ARRAYS.items():
    assert found[name].dtype == array.dtype
    np.testing.assert_array_equal(found[name], array)


def test_views_repeat_transpose_and_share_numbers(tmp_path):
  numbers = np.arange(10, dtype=np.float32)
  storage = made.Storage('0', numbers)
  value = {
    'transposed': made.tensor(storage, 1, (3, 2), (1, 4)),
    'expanded': made.tensor(storage, 2, (4, 3), (0, 1)),
    'parameter': made.Call(
      made.Named('torch._utils', '_rebuild_parameter'),
      made.tensor(storage, 9, (), ()), True, made.Call(made.Named('collections', 'OrderedDict')),
    ),
  }  # fmt: skip
  made.write_zip(tmp_path / 'w.pt', value, {'0': numbers})
  found = pth.read(tmp_path / 'w.pt')
  np.testing.assert_array_equal(found['transposed'], [[1, 5], [2, 6], [3, 7]])
  np.testing.assert_array_equal(found['expanded'], [[2, 3, 4]] * 4)
  assert found['parameter'] == 9


def test_weights_within_a_checkpoint_are_found(tmp_path):
  value, storages = made.state_dict({'module.fc.weight': np.ones((1, 2), np.float32)})
  made.write_zip(tmp_path / 'w.pth', {'epoch': 3, 'best': None, 'state_dict': value}, storages)
  assert [*files.read(tmp_path / 'w.pth')] == ['fc.weight']


@pytest.mark.parametrize(
  'value',
  [
    made.planted(),
    {'a': made.Call(made.Named('builtins', 'eval'), '1')},
    {'a': made.Call(made.Named('torchxrayvision.models', 'DenseNet'))},
    {'a': made.Call(made.Named('torch', 'load'), 'x')},
    {'a': made.Call(made.Named('collections', 'OrderedDict.fromkeys'), 'x')},
  ],
)
@pytest.mark.parametrize('write', [made.write_zip, made.write_legacy])
def test_nothing_that_a_file_names_is_run(value, write, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  write(tmp_path / 'w.pth', value, {})
  with pytest.raises(UserError, match=r'w.pth: names .*, which the weights .* do not need'):
    pth.read(tmp_path / 'w.pth')
  assert [p.name for p in tmp_path.iterdir()] == ['w.pth']


def test_a_planted_file_does_run_where_names_are_called(tmp_path, monkeypatch):
  """Or the test above could not fail."""
  monkeypatch.chdir(tmp_path)
  pickle.loads(made.pickled(made.planted()))
  assert pathlib.Path('ran').exists()


def test_what_stands_for_a_name_cannot_be_changed_or_called(tmp_path):
  function = b'ctorch._utils\n_rebuild_tensor_v2\n'
  kind = b'ctorch\nFloatStorage\n'
  for body in (function + b'}b.', kind + b'}b.', kind + b'(tR.', kind + b')\x81.'):
    with zipfile.ZipFile(tmp_path / 'w.pth', 'w') as archive:
      archive.writestr('archive/data.pkl', b'\x80\x02' + body)
    with pytest.raises(UserError, match=r'w\.pth: '):
      pth.read(tmp_path / 'w.pth')


ONE = np.ones(4, np.float32)
STORED = made.Storage('0', ONE)


@pytest.mark.parametrize(
  ('value', 'storages', 'message'),
  [
    ({'a': made.tensor(STORED, 1, (4,), (1,))}, {'0': ONE}, 'beyond the numbers'),
    ({'a': made.tensor(STORED, 0, (2,), (4,))}, {'0': ONE}, 'beyond the numbers'),
    ({'a': made.tensor(STORED, -1, (2,), (1,))}, {'0': ONE}, 'no whole numbers of at least 0'),
    ({'a': made.tensor(STORED, 0, (2,), (1, 1))}, {'0': ONE}, 'described in another way'),
    ({'a': made.tensor('x', 0, (2,), (1,))}, {'0': ONE}, 'described in another way'),
    ({'a': made.tensor(STORED, 0, (4,), (1,))}, {'0': ONE[:2]}, 'beyond the numbers'),
    ({'a': made.tensor(STORED, 0, (4,), (1,))}, {}, 'is damaged'),
    ({'a': 3}, {}, 'holds no tensors by name'),
    ([1, 2], {}, 'holds no tensors by name'),
  ],
)
def test_what_does_not_describe_tensors_is_one_line(value, storages, message, tmp_path):
  made.write_zip(tmp_path / 'w.pth', value, storages)
  with pytest.raises(UserError, match=message) as found:
    pth.read(tmp_path / 'w.pth')
  assert '\n' not in str(found.value)


def test_other_files_are_refused(tmp_path):
  path = tmp_path / 'w.pth'
  with pytest.raises(UserError, match=r'cannot be read: No such file'):
    pth.read(path)
  for content in (b'', b'hello', b'\x80\x02K\x01.'):
    path.write_bytes(content)
    with pytest.raises(UserError, match=r'no file of PyTorch'):
      pth.read(path)
  made.write_zip(path, *made.state_dict(ARRAYS), compression=zipfile.ZIP_DEFLATED)
  with pytest.raises(UserError, match='is a compressed archive'):
    pth.read(path)
  with zipfile.ZipFile(path, 'w') as archive:
    archive.writestr('archive/readme', 'x')
  with pytest.raises(UserError, match=r'an archive without data\.pkl'):
    pth.read(path)
  made.write_legacy(path, *made.state_dict(ARRAYS), 'view')
  with pytest.raises(UserError, match=r'shares numbers as PyTorch before 1\.0 did'):
    pth.read(path)
  made.write_legacy(path, *made.state_dict(ARRAYS))
  path.write_bytes(path.read_bytes()[:-3])
  with pytest.raises(UserError, match='is damaged'):
    pth.read(path)
  with pytest.raises(UserError, match=r'expected a run folder, or a file whose name ends in'):
    files.read(tmp_path / 'w.txt')


def test_safetensors(tmp_path):
  safetensors = pytest.importorskip('safetensors.numpy')
  arrays = {k: a for k, a in ARRAYS.items() if k != 'empty'}
  path = tmp_path / 'w.safetensors'
  safetensors.save_file(arrays, path)
  found = files.read(path)
  assert found.keys() == arrays.keys()
  for name, array in arrays.items():
    assert found[name].dtype == array.dtype
    np.testing.assert_array_equal(found[name], array)
  path.write_bytes(path.read_bytes()[:-2])
  with pytest.raises(UserError, match='no file of safetensors, or is damaged'):
    files.read(path)
  with pytest.raises(UserError, match='cannot be read: No such file'):
    files.read(tmp_path / 'none.safetensors')
