"""The experiment on pairs from the command line: trained, compared, and used on new pairs."""

import csv
import functools
import json

import pytest

pytest.importorskip('rdkit')

from experiments import drug_target
from medjax.data.simulate import binding

SMALL = (
  '--config.num_devices=1', '--config.data.bits=256', '--config.hidden=32', '--config.encoding=16',
  '--config.filters=16', '--config.features=32', '--config.data.simulated_drugs=60',
  '--config.data.simulated_targets=20', '--config.learning_rate=4e-3', '--config.num_epochs=12',
  '--config.batch_size=32',
)  # fmt: skip


@pytest.fixture
def command(run_experiment):
  return functools.partial(run_experiment, drug_target)


def test_binding_is_learned_and_new_pairs_are_predicted(command, tmp_path):
  code, out, err = command(*SMALL, '--workdir=run')
  assert code == 0, err
  assert 'mean of the drug + mean of the target by ridge regression' in out
  report = (tmp_path / 'run' / 'report.html').read_text()
  assert 'SIMULATED' in report
  assert 'Concordance' in report
  found = json.loads((tmp_path / 'run' / 'evaluation.json').read_text())['test']
  assert found['concordance']['value'] > 0.65
  assert found['concordance']['low'] < found['concordance']['value']

  made = binding.simulate(0, 60, 20, share=0.02)
  chain = made[0]['sequence']
  rows = [*([one['smiles'], one['sequence']] for one in made), ['C1CC', chain], ['CCO', 'MK*T1'],
          ['CCO', 'MKTAYIAKQRQISFVKSHFS'], [made[0]['smiles'] + '.Cl', chain.lower()]]  # fmt: skip
  with open('new.csv', 'w', newline='') as file:
    csv.writer(file).writerows([['smiles', 'sequence'], *rows])
  code, out, err = command('predict', 'new.csv', '--workdir=run', '--output=out.csv')
  assert code == 0, err
  with open('out.csv', newline='') as file:
    done = list(csv.DictReader(file))
  count = len(made)
  assert len(done) == count + 4
  assert {one['target'] for one in done[:count]} == {'known'}
  assert all(float(one['prediction']) > 4 for one in done[:count])
  inside = [one for one in done if one['domain'] == 'inside']
  assert inside
  assert all(float(one['low']) < float(one['prediction']) < float(one['high']) for one in inside)
  assert 'unclosed ring' in done[count]['error']
  assert "position 3 is '*'" in done[count + 1]['error']
  new = done[count + 2]
  assert (new['target'], new['domain'], new['low']) == ('new', 'outside', '')
  assert done[count + 3]['prediction'] == done[0]['prediction']

  (tmp_path / 'one.csv').write_text('smiles,name\nCCO,ethanol\n')
  code, out, err = command('predict', 'one.csv', '--workdir=run', '--output=no.csv')
  assert 'no column with protein sequences' in out + err + (tmp_path / 'no.csv').read_text()
  code, out, err = command('predict', 'a.sdf', '--workdir=run', '--output=no.csv')
  assert 'expected a table with a SMILES and a protein' in (tmp_path / 'no.csv').read_text()


def test_graphs_train(command, tmp_path):
  few = ('--config.num_epochs=1', '--config.data.simulated_drugs=30')
  code, _, err = command(*SMALL, '--config.network=dmpnn', *few, '--workdir=run')
  assert code == 0, err
  found = json.loads((tmp_path / 'run' / 'evaluation.json').read_text())['test']
  assert found['rmse']['value'] < 3
