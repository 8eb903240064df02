"""Processes of one training: who is lost is named, and why another ended."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from medjax import hosts


class Store:
  """Values that all processes see; ``down`` where it cannot be reached."""

  def __init__(self):
    self.values, self.down = {}, False

  def key_value_set(self, key, value, allow_overwrite):
    assert allow_overwrite
    if self.down:
      raise RuntimeError('UNAVAILABLE')
    self.values[key] = value

  def key_value_dir_get(self, key):
    return [(name, value) for name, value in self.values.items() if name.startswith(key)]


@pytest.fixture
def clock(monkeypatch):
  now = [100.0]
  monkeypatch.setattr(hosts.time, 'monotonic', lambda: now[0])
  return now


def test_the_silent_one_is_named(clock):
  store = Store()
  first, second, third = (hosts.Watch(store, number, 3, 40) for number in range(3))
  for _ in range(30):
    clock[0] += 2
    assert [one.once() for one in (first, second, third)] == ['', '', '']
  for _ in range(20):
    clock[0] += 2
    assert first.once() == third.once() == ''
  clock[0] += 4
  for one in (first, third):
    assert re.match('process 1 of 3 has not been heard of for 4[24] s; the same com', one.once())


def test_one_that_ends_says_why(clock):
  store = Store()
  first, second = (hosts.Watch(store, number, 2) for number in range(2))
  assert (first.once(), second.once()) == ('', '')
  second.reason = 'a.csv row 2: no label'
  assert second.once() == ''
  assert first.once() == 'process 1 of 2 ended: a.csv row 2: no label'


def test_the_one_with_the_store_is_named_where_it_cannot_be_reached(clock):
  store = Store()
  watch = hosts.Watch(store, 2, 3, 40)
  assert watch.once() == ''
  store.down = True
  clock[0] += 39
  assert watch.once() == ''
  clock[0] += 2
  assert watch.once().startswith('process 0 of 3 has not been heard of for 41 s')


def test_a_single_process_has_nobody_to_watch():
  start = time.monotonic()
  hosts.end('nothing', 9)
  hosts.wait_for_the_end()
  hosts.meet('here')
  assert time.monotonic() - start < 5


_PROCESS = """
import sys, time
from medjax import cli, hosts, runtime
from medjax.errors import UserError
hosts._SILENT = 6.0
hosts.Watch.__init__.__defaults__ = (6.0,)
runtime.configure()
hosts.join(sys.argv[1], 2, int(sys.argv[2]))
print('joined', flush=True)
with cli.one_line_errors():
  if sys.argv[2] == '1' and sys.argv[3] == 'fails':
    raise UserError('x.csv: no such file')
  import jax
  from jax.experimental import multihost_utils
  while True:
    multihost_utils.process_allgather(jax.numpy.ones(3))
    time.sleep(0.1)
"""


@pytest.fixture
def address():
  with socket.socket() as probe:
    probe.bind(('localhost', 0))
    return f'localhost:{probe.getsockname()[1]}'


_DONE = """
import sys, time
from medjax import hosts, runtime
hosts._BEAT = 0.0  # the watch is asking at every moment
runtime.configure()
hosts.join(sys.argv[1], 2, int(sys.argv[2]))
if sys.argv[2] == '1':
  time.sleep(2)  # for which the other waits
print('done')
"""


@pytest.mark.slow
def test_processes_that_are_done_end_well(address):
  environment = os.environ | {'PYTHONPATH': os.pathsep.join(sys.path)}
  both = [
    subprocess.Popen(
      [sys.executable, '-c', _DONE, address, str(number)],
      env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    for number in range(2)
  ]  # fmt: skip
  told = [one.communicate(timeout=120) for one in both]
  assert [one.returncode for one in both] == [0, 0], told
  assert [out for out, _ in told] == ['done\n'] * 2


@pytest.mark.slow
@pytest.mark.parametrize('how', ['killed', 'fails'])
def test_the_other_process_ends_with_one_line(how, address):
  environment = os.environ | {'PYTHONPATH': os.pathsep.join(sys.path)}
  first, second = (
    subprocess.Popen(
      [sys.executable, '-c', _PROCESS, address, str(number), how],
      env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    for number in range(2)
  )  # fmt: skip
  try:
    assert second.stdout.readline() == 'joined\n'
    if how == 'killed':
      time.sleep(3)
      os.kill(second.pid, signal.SIGKILL)
    _, err = first.communicate(timeout=120)
    code = second.wait(60)
  finally:
    first.kill()
    second.kill()
  assert first.returncode == hosts.LOST, err
  why = 'ended: x.csv: no such file' if how == 'fails' else 'has not been heard of for'
  assert f'error: process 1 of 2 {why}' in err
  assert 'Traceback' not in err
  if how == 'fails':
    assert code == 2
    assert second.stderr.read().endswith('error: x.csv: no such file\n')
