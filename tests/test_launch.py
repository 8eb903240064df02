"""Several processes on this machine by launch/local.sh."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).parents[1]
pytestmark = [
  pytest.mark.slow,
  pytest.mark.skipif(not pathlib.Path('/proc/self/cmdline').exists(), reason='no /proc here'),
]


@pytest.fixture
def launched(tmp_path):
  """Starts two processes that train for long, in a session of their own, and waits for steps."""
  workdir = tmp_path / 'run'
  path = f'{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'
  process = subprocess.Popen(
    [
      str(ROOT / 'launch/local.sh'), '2', 'tabular_mlp', f'--workdir={workdir}',
      '--config.num_epochs=1000000', '--config.validate_epochs=1000000',
      '--config.checkpoint_steps=20', '--config.num_devices=1',
    ],
    cwd=ROOT, env={**os.environ, 'PATH': path, 'NPROC': '16'}, text=True,
    stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
  )  # fmt: skip
  try:
    until = time.monotonic() + 180
    while not list(workdir.glob('checkpoints/[0-9]*')):
      assert process.poll() is None, process.communicate()[1]
      assert time.monotonic() < until
      time.sleep(0.2)
    yield process, workdir
  finally:
    if process.poll() is None:
      os.killpg(process.pid, signal.SIGKILL)


def _process(session, number):
  """The id of the process with this number."""
  for folder in pathlib.Path('/proc').glob('[0-9]*'):
    try:
      words = (folder / 'cmdline').read_text().split('\0')
      if f'--process_id={number}' in words and os.getsid(int(folder.name)) == session:
        return int(folder.name)
    except OSError:
      continue
  raise AssertionError(f'no process {number}')


@pytest.mark.parametrize('number', [0, 1])
def test_the_others_end_with_one_that_is_killed(launched, number):
  process, _ = launched
  os.kill(_process(process.pid, number), signal.SIGKILL)
  start = time.monotonic()
  _, err = process.communicate(timeout=60)
  assert time.monotonic() - start < 30
  assert process.returncode == 137
  line = f'launch/local.sh: process {number} ended with code 137; the others are stopped'
  assert line in err.splitlines()


def test_all_are_asked_to_stop_and_save(launched):
  process, workdir = launched
  process.send_signal(signal.SIGTERM)
  _, err = process.communicate(timeout=90)
  assert process.returncode == 75, err
  assert 'asked to end: saved step' in err
  assert 'the others are stopped' not in err
  assert list(workdir.glob('checkpoints/[0-9]*'))
