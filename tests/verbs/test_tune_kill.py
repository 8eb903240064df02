"""The only worker of a tuning is killed, or asked to end: the same command goes on."""

import re
import signal

import numpy as np
import pytest
import tune_workers

from medjax import sealed
from medjax.tuning import tried as tried_lib


@pytest.mark.slow
def test_killed_in_a_trial_the_same_command_goes_on_with_it(tmp_path, cache):
  folder = tmp_path / 'tuned'
  process = tune_workers.start(folder, cache, '--trials=2')
  tune_workers.wait(
    lambda: any(s > tune_workers.BEGUN for s in tune_workers.checkpoints(folder, 1)), process
  )
  process.send_signal(signal.SIGKILL)
  process.communicate()
  process = tune_workers.start(folder, cache, '--trials=2')
  out, err = process.communicate(timeout=300)
  assert process.returncode == 0, err
  assert 'trial-0001: was interrupted; it is taken up again' in out
  assert int(re.search(r'continuing after step (\d+) of', err)[1]) > tune_workers.BEGUN
  assert 'trial-0000: validation' not in out  # which was complete
  study = tune_workers.study(folder)
  assert [trial.state.name for trial in study.trials] == ['COMPLETE', 'FAIL', 'COMPLETE']
  one, other = tried_lib.tried(study.trials)
  assert (one.deaths, other.deaths) == (0, 1)
  assert other.curve[0] == list(range(1, tune_workers.EPOCHS + 1))
  assert np.isfinite(other.score)
  about, _ = sealed.read(folder / 'tune.json')
  assert [trial['state'] for trial in about['trials']] == ['complete'] * 2


@pytest.mark.slow
def test_sigterm_saves_and_exits_with_75(tmp_path, cache):
  folder = tmp_path / 'tuned'
  process = tune_workers.start(folder, cache, '--trials=1')
  tune_workers.wait(lambda: tune_workers.steps(folder, 0) > tune_workers.BEGUN, process)
  process.terminate()
  _, err = process.communicate(timeout=120)
  assert process.returncode == 75, err
  assert 'asked to end: saved step' in err
  assert 'Traceback' not in err
  process = tune_workers.start(folder, cache, '--trials=1')
  out, err = process.communicate(timeout=300)
  assert process.returncode == 0, err
  assert 'trial-0000: was interrupted; it is taken up again' in out
  assert 'continuing after step' in err
  (trial,) = tried_lib.tried(tune_workers.study(folder).trials)
  assert (trial.state, trial.deaths) == ('complete', 0)
