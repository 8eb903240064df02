"""Two trainings in one folder: one line for the second, and nothing left when one is killed."""

import signal
import time

import pytest
from lung import SMALL

from medjax.training import history
from medjax.workdir import Workdir


@pytest.mark.slow
def test_the_second_is_refused_while_the_first_lives(start, run, tmp_path):
  arguments = (*SMALL, '--config.num_epochs=500', '--config.checkpoint_seconds=0', '--workdir=a')
  first = start(*arguments)
  while (
    not (tmp_path / 'a' / 'metrics.jsonl').exists()
    or not history.read(Workdir(tmp_path / 'a')).seconds
  ):
    assert first.poll() is None, first.communicate()[1]
    time.sleep(0.05)
  code, _, err = run(*arguments)
  assert code == 2
  assert 'Traceback' not in err
  assert err.splitlines()[-1] == (
    'error: --workdir=a: another command is training or evaluating there; wait for its end, or '
    'choose another folder'
  )
  assert first.poll() is None
  first.send_signal(signal.SIGKILL)
  first.communicate()
  trained = history.read(Workdir(tmp_path / 'a')).seconds
  assert trained > 0
  third = start(*arguments)
  while history.read(Workdir(tmp_path / 'a')).seconds <= trained:
    assert third.poll() is None, third.communicate()[1]
    time.sleep(0.05)
  third.terminate()
  _, err = third.communicate(timeout=120)
  assert third.returncode == 75
  assert 'continuing after step' in err
  assert 'already exists' not in err
