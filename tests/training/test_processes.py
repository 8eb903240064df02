"""Two processes that train together, as two hosts do: the same updates as one process."""

import csv
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

_HOST = """
import dataclasses, sys
sys.path.insert(0, sys.argv[4])
from medjax import hosts, runtime
runtime.configure()
hosts.join(sys.argv[1], 2, int(sys.argv[2]))
import jax, numpy as np
from medjax.config import Config
from medjax.training import evaluate, loop, state
from medjax.training.checkpoint import Checkpoints
from medjax.workdir import Workdir
import small_experiment
experiment = small_experiment.make(count=43)
devices = dataclasses.replace(runtime.devices(), shards=int(sys.argv[5]))
assert len(devices.all) == 4 and len(devices.local) == 2, devices
workdir = Workdir(sys.argv[3])
loop.train(experiment, Config(batch_size=10, num_epochs=2), workdir, devices)
evaluate.evaluate(experiment, workdir, devices, Config(batch_size=8))
"""


@pytest.mark.slow
@pytest.mark.parametrize('shards', [1, 2])
def test_two_processes_of_two_devices_equal_one(shards, make_experiment, tmp_path):
  from medjax import runtime
  from medjax.config import Config
  from medjax.training import evaluate, history, loop
  from medjax.workdir import Workdir

  with socket.socket() as probe:
    probe.bind(('localhost', 0))
    address = f'localhost:{probe.getsockname()[1]}'
  here = os.path.dirname(os.path.dirname(__file__))
  environment = os.environ | {
    'PYTHONPATH': os.pathsep.join([*sys.path, here]),
    'XLA_FLAGS': '--xla_force_host_platform_device_count=2',
  }
  hosts = [
    subprocess.Popen(
      [sys.executable, '-c', _HOST, address, str(i), str(tmp_path / 'two'), here, str(shards)],
      env=environment,
      stdout=subprocess.PIPE,
      stderr=subprocess.STDOUT,
      text=True,
    )
    for i in range(2)
  ]
  outputs = [host.communicate(timeout=300)[0] for host in hosts]
  assert [host.returncode for host in hosts] == [0, 0], outputs[0][-2000:] + outputs[1][-2000:]

  experiment, devices = make_experiment(count=43), runtime.devices(1)
  one = Workdir(tmp_path / 'one')
  loop.train(experiment, Config(batch_size=10, num_epochs=2, num_devices=1), one, devices)
  variables, _ = evaluate.best_variables(experiment, one)
  evaluate.evaluate(experiment, one, devices, Config(batch_size=8))

  two = Workdir(tmp_path / 'two')
  for mine, theirs in zip(history.read(one).lines, history.read(two).lines, strict=True):
    assert mine.keys() == theirs.keys()
    for name, value in mine.items():
      assert theirs[name] == (pytest.approx(value, abs=1e-5) if name != 'split' else value)
  shared, _ = evaluate.best_variables(experiment, two)
  for a, b in zip(_leaves(variables), _leaves(shared), strict=True):
    np.testing.assert_allclose(a, b, atol=1e-5)
  mine, theirs = one.read(one.evaluation), two.read(two.evaluation)
  assert mine.keys() == theirs.keys() == {'val', 'test'}
  for split in mine:
    for name, metric in mine[split].items():
      assert theirs[split][name]['value'] == pytest.approx(metric['value'], abs=1e-5)
    tables = [
      list(csv.DictReader(run.predictions(split).read_text().splitlines())) for run in (one, two)
    ]
    for a, b in zip(*tables, strict=True):
      assert a['id'] == b['id']
      assert float(a['probability']) == pytest.approx(float(b['probability']), abs=1e-5)


def _leaves(tree):
  import jax

  return jax.tree.leaves(tree)
