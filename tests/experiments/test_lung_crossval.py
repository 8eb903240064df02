"""Cross-validation of images, shrunk: stored once, each tested once."""

import csv
import json

import numpy as np
import pytest

from experiments import lung_cnn
from medjax import cli

TINY = (
  '--config.data.image_size=32',
  '--config.data.channels=1',
  '--config.data.simulated_train=40',
  '--config.data.simulated_val=10',
  '--config.data.simulated_test=10',
  '--config.features=4',
  '--config.hidden=8',
  '--config.batch_size=10',
  '--config.num_epochs=1',
  '--config.explanation=none',
  '--config.num_devices=1',
)


@pytest.fixture
def command(capsys, tmp_path, monkeypatch):
  """Runs the command line in this process; returns (exit code, output, errors)."""
  monkeypatch.chdir(tmp_path)
  monkeypatch.setenv('MEDJAX_CACHE', str(tmp_path / 'cache'))

  def run(*arguments):
    with pytest.raises(SystemExit) as stop:
      cli.main(lung_cnn.Config(), lung_cnn.build, argv=arguments)
    out, err = capsys.readouterr()
    return stop.value.code or 0, out, err

  return run


def test_crossval_stores_images_once_and_tests_each_once(command, tmp_path):
  code, out, err = command('crossval', *TINY, '--config.data.folds=2', '--workdir=cv')
  assert code == 0, err
  assert '2 runs' in out
  assert err.count('preparing 60 images, once') == 1
  tested, values = [], []
  for fold in range(2):
    run = tmp_path / 'cv' / f'repeat-0-fold-{fold}'
    assert f'fold {fold} of 2 tests' in json.loads((run / 'data.json').read_text())['notes']
    with open(run / 'predictions' / 'test.csv') as file:
      tested += [row['id'] for row in csv.DictReader(file)]
    values.append(json.loads((run / 'evaluation.json').read_text())['test']['auroc']['value'])
  parts = ((0, 40), (1_000_000, 10), (2_000_000, 10))  # without folds train, val and test
  numbers = [first + i for first, count in parts for i in range(count)]
  assert sorted(tested) == [f'simulated-{number:06d}' for number in numbers]
  found = json.loads((tmp_path / 'cv' / 'crossval.json').read_text())['test']['auroc']
  assert found['runs'] == values
  assert found['value'] == pytest.approx(np.mean(values))
