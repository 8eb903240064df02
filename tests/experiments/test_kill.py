"""Killed at any moment, the same command continues to the same bits."""

import random
import signal
import time

import jax
import numpy as np
import pytest

from experiments import lung_cnn
from medjax.training import history, state
from medjax.training.checkpoint import Checkpoints
from medjax.workdir import Workdir

# A state of 50 MB, so that a save takes long enough to be killed in.
SETTINGS = (
  '--config.data.image_size=64',
  '--config.features=8',
  '--config.hidden=512',
  '--config.data.simulated_train=60',
  '--config.data.simulated_val=30',
  '--config.data.simulated_test=30',
  '--config.batch_size=10',
  '--config.num_epochs=3',
  '--config.checkpoint_steps=2',
)
STEPS = 18


def _final(folder):
  """Every array of the last checkpoint."""
  workdir = Workdir(folder)
  target = state.abstract(lung_cnn.build(workdir.stored(lung_cnn.Config())))
  with Checkpoints(workdir.checkpoints, 99, workdir.identity()) as checkpoints:
    found, position = checkpoints.latest(target)
  assert position.step == STEPS
  return jax.tree.leaves(found)


def _steps(folder):
  return max((line['step'] for line in history.read(Workdir(folder)).lines), default=0)


def _kill_when(process, condition):
  """SIGKILL as soon as ``condition`` holds; False if the process ended first."""
  while process.poll() is None:
    if condition():
      process.send_signal(signal.SIGKILL)
      process.communicate()
      return True
    time.sleep(0.002)
  process.communicate()
  return False


@pytest.mark.slow
def test_kill_at_random_steps_and_during_saves_gives_the_same_bits(start, run, tmp_path):
  code, _, err = run(*SETTINGS, '--workdir=straight')
  assert code == 0, err
  straight, killed = tmp_path / 'straight', tmp_path / 'killed'

  def saving():
    # Orbax writes into a folder with a suffix and renames it when it is complete.
    return any('tmp' in path.name for path in (killed / 'checkpoints').glob('*'))

  random.seed(0)
  kills = 0
  for moment in (
    random.randint(1, 6),
    'save',
    random.randint(7, 11),
    'save',
    random.randint(12, 16),
  ):
    process = start(*SETTINGS, '--workdir=killed')
    done = _steps(killed)
    if moment == 'save':
      kills += _kill_when(process, lambda done=done: _steps(killed) > done and saving())
    else:
      kills += _kill_when(process, lambda moment=moment: _steps(killed) >= moment)
  assert kills >= 4
  code, _, err = run(*SETTINGS, '--workdir=killed')
  assert code == 0, err
  assert 'continuing after step' in err
  for one, other in zip(_final(killed), _final(straight), strict=True):
    np.testing.assert_array_equal(one, other)
  assert history.read(Workdir(killed)).lines == history.read(Workdir(straight)).lines
  one, other = Workdir(killed), Workdir(straight)
  assert one.read(one.evaluation) == other.read(other.evaluation)


@pytest.mark.slow
def test_sigterm_saves_and_exits_with_75(start, run, tmp_path):
  process = start(*SETTINGS, '--workdir=a')
  while _steps(tmp_path / 'a') < 3:
    time.sleep(0.01)
  process.terminate()
  _, err = process.communicate(timeout=120)
  assert process.returncode == 75
  assert 'asked to end: saved step' in err
  assert 'Traceback' not in err
  code, _out, err = run(*SETTINGS, '--workdir=a')
  assert code == 0
  assert 'continuing after step' in err
