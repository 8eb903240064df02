"""Two workers share a study in a real PostgreSQL; what one was killed at the other takes up."""

import contextlib
import glob
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest
import tune_workers

from medjax import sealed
from medjax.errors import UserError
from medjax.tuning import storage
from medjax.tuning import tried as tried_lib

pytestmark = pytest.mark.slow
PASSWORD = 'a-secret/of%us'
QUOTED = 'a-secret%2Fof%25us'


def _binaries():
  """The folder of initdb and postgres; Debian has it in no PATH."""
  found = shutil.which('initdb')
  if found:
    return pathlib.Path(os.path.realpath(found)).parent
  folders = sorted(glob.glob('/usr/lib/postgresql/*/bin/initdb'))
  return pathlib.Path(folders[-1]).parent if folders else None


@pytest.fixture(scope='module')
def server():
  """The URL of a server of its own, with a password; PostgreSQL refuses to run as root."""
  binaries = _binaries()
  if binaries is None:
    pytest.skip('PostgreSQL is not installed here')
  account = {}
  if os.getuid() == 0:
    names = {entry.pw_name for entry in pwd.getpwall()}
    account = {'user': 'postgres' if 'postgres' in names else 'nobody'}
  with (
    tempfile.TemporaryDirectory(prefix='pg-', dir='/tmp') as name,
    contextlib.ExitStack() as held,
  ):
    folder = pathlib.Path(name)
    if account:
      shutil.chown(folder, account['user'])
    (folder / 'password').write_text(PASSWORD)
    (folder / 'password').chmod(0o644)
    initialise = [
      binaries / 'initdb', '-D', folder / 'data', '-U', 'tuner', '--auth=scram-sha-256',
      f'--pwfile={folder / "password"}', '--encoding=UTF8', '--no-locale', '--no-sync',
    ]  # fmt: skip
    done = subprocess.run(initialise, capture_output=True, text=True, cwd=folder, **account)
    assert done.returncode == 0, done.stderr
    with socket.socket() as free:
      free.bind(('127.0.0.1', 0))
      port = free.getsockname()[1]
    log = held.enter_context(open(folder / 'log', 'w'))
    process = subprocess.Popen(
      [
        binaries / 'postgres', '-D', folder / 'data', '-p', str(port), '-k', folder,
        '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off',
      ],
      stdout=log, stderr=log, cwd=folder, **account,
    )  # fmt: skip
    try:
      for _ in range(300):
        assert process.poll() is None, (folder / 'log').read_text()
        with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', port), 1):
          break
        time.sleep(0.1)
      yield f'postgresql://tuner:{QUOTED}@127.0.0.1:{port}/postgres'
    finally:
      process.send_signal(signal.SIGINT)  # a fast shutdown
      process.wait(60)


def test_a_killed_workers_trial_is_taken_up_by_the_other(server, tmp_path, cache):
  folder = tmp_path / 'tuned'
  one = tune_workers.start(folder, cache, '--trials=3', MEDJAX_TUNE_STORAGE=server)
  tune_workers.wait(
    lambda: any(s > tune_workers.BEGUN for s in tune_workers.checkpoints(folder, 0)), one
  )
  one.send_signal(signal.SIGSTOP)  # so that it is still at work, however long the other takes
  other = tune_workers.start(folder, cache, '--trials=3', f'--storage={server}')
  tune_workers.wait(lambda: tune_workers.steps(folder, 1) > 0, other)
  one.send_signal(signal.SIGKILL)
  one.communicate()
  out, err = other.communicate(timeout=400)
  assert other.returncode == 0, err
  assert 'was interrupted; it is taken up again' in out
  assert int(re.search(r'continuing after step (\d+) of', err)[1]) > tune_workers.BEGUN
  found = tried_lib.tried(tune_workers.study(folder, server).trials)
  assert [trial.state for trial in found] == ['complete'] * 3
  assert [trial.deaths for trial in found] == [1, 0, 0]
  assert all(trial.curve[0] == list(range(1, tune_workers.EPOCHS + 1)) for trial in found)
  # Each has settings of its own: workers do not draw the same.
  assert len({str(trial.values) for trial in found}) == 3
  about, _ = sealed.read(folder / 'tune.json')
  assert len(about['trials']) == 3
  _no_password(folder, out + err)


def _no_password(folder, said):
  """It stands in no file and in nothing that was printed."""
  for secret in (PASSWORD, QUOTED):
    assert secret not in said
    for path in folder.rglob('*'):
      if path.is_file():
        assert secret.encode() not in path.read_bytes(), path


def test_the_password_may_stand_in_a_file_of_ones_own(server, tmp_path, monkeypatch):
  monkeypatch.delenv(storage.VARIABLE, raising=False)
  url = server.replace(f':{QUOTED}@', '@')
  port = url.rsplit(':', 1)[1].split('/')[0]
  passwords = tmp_path / 'pgpass'
  passwords.write_text(f'127.0.0.1:{port}:postgres:tuner:{PASSWORD}\n')
  passwords.chmod(0o600)
  with pytest.raises(UserError, match='no password supplied'):
    storage.opened(storage.url(url, tmp_path))
  monkeypatch.setenv('PGPASSFILE', str(passwords))
  assert storage.opened(storage.url(url, tmp_path)).get_all_studies() is not None


def test_a_wrong_password_is_one_line_without_it(server, tmp_path, cache):
  wrong = server.replace(QUOTED, 'not-the-secret')
  process = tune_workers.start(tmp_path / 'tuned', cache, f'--storage={wrong}')
  out, err = process.communicate(timeout=120)
  assert process.returncode == 2
  line = err.splitlines()[-1]
  assert line.startswith('error: --storage=postgresql+psycopg://tuner:***@127.0.0.1')
  assert 'password authentication failed' in line
  assert 'not-the-secret' not in out + err
  assert 'Traceback' not in err
