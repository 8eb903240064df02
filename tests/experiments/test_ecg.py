"""The experiment on heartbeats, from the command line."""

import csv
import functools
import json
import shutil

import pytest

from experiments import ecg_rnn
from medjax.data import signals
from medjax.data.simulate import heartbeat

SMALL = ('--config.features=8', '--config.hidden=0', '--config.frame=8', '--config.num_epochs=6')


@pytest.fixture
def command(run_experiment):
  """Runs the command line in this process; see ``run_experiment``."""
  return functools.partial(run_experiment, ecg_rnn)


def test_simulated_beats_are_learned_shown_and_a_record_predicted(command, shared_data, tmp_path):
  code, _, err = command(
    '--config.data.simulated=1000', '--config.batch_size=16', '--config.learning_rate=1e-2',
    *SMALL, '--workdir=run',
  )  # fmt: skip
  assert code == 0, err
  found = json.loads((tmp_path / 'run' / 'evaluation.json').read_text())['test']
  assert found['auroc']['value'] > 0.75
  assert 'signal' in json.loads((tmp_path / 'run' / 'data.json').read_text())['example']
  page = (tmp_path / 'run' / 'report.html').read_text()
  assert page.count('alt="Case of simulated-') == 12
  assert 'by integrated_gradients' not in page
  code, _, err = command('explain', 'x.hea', '--workdir=run')
  assert code == 2
  assert err.strip().endswith('explain: there is no method that explains signals')
  for ending in ('hea', 'dat', 'atr'):
    shutil.copyfile(shared_data('series_ecg') / f'100.{ending}', f'100.{ending}')
  code, _, err = command('predict', '100.hea', 'none.csv', '--workdir=run', '--output=o.csv')
  assert code == 0, err
  with open('o.csv', newline='') as file:
    rows = list(csv.DictReader(file))
  # At 125 samples a second and with 0.8 s before the peak, the first and the last two have no
  # whole window.
  assert len(rows) == 2274
  assert rows[0]['file'] == '100.hea beat 1 (0.216 s)'
  assert 'inside the window' in rows[0]['error']
  assert 'no such file' in rows[-1]['error']
  assert sum(bool(row['call']) for row in rows) > 2265


def test_cross_validated_tables_pool_their_test_cases(command, tmp_path):
  with open('beats.csv', 'w') as file:
    for i in range(240):
      case = heartbeat.simulate(0, i)
      file.write(','.join([str(case.label), *(f'{v:.3f}' for v in case.signal[:, 0])]) + '\n')
  code, out, err = command(
    'crossval', '--config.data.source=beats.csv', '--config.data.folds=2', *SMALL,
    '--config.class_weight=0.5', '--config.members=2',
    '--workdir=cv',
  )  # fmt: skip
  assert code == 0, err
  assert 'test cases of all runs pooled' in out
  found = json.loads((tmp_path / 'cv' / 'crossval.json').read_text())
  assert 0 < found['pooled']['f1']['value'] < 1
  assert found['pooled']['accuracy']['low'] < found['pooled']['accuracy']['value']


def test_weights_are_those_of_the_training_classes():
  config = ecg_rnn.Config(class_weight=1.0, data=signals.Config(simulated=400))
  experiment = ecg_rnn.build(config)
  count = [int((experiment.data.splits['train'].label == c).sum()) for c in range(3)]
  expected = [sum(count) / 3 / c for c in count]
  assert experiment.task.weights == pytest.approx(expected)
  assert ecg_rnn.build(ecg_rnn.Config(data=config.data)).task.weights == ()
