"""Process set-up: nothing happens that the user did not ask for or can not turn off."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import jax
import pytest

from medjax import runtime
from medjax.errors import UserError


@pytest.mark.parametrize(
  ('given', 'tuning', 'version', 'expected'),
  [
    ('', True, '0.10.2', runtime._XLA_CPU),
    ('--mine=1', True, '0.12.0.1', f'{runtime._XLA_CPU} --mine=1'),
    ('--xla_cpu_experimental_ynn_fusion_type=X', True, '0.10.2', None),
    ('', False, '0.10.2', None),
    ('', True, '0.9.0', None),
    ('', True, '0.13.0', None),
  ],
)
def test_xla_options(monkeypatch, given, tuning, version, expected):
  monkeypatch.setenv('XLA_FLAGS', given)
  monkeypatch.setenv('JAX_COMPILATION_CACHE_DIR', 'set')
  monkeypatch.setattr(runtime.importlib.metadata, 'version', lambda name: version)
  monkeypatch.setattr(runtime.platform, 'machine', lambda: 'x86_64')
  monkeypatch.setenv('MEDJAX_NATIVE', '')  # restored afterwards, whatever the call sets
  monkeypatch.delenv('MEDJAX_NATIVE')
  runtime.configure(xla_tuning=tuning)
  assert os.environ['XLA_FLAGS'] == (given if expected is None else expected)


@pytest.mark.parametrize('given', [None, 'default'])
def test_a_float32_product_is_one_on_every_device(monkeypatch, given):
  updates = {}
  monkeypatch.setattr(runtime.jax.config, 'update', updates.__setitem__)
  monkeypatch.setenv('XLA_FLAGS', os.environ['XLA_FLAGS'])
  monkeypatch.delenv('JAX_DEFAULT_MATMUL_PRECISION', raising=False)
  if given:
    monkeypatch.setenv('JAX_DEFAULT_MATMUL_PRECISION', given)
  runtime.configure()
  assert updates.get('jax_default_matmul_precision') == (None if given else 'highest')


def test_too_many_devices_is_one_line():
  assert len(runtime.devices(2).all) == 2
  assert len(runtime.devices(0).all) == 8
  with pytest.raises(UserError, match=r'config.num_devices=9: expected at most 8'):
    runtime.devices(9)


def test_sigterm_is_noted_and_the_old_handler_comes_back():
  before = signal.getsignal(signal.SIGTERM)
  with runtime.Preemption() as preemption:
    assert not preemption.requested(1)
    os.kill(os.getpid(), signal.SIGTERM)
    assert preemption.requested(2)
  assert signal.getsignal(signal.SIGTERM) is before


def test_a_cluster_that_is_not_there_is_one_line():
  code = 'from medjax import cli, hosts\nhosts.join("auto", 1, 0)'
  environment = {k: v for k, v in os.environ.items() if not k.startswith('SLURM')}
  environment['PYTHONPATH'] = os.pathsep.join(sys.path)
  done = subprocess.run(
    [sys.executable, '-c', code], capture_output=True, text=True, env=environment, timeout=120
  )
  assert 'medjax.errors.UserError: --coordinator=auto: cannot join the others' in done.stderr


def test_importing_medjax_changes_nothing_in_the_process():
  code = (
    'import os, sys; before = dict(os.environ)\n'
    'import medjax; from medjax import models, tasks; from medjax.data import images\n'
    'import jax; assert dict(os.environ) == before, "environment"\n'
    'assert jax.config.jax_compilation_cache_dir is None\n'
  )
  environment = {k: v for k, v in os.environ.items() if k not in ('XLA_FLAGS', 'NPROC')}
  environment['PYTHONPATH'] = os.pathsep.join(sys.path)
  done = subprocess.run(
    [sys.executable, '-c', code], capture_output=True, text=True, env=environment, timeout=120
  )
  assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform != 'linux', reason='mappings are counted on Linux alone')
def test_programs_are_forgotten_where_there_are_too_many_mappings():
  double = jax.jit(lambda x: 2 * x)
  assert double(3) == 6
  runtime.spare_mappings()
  assert double._cache_size() == 1
  runtime.spare_mappings(most=1)
  assert double._cache_size() == 0
  assert double(3) == 6


@pytest.mark.skipif(sys.platform != 'linux', reason='processes are looked for in /proc')
def test_a_process_ends_with_the_one_that_started_it(tmp_path):
  script = tmp_path / 'parent.py'
  script.write_text(
    'import multiprocessing, threading, time\n'
    'from medjax import runtime\n'
    'def child():\n'
    '  runtime.end_with_parent()\n'
    '  print(multiprocessing.current_process().pid, flush=True)\n'
    '  time.sleep(60)\n'
    'if __name__ == "__main__":\n'
    '  context = multiprocessing.get_context("spawn")\n'
    '  starting = threading.Thread(target=context.Process(target=child).start)\n'
    '  starting.start()\n'  # which has ended before the process
    '  time.sleep(60)\n'
  )
  process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
  pid = int(process.stdout.readline())
  process.kill()
  process.wait()
  for _ in range(100):
    try:
      state = pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    except OSError:
      break
    if state == 'Z':
      break
    time.sleep(0.1)
  else:
    os.kill(pid, signal.SIGKILL)
    pytest.fail('it goes on')


def test_children_do_not_hear_ctrl_c_from_their_beginning():
  blocked = 'import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))'
  command = [sys.executable, '-c', blocked]
  with runtime.deaf_children():
    inside = subprocess.run(command, capture_output=True, text=True, check=True)
  outside = subprocess.run(command, capture_output=True, text=True, check=True)
  assert (inside.stdout, outside.stdout) == ('True\n', 'False\n')
