"""Several processes on this machine by ``python -m launch.local``."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).parents[2]
needs_proc = pytest.mark.skipif(not pathlib.Path('/proc/self').exists(), reason='no /proc here')


@pytest.fixture
def launched(tmp_path):
  """Starts two processes that train for long, in a session of their own, and waits for steps."""
  workdir = tmp_path / 'run'
  process = subprocess.Popen(
    [
      sys.executable, '-m', 'launch.local', '--processes=2', '--', 'experiments.tabular_mlp',
      f'--workdir={workdir}',
      '--config.num_epochs=1000000', '--config.validate_epochs=1000000',
      '--config.checkpoint_steps=20', '--config.num_devices=1',
    ],
    cwd=ROOT, env={**os.environ, 'NPROC': '16'}, text=True,
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
    for one in _session(process.pid):
      os.kill(one, signal.SIGKILL)


def _session(session):
  """The processes of a session and their command lines."""
  found = {}
  for folder in pathlib.Path('/proc').glob('[0-9]*'):
    try:
      if os.getsid(int(folder.name)) == session:
        found[int(folder.name)] = (folder / 'cmdline').read_text().split('\0')
    except OSError:
      continue
  return found


def _process(session, number):
  """The id of the process with this number."""
  return next(k for k, words in _session(session).items() if f'--process_id={number}' in words)


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize('number', [0, 1])
def test_the_others_end_with_one_that_is_killed(launched, number):
  process, _ = launched
  os.kill(_process(process.pid, number), signal.SIGKILL)
  start = time.monotonic()
  _, err = process.communicate(timeout=60)
  assert time.monotonic() - start < 30
  assert process.returncode == 137
  line = f'launch.local: process {number} ended with code 137'  # the other may end of itself
  assert {f'{line}; the others are stopped', f'{line}, and so did the others'} & {*err.splitlines()}


@pytest.mark.slow
@needs_proc
def test_all_are_asked_to_stop_and_save(launched):
  process, workdir = launched
  process.send_signal(signal.SIGTERM)
  _, err = process.communicate(timeout=90)
  assert process.returncode == 75, err
  assert 'asked to end: saved step' in err
  assert 'the others are stopped' not in err
  assert list(workdir.glob('checkpoints/[0-9]*'))


@pytest.fixture
def here(tmp_path, monkeypatch):
  """A folder with an experiment that only says what it was given."""
  (tmp_path / 'echo.py').write_text(
    'import json, os, sys, time\n'
    'number = sys.argv[-1].rpartition("=")[2]\n'
    'open(f"given{number}.json", "w").write(json.dumps(sys.argv[1:]))\n'
    'code = [a for a in sys.argv if a.startswith(f"--code{number}=")]\n'
    'time.sleep(100) if "--sleep" + number in sys.argv else None\n'
    'sys.exit(int(code[0].partition("=")[2]) if code else 0)\n'
  )
  monkeypatch.chdir(tmp_path)
  monkeypatch.setenv('PYTHONPATH', str(ROOT))
  return tmp_path


def start(*arguments):
  return subprocess.run(
    [sys.executable, '-m', 'launch.local', *arguments], capture_output=True, text=True, timeout=60
  )


def test_arguments_pass_through_unchanged(here):
  odd = ['crossval', '--config.name=two words', 'it\'s "quoted"', '$HOME *', '', '--', 'ä\nb']
  done = start('--processes=3', '--', 'echo', *odd)
  assert (done.returncode, done.stderr) == (0, '')
  given = [json.loads((here / f'given{number}.json').read_text()) for number in range(3)]
  ports = {one[len(odd)] for one in given}
  assert len(ports) == 1
  assert ports.pop().startswith('--coordinator=localhost:')
  for number, one in enumerate(given):
    assert one[: len(odd)] == odd
    assert one[len(odd) + 1 :] == ['--num_processes=3', f'--process_id={number}']


def test_the_code_is_that_of_the_first_that_failed(here):
  done = start('--processes=2', '--', 'echo', '--code1=3', '--sleep0')
  assert done.returncode == 3
  assert 'process 1 ended with code 3; the others are stopped' in done.stderr


@pytest.mark.parametrize(
  ('arguments', 'line'),
  [
    (['--processes=2'], 'expected -- experiments.NAME'),
    (['--processes=2', '--'], 'expected -- experiments.NAME'),
    (['--', 'echo'], '--processes'),
    (['--processes=0', '--', 'echo'], "'0': expected a whole number of at least 1"),
    (['--processes=two', '--', 'echo'], "'two': expected a whole number"),
    (['--proc=2', '--', 'echo'], '--processes'),
    (['--processes=2', '--nodes=2', '--', 'echo'], '--nodes=2'),
    (['--processes=2', '--', 'experiments.lung_cn'], 'did you mean experiments.lung_cnn?'),
    (['--processes=2', '--', 'lung_cnn'], 'did you mean experiments.lung_cnn?'),
    (['--processes=2', '--', 'no_such.module'], 'no_such.module: no such module here'),
    (['--processes=2', '--', 'experiments/lung_cnn.py'], 'expected the name of a module'),
    (['--processes=2', '--', 'echo', '--process_id=1'], '--process_id=1: is set by the launcher'),
  ],
)
def test_mistakes_are_one_line(monkeypatch, arguments, line):
  monkeypatch.chdir(ROOT)
  done = start(*arguments)
  assert done.returncode == 2
  assert done.stderr.startswith('error: ')
  assert len(done.stderr.splitlines()) == 1
  assert line in done.stderr
  assert done.stdout == ''


@pytest.mark.parametrize('name', ['local', 'slurm', 'tpu', 'kubernetes'])
def test_launchers_load_no_jax(name):
  code = f'import sys, launch.{name}; print([m for m in ("jax", "numpy") if m in sys.modules])'
  done = subprocess.run(
    [sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, check=True
  )
  assert done.stdout == '[]\n'
