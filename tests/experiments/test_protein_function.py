"""Localisation and fitness from the command line, shrunk."""

import csv
import functools
import json
import pathlib

import numpy as np
import pytest

from experiments import protein_function
from medjax.data.simulate import sorting

SMALL = ('--config.features=8', '--config.layers=0', '--config.num_epochs=2')


@pytest.fixture
def command(run_experiment):
  """Runs the command line in this process; see ``run_experiment``."""
  return functools.partial(run_experiment, protein_function)


def test_the_default_tells_where_proteins_go(command, tmp_path):
  code, _, err = command('--config.data.simulated=200', *SMALL, '--workdir=run')
  assert code == 0, err
  found = json.loads((tmp_path / 'run' / 'evaluation.json').read_text())['test']
  assert found['accuracy']['low'] < found['accuracy']['value'] < found['accuracy']['high']
  page = (tmp_path / 'run' / 'report.html').read_text()
  assert 'SIMULATED' in page
  assert all(name in page for name in sorting.CLASSES)


def test_several_places_at_once(command, tmp_path):
  """Every protein is both secreted or not, and nuclear or not; some are neither."""
  with open('several.csv', 'w') as file:
    file.write('sequence,label\n')
    for i in range(240):
      case = sorting.simulate(2, i)
      names = {1: 'out', 3: 'nucleus', 4: 'out-nucleus'}
      file.write(f'{case.sequence},{names.get(case.label, "rest")}\n')
  several = ('--config.data.source=several.csv', '--config.data.labels=several')
  code, out, err = command(*several, '--config.data.label_separator=-', *SMALL, '--workdir=run')
  assert code == 0, err
  assert 'test AUROC' in out
  page = (tmp_path / 'run' / 'report.html').read_text()
  assert 'Each class on the test split' in page
  assert 'called: nucleus at' in (tmp_path / 'run' / 'card.md').read_text()
  code, out, err = command('predict', 'several.csv', '--workdir=run', '--output=new.csv')
  assert code == 0, err
  with open('new.csv', newline='') as file:
    rows = list(csv.DictReader(file))
  decision = json.loads((tmp_path / 'run' / 'decision.json').read_text())['classes']
  for row in rows:
    called = [
      n for n in decision if float(row[f'probability_{n}']) >= decision[n]['threshold']['value']
    ]
    assert row['call'] == ' | '.join(called)
  some = '\n'.join(pathlib.Path('several.csv').read_text().splitlines()[:4])
  pathlib.Path('some.csv').write_text(some + '\n')
  code, _, err = command('explain', 'some.csv', '--workdir=run', '--output=why')
  assert code == 0, err
  with open('why/explanations.csv', newline='') as file:
    explained = list(csv.DictReader(file))
  assert {row['explained'] for row in explained} <= set(decision)
  code, _, err = command('evaluate', '--workdir=run')
  assert code == 0, err


@pytest.mark.parametrize('model', ['mlp', 'transformer'])
def test_fitness_of_variants(command, tmp_path, model):
  """The number is a sum over two places, which a network finds."""
  random = np.random.default_rng(0)
  wild, worth = 'MKTAYIAKQRQISFVKSHFS', dict(zip('ACDEFGHIKL', range(10), strict=True))
  lines = ['sequence,target,set,validation']
  for i in range(400):
    pair = random.choice(list(worth), 2)
    sequence = wild[:4] + pair[0] + wild[5:9] + pair[1] + wild[10:]
    given = 'test,' if i % 4 == 0 else f'train,{i % 4 == 1}'
    lines.append(f'{sequence},{worth[pair[0]] - worth[pair[1]]},{given}')
  (tmp_path / 'dms.csv').write_text('\n'.join(lines))
  about = (
    '--config.data.source=dms.csv', '--config.data.label_column=target',
    '--config.data.labels=numbers', '--config.data.similar=identical',
    '--config.data.allow_group_overlap=true', '--config.data.varying=true',
    '--config.data.alphabet=protein', f'--config.model={model}',
  )  # fmt: skip
  size = ('--config.width=1', '--config.features=8', '--config.layers=1', '--config.dropout=0')
  code, _, err = command(*about, *size, '--config.num_epochs=12', '--workdir=run')
  assert code == 0, err
  found = json.loads((tmp_path / 'run' / 'evaluation.json').read_text())['test']
  assert found['spearman']['value'] > (0.8 if model == 'mlp' else 0.3)
  code, _, err = command('explain', 'dms.csv', '--workdir=run', '--method=integrated_gradients')
  assert code == 0, err
  (tmp_path / 'wild.fa').write_text(f'>wild\n{wild}\n')
  (tmp_path / 'v.csv').write_text('sequence,position,ref,alt\nwild,5,Y,A\nwild,5,Y,L\nwild,2,K,R\n')
  code, _, err = command('predict', 'wild.fa', '--variants=v.csv', '--workdir=run')
  assert code == 0, err
  with open(tmp_path / 'run' / 'variants.csv', newline='') as file:
    *seen, other = csv.DictReader(file)
  small, large = (float(row['effect']) for row in seen)
  assert small < large
  assert other['effect'] == ''
  assert other['error'] == 'v.csv row 4: the network does not see this place'
