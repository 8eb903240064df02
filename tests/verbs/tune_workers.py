"""Workers of a tuning as processes of their own, for tests that kill them."""

import os
import subprocess
import sys
import time

import pytest

from medjax import sealed
from medjax.errors import UserError
from medjax.training import history
from medjax.tuning import storage
from medjax.workdir import Workdir

# Trials of short epochs of six updates, enough of them that there is time to be killed in.
EPOCHS, BEGUN = 20, 12  # by that update a trial is at work, and far from its end
SETTINGS = (
  'tune', '--pruner=none', '--seeds=1', '--space=learning_rate=log:1e-4:1e-2 dropout=0:0.5',
  '--config.data.simulated_rows=240', f'--config.num_epochs={EPOCHS}',
  '--config.checkpoint_seconds=0',
)  # fmt: skip


def start(folder, cache, *given, **environment):
  """A worker in the folder."""
  return subprocess.Popen(
    [sys.executable, '-m', 'experiments.tabular_mlp', *SETTINGS, *given, f'--workdir={folder}'],
    env=os.environ
    | {'PYTHONPATH': os.pathsep.join(p for p in sys.path if p), 'MEDJAX_CACHE': str(cache)}
    | environment,
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
  )


def steps(folder, number):
  """Updates of a trial that are in its log so far."""
  try:
    lines = history.read(Workdir(folder / f'trial-{number:04d}')).lines
  except UserError:  # it has not begun
    return 0
  return max((line['step'] for line in lines), default=0)


def checkpoints(folder, number):
  """Steps of the checkpoints that a trial has."""
  found = (folder / f'trial-{number:04d}/checkpoints').glob('[0-9]*')
  return [int(path.name) for path in found if path.name.isdigit()]


def wait(condition, *processes, seconds=240):
  """Until it holds; fails where a process ends first, or never."""
  end = time.monotonic() + seconds
  while not condition():
    for process in processes:
      if process.poll() is not None:
        pytest.fail(f'ended with {process.returncode}: {process.communicate()[1][-2000:]}')
    assert time.monotonic() < end
    time.sleep(0.01)


def study(folder, where=''):
  """The study in a folder."""
  about, _ = sealed.read(folder / 'tuning.json')
  opened = storage.opened(storage.url(where, folder))
  return storage.optuna().load_study(study_name=about['study'], storage=opened)
