"""Files are replaced whole or not at all, and a failure leaves nothing behind."""

import errno
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys

import pytest

from medjax import files
from medjax.errors import DiskFullError, UserError


def test_a_file_is_replaced_when_all_is_written(tmp_path):
  path = tmp_path / 'new' / 'a.txt'
  with files.replacing(path) as new:
    new.write_text('one')
    assert not path.exists()
  with files.replacing(path) as new:
    new.write_text('two')
    assert path.read_text() == 'one'
  assert path.read_text() == 'two'
  assert os.listdir(path.parent) == ['a.txt']


@pytest.mark.parametrize(
  ('error', 'kind'),
  [
    (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), DiskFullError),
    (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), DiskFullError),
    (OSError(errno.EIO, os.strerror(errno.EIO)), UserError),
    (KeyboardInterrupt(), KeyboardInterrupt),
  ],
)
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, error, kind):
  path = tmp_path / 'a.txt'
  path.write_text('old')

  def fail():
    with files.replacing(path) as new:
      new.write_text('half')
      raise error

  with pytest.raises(kind) as caught:
    fail()
  assert type(caught.value) is kind
  assert (path.read_text(), os.listdir(tmp_path)) == ('old', ['a.txt'])
  if isinstance(error, OSError):
    assert str(caught.value) == f'{path}: cannot be written: {os.strerror(error.errno)}'


def test_a_folder_that_is_a_file_is_one_line(tmp_path):
  (tmp_path / 'a').write_text('')

  def write():
    with files.replacing(tmp_path / 'a' / 'b.txt') as new:
      new.write_text('x')

  with pytest.raises(UserError, match=r'a/b.txt: cannot be written: '):
    write()


_WRITE = """
import pathlib, sys
from medjax import sealed
from medjax.errors import UserError
from medjax.evaluation.rows import write_rows
folder = pathlib.Path(sys.argv[1])
try:
  if sys.argv[2] == 'json':
    sealed.write(folder / 'decision.json', {'steps': [0.1] * 1_000_000})
  else:
    write_rows(folder / 'decision.json', ['id'], [['x' * 100]] * 100_000)
except UserError as error:
  print(f'error: {error}')
  print(sorted(path.name for path in folder.iterdir()))
  sys.exit(error.exit_code)
"""


@pytest.mark.parametrize('kind', ['json', 'csv'])
def test_a_disk_that_is_really_full_leaves_no_half_file(tmp_path, kind):
  script = f'mount -t tmpfs -o size=1m tmpfs {tmp_path} && exec "$@"'
  command = ['unshare', '--mount', 'sh', '-c', script, 'sh']
  if (
    shutil.which('unshare') is None
    or subprocess.run([*command, 'true'], capture_output=True).returncode
  ):
    pytest.skip('no right to mount a small file system here')
  done = subprocess.run(
    [*command, sys.executable, '-c', _WRITE, str(tmp_path), kind],
    capture_output=True,
    text=True,
    env=os.environ | {'PYTHONPATH': os.pathsep.join(sys.path)},
    timeout=120,
  )
  assert done.returncode == DiskFullError.exit_code, done.stderr
  first, left = done.stdout.splitlines()
  assert first == (f'error: {tmp_path}/decision.json: cannot be written: No space left on device')
  assert left == '[]'


def test_a_file_system_without_locks_is_named_and_lets_all_pass(tmp_path, monkeypatch, capsys):
  def none(*_):
    raise OSError(errno.ENOTSUP, 'Operation not supported')

  monkeypatch.setattr(fcntl, 'flock', none)
  with files.locked(tmp_path / '.lock', 'busy'), files.locked(tmp_path / '.lock', 'busy'):
    pass
  assert f'{tmp_path}: others cannot be kept out here' in capsys.readouterr().err


def test_a_digest_is_of_the_content(tmp_path):
  (tmp_path / 'a').write_bytes(b'abc' * 1_000_000)
  expected = hashlib.sha256(b'abc' * 1_000_000).hexdigest()
  assert files.digest(tmp_path / 'a') == f'sha256:{expected}'


def test_a_private_folder_is_made_and_one_of_others_refused(tmp_path):
  folder = tmp_path / 'native'
  files.make_private(folder)
  assert folder.stat().st_mode & 0o777 == 0o700
  for mode in (0o755, 0o700):
    folder.chmod(mode)
    files.make_private(folder)
  for mode in (0o770, 0o702, 0o777):
    folder.chmod(mode)
    with pytest.raises(UserError, match=r'native: others can write code there; expected .*0700'):
      files.make_private(folder)


def test_a_folder_of_another_user_is_refused(tmp_path, monkeypatch):
  folder = tmp_path / 'native'
  files.make_private(folder)
  os.chown(folder, 12345, -1) if os.getuid() == 0 else monkeypatch.setattr(os, 'getuid', lambda: 1)
  with pytest.raises(UserError, match='belongs to another user'):
    files.make_private(folder)
