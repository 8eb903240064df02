"""The experiment on sequences, from the command line."""

import csv
import json

import pytest

from experiments import genome_regulation
from medjax import cli
from medjax.data.simulate import motifs


@pytest.fixture
def command(capsys, tmp_path, monkeypatch):
  """Runs the command line in this process; returns (exit code, output, errors)."""
  monkeypatch.chdir(tmp_path)

  def run(*arguments):
    with pytest.raises(SystemExit) as stop:
      cli.main(genome_regulation.Config(), genome_regulation.build, argv=arguments)
    out, err = capsys.readouterr()
    return stop.value.code or 0, out, err

  return run


def test_a_run_on_files_predicts_new_ones(command, tmp_path):
  """A word that only positive sequences have is learned."""
  for name, seed in (('train', 0), ('new', 1)):
    with open(f'{name}.fa', 'w') as file:
      for i in range(600 if name == 'train' else 40):
        sequence = motifs.simulate(seed, i, 100).sequence
        word = 'TTGACATATAAT' if i % 2 else ''
        start = 20 + i % 50
        sequence = sequence[:start] + word + sequence[start + len(word) :]
        file.write(f'>s{i} class:{i % 2}\n{sequence[:60]}\n{sequence[60:]}\n')
  code, out, err = command(
    '--config.data.source=train.fa',
    '--config.data.label_pattern=class:([01])',
    '--config.features=16',
    '--config.reach=3',
    '--config.width=4',
    '--config.strands=one',
    '--config.activation=relu',
    '--config.num_epochs=8',
    '--config.batch_size=16',
    '--workdir=run',
  )
  assert code == 0, err
  assert 'test AUROC' in out
  code, _, err = command('predict', 'new.fa', '--workdir=run', '--output=out.csv')
  assert code == 0, err
  with open('out.csv', newline='') as file:
    rows = list(csv.DictReader(file))
  right = [row['call'] == str(i % 2) for i, row in enumerate(rows)]
  assert sum(right) > 30
  assert json.loads((tmp_path / 'run' / 'data.json').read_text())['kind'] == 'sequences'


def test_the_default_is_simulated_and_has_two_strands(command, tmp_path):
  code, _, err = command(
    '--config.data.simulated=100',
    '--config.features=4',
    '--config.reach=3',
    '--config.num_epochs=1',
    '--workdir=run',
  )
  assert code == 0, err
  assert 'SIMULATED' in (tmp_path / 'run' / 'report.html').read_text()
  assert genome_regulation.Config().strands == 'both'
