"""``python -m launch.slurm`` on a real Slurm: training, a kill, a preemption, a cancellation."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest
import slurm_cluster

ROOT = pathlib.Path(__file__).parents[2]
pytestmark = [
  pytest.mark.slow,
  pytest.mark.skipif(
    bool(slurm_cluster.missing()),
    reason=f'no Slurm here (apt-get install slurm-wlm munge): {slurm_cluster.missing()}',
  ),
]


class Cluster:
  """Submits runs of ``tabular_mlp`` and asks Slurm about them."""

  def __init__(self, environment):
    self.environment = {**environment, 'NPROC': '16'}

  def submit(self, workdir, tasks, *settings):
    """Submits a run of so many processes; gives its number."""
    done = subprocess.run(
      [
        sys.executable, '-m', 'launch.slurm', '--nodes=1',
        f'--ntasks-per-node={tasks}', '--', 'experiments.tabular_mlp', f'--workdir={workdir}',
        '--config.num_devices=1', *settings,
      ],
      cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return int(re.match(r'job (\d+): ', done.stdout).group(1))

  def ask(self, *command):
    return slurm_cluster.said(list(command), self.environment)

  def shown(self, job):
    """What Slurm knows of a job."""
    return dict(re.findall(r'(\S+?)=(\S*)', self.ask('scontrol', 'show', 'job', str(job))))

  def wait(self, job, ready, seconds=300):
    """Waits until something holds; gives the job's state."""
    end = time.monotonic() + seconds
    while not ready():
      shown = self.shown(job)
      assert time.monotonic() < end, (shown, self.log(shown))
      time.sleep(0.3)
    return self.shown(job)

  def log(self, shown):
    # The path has a space, before which the value in ``shown`` ends.
    text = self.ask('scontrol', 'show', 'job', shown['JobId'])
    path = pathlib.Path(re.search(r'StdOut=(.*)', text).group(1))
    return path.read_text() if path.exists() else ''


@pytest.fixture(scope='module')
def cluster(tmp_path_factory):
  with slurm_cluster.started(tmp_path_factory.mktemp('slurm')) as environment:
    yield Cluster(environment)


@pytest.fixture
def training(cluster, tmp_path, request):
  """A run that trains for long and has a checkpoint; its job is cancelled in the end."""
  workdir = tmp_path / 'a run'
  job = cluster.submit(
    workdir, request.param, '--config.num_epochs=1000000', '--config.validate_epochs=1000000',
    '--config.checkpoint_steps=20',
  )  # fmt: skip
  try:
    cluster.wait(job, lambda: steps(workdir))
    yield job, workdir
  finally:
    cluster.ask('scancel', str(job))
    cluster.wait(job, lambda: cluster.shown(job)['JobState'] in ENDED)


ENDED = ('COMPLETED', 'FAILED', 'CANCELLED')


def steps(workdir):
  """Steps of the checkpoints that a run has."""
  names = [path.name for path in workdir.glob('checkpoints/[0-9]*')]
  return sorted(int(name) for name in names if name.isdigit())


def process(job, number):
  """The id of a job's process."""
  for folder in pathlib.Path('/proc').glob('[0-9]*'):
    with contextlib.suppress(OSError):
      environment = (folder / 'environ').read_text().split('\0')
      words = (folder / 'cmdline').read_text()
      mine = {f'SLURM_JOB_ID={job}', f'SLURM_PROCID={number}'} <= set(environment)
      if mine and 'experiments.tabular_mlp' in words:
        return int(folder.name)
  raise AssertionError(f'no process {number} of job {job}')


def test_two_processes_train_together(cluster, tmp_path):
  workdir = tmp_path / 'a run, 100% "odd"'
  job = cluster.submit(workdir, 2, '--config.num_epochs=2')
  shown = cluster.wait(job, lambda: cluster.shown(job)['JobState'] in ENDED)
  assert shown['JobState'] == 'COMPLETED', cluster.log(shown)
  assert json.loads((workdir / 'environment.json').read_text())['processes'] == 2
  assert (workdir / 'evaluation.json').exists()
  log = workdir / 'launch' / f'{job}.log'
  assert 'test' in log.read_text()


@pytest.mark.parametrize('training', [2], indirect=True)
def test_a_process_that_is_killed_ends_the_job(cluster, training):
  job, workdir = training
  os.kill(process(job, 1), signal.SIGKILL)
  shown = cluster.wait(job, lambda: cluster.shown(job)['JobState'] in ENDED)
  assert shown['JobState'] == 'FAILED'
  assert shown['Restarts'] == '0'
  assert steps(workdir)


@pytest.mark.parametrize('training', [1, 2], indirect=True)
def test_a_preempted_job_saves_and_goes_on_and_a_cancelled_one_stays_away(cluster, training):
  job, workdir = training
  other = int(
    cluster.ask('sbatch', '--parsable', '--partition=high', '--ntasks=2', '--output=/dev/null',
                '--wrap=sleep 5')
  )  # fmt: skip
  cluster.wait(job, lambda: cluster.shown(job)['JobState'] == 'PENDING')
  kept = steps(workdir)[-1]
  assert 'asked to end: saved step' in cluster.log(cluster.shown(job))
  cluster.wait(other, lambda: cluster.shown(other)['JobState'] == 'COMPLETED')
  # Slurm lets a job that was requeued wait for two minutes, so that its node can recover.
  cluster.ask('scontrol', 'update', f'JobId={job}', 'StartTime=now')
  cluster.wait(job, lambda: steps(workdir)[-1] > kept)
  shown = cluster.shown(job)
  assert (shown['JobState'], shown['Restarts']) == ('RUNNING', '1')
  assert f'continuing after step {kept} of' in cluster.log(shown)

  cluster.ask('scancel', str(job))
  cluster.wait(job, lambda: cluster.shown(job)['JobState'] not in ('RUNNING', 'COMPLETING'))
  cluster.wait(job, lambda: cluster.ask('sinfo', '-h', '-o', '%T').startswith('idle'))
  shown = cluster.shown(job)
  assert (shown['JobState'], shown['Restarts']) == ('CANCELLED', '1')


def test_an_array_shares_the_runs_of_a_cross_validation(cluster, tmp_path):
  words = [
    'experiments.tabular_mlp', 'crossval', '--config.data.folds=4', '--config.num_epochs=2',
    f'--workdir={tmp_path}/folds', '--config.num_devices=1',
  ]  # fmt: skip
  command = [sys.executable, '-m', 'launch.slurm', '--array=2', '--', *words]
  about = {'cwd': ROOT, 'env': cluster.environment, 'capture_output': True, 'text': True}
  done = subprocess.run(command, timeout=60, **about)
  assert done.returncode == 0, done.stderr
  job = int(re.match(r'job (\d+): ', done.stdout).group(1))

  def states():
    return re.findall(r'JobState=(\S+)', cluster.ask('scontrol', 'show', 'job', str(job)))

  end = time.monotonic() + 300
  while not (len(states()) >= 2 and set(states()) <= set(ENDED)):
    assert time.monotonic() < end, states()
    time.sleep(0.5)
  logs = ''.join(path.read_text() for path in (tmp_path / 'folds' / 'launch').glob('*.log'))
  assert set(states()) == {'COMPLETED'}, logs
  for part in ('0/2', '1/2'):
    assert f'part {part}: 2 of 2 runs are done' in logs
  assert not (tmp_path / 'folds' / 'crossval.json').exists()
  done = subprocess.run([sys.executable, '-m', *words], timeout=300, **about)
  assert done.returncode == 0, done.stderr
  assert 'trained' not in done.stdout
  assert len(json.loads((tmp_path / 'folds' / 'crossval.json').read_text())['runs']) == 4
