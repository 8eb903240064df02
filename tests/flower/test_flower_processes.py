"""A federation of Flower's own processes over TLS: sites that fail, strangers, a killed server."""

import json
import os
import re
import shutil
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

pytest.importorskip('flwr', reason='needs medjax[federated]')
if not os.environ.get('MEDJAX_FLOWER'):
  pytest.skip(
    'several minutes of processes, which wait for each other: MEDJAX_FLOWER=1 runs it, as .ci/run '
    'does',
    allow_module_level=True,
  )

import three_tables
from flower_processes import Processes, write_certificates

from experiments import tabular_mlp
from medjax import runtime
from medjax.federated import sites
from medjax.federated.server import Rounds
from medjax.federated.settings import Settings
from medjax.flower import plan
from medjax.training import arrays, parallel
from medjax.training.checkpoint import Checkpoints
from medjax.workdir import Workdir

# West sends what is no number in the first round.
FAULTY = """
import dataclasses
import jax
import numpy as np
from flwr.clientapp import ClientApp
import experiments.tabular_mlp as experiment
from medjax.flower import client, server, wire

own = client.app(experiment.Config(), experiment.build)
server_app = server.app(experiment.Config(), experiment.build)


class Faulty(ClientApp):
  def __call__(self, message, context):
    asked, _ = wire.unpacked(message.content)
    answer = own(message, context)
    if asked.get('round') == 0 and context.node_config['source'].endswith('west.csv'):
      about, arrays = wire.unpacked(answer.content)
      arrays = {name: np.full_like(array, np.nan) for name, array in arrays.items()}
      answer.content = wire.packed(about, arrays)
    return answer


client_app = Faulty()
"""


@pytest.fixture
def processes(tmp_path):
  found = Processes(tmp_path)
  yield found
  found.close()


def rounds(folder):
  path = folder / 'server' / 'rounds.jsonl'
  return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def essence(log):
  """What a log says beside every request that came in."""
  lines = log.splitlines(keepends=True)
  return ''.join(line for line in lines if not re.search(r'uvicorn.access|Fleet\.|^\W*$', line))


def wait_until(ready, processes, seconds=180):
  end = time.monotonic() + seconds
  while not ready():
    if time.monotonic() > end:
      free = shutil.disk_usage(processes.folder).free >> 20
      names = ('server', *three_tables.NAMES)
      logs = ''.join(essence(processes.log(name))[-3000:] for name in names)
      pytest.fail(f'took longer than {seconds} s, with {free} MiB of disk free:\n{logs}')
    time.sleep(0.3)


@pytest.mark.slow
def test_sites_fail_strangers_stay_out_and_a_killed_server_goes_on(processes, tmp_path):
  paths = three_tables.write_tables(tmp_path)
  settings = three_tables.CONFIG | {'num_epochs': '2', 'validate_epochs': '2'}
  subprocess.run(
    [
      sys.executable, '-m', 'experiments.tabular_mlp', 'federate', f'--app={tmp_path / "app"}',
      f'--workdir={tmp_path / "server"}', '--fewest=2', '--round_seconds=150',
      *(f'--config.{name}={value}' for name, value in settings.items()),
    ],
    check=True, env=processes.environment, cwd=tmp_path,
  )  # fmt: skip
  (tmp_path / 'app' / 'federation.py').write_text(FAULTY)
  server = processes.server()
  other_ca, *_ = write_certificates(tmp_path, 'other')
  processes.site('stranger', paths[0], register=False)
  processes.site('misled', paths[0], ca=other_ca)
  nodes = {
    name: processes.site(name, path)
    for name, path in zip(three_tables.NAMES, paths, strict=True)
  }  # fmt: skip
  wait_until(lambda: processes.log('server').count('Activated node_id') == 3, processes)
  processes.run('flwr', 'run', tmp_path / 'app', 'study')
  wait_until(lambda: len(rounds(tmp_path)) == 1, processes)
  processes.kill(server)  # with the process of its app
  assert len(rounds(tmp_path)) == 1
  processes.server()
  told = processes.run('flwr', 'run', tmp_path / 'app', 'study')
  number = re.search(r'started run (\d+)', told)[1]
  again = f'[RUN {number}]'
  wait_until(lambda: again in processes.log('south'), processes)  # which is asked to train
  processes.kill(nodes['south'])
  wait_until((tmp_path / 'server' / 'federation.html').exists, processes, 240)

  found = json.loads((tmp_path / 'server' / 'federation.json').read_text())
  assert sorted(found['sites']) == ['north', 'west']
  assert list(found['not_told']) == ['south']
  # Who took part, and why others did not.
  first, second = rounds(tmp_path)
  assert first['left_out'] == {'west': 'Dense_0.bias holds values that are no numbers'}
  assert list(second['left_out']) == ['south']
  assert second['left_out']['south'] in ('it was lost meanwhile', 'it is not connected')
  assert [one.split(':')[0] for one in found['lines']] == list(three_tables.NAMES)
  for name in ('stranger', 'misled'):
    assert 'Receiving' not in processes.log(name)
    assert not (tmp_path / 'sites' / name).exists()
  assert 'CERTIFICATE_VERIFY_FAILED' in processes.log('misled')
  # The first round is what a simulation gives where the update of west is lost.
  config = plan.configured(
    tabular_mlp.Config(), {f'config.{name}': value for name, value in settings.items()}
  )
  parts, _ = sites.of_sources(config, tabular_mlp.build, [str(path) for path in paths])
  simulated = Rounds(
    parts,
    sites.pooled(parts),
    config,
    Settings(),
    runtime.devices(1),
    lambda number, site, update: None if site == 'site-3' else update,
  )
  current = parallel.create(simulated.experiment, config.seed, runtime.devices(1))
  expected, _, _ = simulated.round(0, jax.device_get(current))
  workdir = Workdir(tmp_path / 'server')
  with Checkpoints(workdir.checkpoints, 9, workdir.identity()) as kept:
    assert kept.steps() == [1, 2]
    variables = kept.variables(1)
  for name, leaf in arrays.named(expected.params):
    np.testing.assert_allclose(variables[name.replace('.', '/')], leaf, rtol=1e-5, atol=1e-6)
  # A site that was there to the end has a run like any other.
  (run,) = (tmp_path / 'sites' / 'north').iterdir()
  assert (run / 'report.html').exists()
  assert not (tmp_path / 'sites' / 'south' / run.name / 'report.html').exists()
