"""The experiment on molecules from the command line: trained, evaluated, and used on new files."""

import csv
import functools
import gzip
import json
import pathlib

import numpy as np
import pytest

pytest.importorskip('rdkit')

from rdkit import Chem

from experiments import drug_activity
from medjax import config as config_lib
from medjax import tasks
from medjax.data.simulate import assay
from medjax.training.checkpoint import Checkpoints
from medjax.workdir import Workdir

SMALL = (
  '--config.features=32',
  '--config.num_devices=1',
  '--config.data.bits=128',
  '--config.batch_size=16',
  '--config.learning_rate=5e-3',
)


@pytest.fixture
def command(run_experiment):
  """Runs the command line in this process; see ``run_experiment``."""
  return functools.partial(run_experiment, drug_activity)


def _rows(path):
  with open(path, newline='') as file:
    return list(csv.DictReader(file))


def test_an_assay_is_learned_and_new_files_are_predicted(command, tmp_path):
  code, out, err = command(
    *SMALL, '--config.data.simulated_molecules=300', '--config.num_epochs=8', '--workdir=run'
  )
  assert code == 0, err
  assert 'gradient boosting' in out
  assert 'SIMULATED' in (tmp_path / 'run' / 'report.html').read_text()
  data = json.loads((tmp_path / 'run' / 'data.json').read_text())
  assert data['groups_in_two_splits'] == 0
  found = json.loads((tmp_path / 'run' / 'evaluation.json').read_text())['val']
  assert found['auroc']['value'] > 0.8
  tested = _rows(tmp_path / 'run' / 'predictions' / 'test.csv')
  assert 'smiles' in tested[0]

  given = [row['smiles'] for row in assay.simulate(9, 12)]
  (tmp_path / 'new.smi').write_text('\n'.join([*given, 'C1CC torn', '']))
  (tmp_path / 'far.smi').write_text('OCC(O)CO\n')
  with open('new.csv', 'w', newline='') as file:
    csv.writer(file).writerows([['molecule'], *([one] for one in given)])
  blocks = [Chem.MolToMolBlock(Chem.MolFromSmiles(one)) for one in given]
  (tmp_path / 'new.sdf.gz').write_bytes(gzip.compress('$$$$\n'.join(blocks).encode()))
  names = ('new.smi', 'new.csv', 'new.sdf.gz')
  code, out, err = command('predict', *names, '--workdir=run', '--output=out.csv')
  assert code == 0, err
  assert '36 predicted, 1 could not be read' in out
  rows = _rows('out.csv')
  assert rows[12]['file'] == 'new.smi line 13'
  assert 'unclosed ring' in rows[12]['error']
  good = [(row['probability'], row['call']) for row in rows if not row['error']]
  assert good[:12] == good[12:24] == good[24:]
  assert {call for _, call in good} <= {'active', 'inactive'}
  assert {row['domain'] for row in rows if not row['error']} <= {'inside', 'outside'}

  code, out, err = command('predict', 'far.smi', '--workdir=run', '--output=far.csv')
  assert code == 0, err
  assert 'outside of the applicability domain: 1; nearest training molecule' in out
  [far] = _rows('far.csv')
  assert (far['domain'], far['decision'], far['set']) == ('outside', 'abstain', '')
  assert float(far['similarity']) < 0.3
  assert far['probability']
  assert 'applicability domain: nearest' in (tmp_path / 'run' / 'card.md').read_text()

  page = (tmp_path / 'run' / 'report.html').read_text()
  assert page.count('data:image/svg+xml') > 12  # structures, each with what its atoms add
  assert 'By kernel_shap: what each atom adds' in page
  code, out, err = command(
    'explain', 'new.smi', 'far.smi', '--method=gradient', '--workdir=run', '--output=why'
  )
  assert code == 0, err
  assert '13 explained by gradient, 1 could not be read' in out
  [first, *_] = _rows(tmp_path / 'why' / 'explanations.csv')
  assert (tmp_path / first['picture']).read_text().count('<circle') > 3
  added = np.load(tmp_path / first['array'])
  assert added.shape == (Chem.MolFromSmiles(given[0]).GetNumAtoms(),)
  code, out, err = command(
    'explain', '--grade', '--method=substructures', '--cases=8', '--workdir=run'
  )
  assert code == 0, err
  graded = json.loads((tmp_path / 'run' / 'grades-substructures.json').read_text())['grades']
  hits = graded['pointing game (large is good)']
  assert hits['trained']['value'] > hits['any place']['value']


def test_several_labels_with_blanks_are_learned_at_once(command, tmp_path):
  columns = ('smiles', 'hinge', 'active', 'split')
  with open('panel.csv', 'w', newline='') as file:
    writer = csv.DictWriter(file, columns)
    writer.writeheader()
    for i, row in enumerate(assay.simulate(1, 200)):
      active = '' if i % 5 == 0 else str(int(row['label'] == 'active'))
      part = 'test' if i % 4 == 1 else 'val' if i % 4 == 2 else 'train'
      hinge = str(int('c1nc' in row['smiles']))
      writer.writerow({'smiles': row['smiles'], 'hinge': hinge, 'active': active, 'split': part})
  source = ('--config.data.source=panel.csv', '--config.data.label_columns=hinge,active')
  code, _, err = command(
    *SMALL,
    *source,
    '--config.members=2',
    '--config.num_epochs=2',
    '--config.explanation=none',
    '--workdir=run',
  )
  assert code == 0, err
  assert '40 of 400 labels are blank: not measured' in err
  tested = _rows(tmp_path / 'run' / 'predictions' / 'test.csv')
  assert len(tested) == 50
  blank = sum(not row['label_active'] for row in tested)
  assert blank == 10


def test_numbers_are_regressed(tmp_path):
  path = tmp_path / 'numbers.csv'
  rows = [f'{row["smiles"]},{i * 0.37:.2f}' for i, row in enumerate(assay.simulate(2, 60))]
  path.write_text('\n'.join(['smiles,pIC50', *rows]))
  config = drug_activity.Config()
  config.data.source = str(path)
  task = drug_activity.build(config).task
  assert isinstance(task, tasks.Regression)
  assert task.scale == pytest.approx(0.37 * 60 / 12**0.5, rel=0.1)


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    (('--config.data.source=none.csv',), 'none.csv: no such file; expected a file of molecules'),
    (('--config.data.split=time',), "no column 'date'"),
    (('--config.data.folds=2', '--config.data.split=time'), 'expected one of them'),
  ],
)
def test_mistakes_are_one_line_without_a_traceback(command, arguments, message):
  code, _, err = command(*arguments, '--workdir=run')
  assert code == 2
  last = err.strip().splitlines()[-1]
  assert last.startswith('error: ')
  assert message in last


FEW_NUMBERS = [
  'smiles,pIC50',
  *(f'{"C" * (1 + i // 4)}{"N(C)O"[: i % 4 // 2 * 4 + 1]},{i % 9 + i / 7}' for i in range(60)),
]


def card_of_few(command, lines, network, *more):
  """The card of a run on molecules of one size of programs, which are compiled once."""
  pathlib.Path('few.csv').write_text('\n'.join(lines))
  code, _, err = command(
    *SMALL, f'--config.network={network}', '--config.hidden=16', '--config.depth=2',
    '--config.data.source=few.csv', '--config.data.split=random', '--config.num_epochs=1',
    '--config.explanation=gradient', '--workdir=run', *more,
  )  # fmt: skip
  assert code == 0, err
  return pathlib.Path('run', 'card.md').read_text()


def test_fingerprints_and_graphs_predict_by_their_mean(command):
  card = card_of_few(command, FEW_NUMBERS, 'both')
  assert 'atoms and bonds and ECFP (log1p) of the largest fragment, neutralised by RDKit' in card
  code, _, err = command('predict', 'CCO', 'CCN', '--workdir=run', '--output=out.csv')
  assert code == 0, err
  rows = _rows('out.csv')
  assert all(float(row['spread']) > 0 for row in rows)  # of one network of each kind


@pytest.mark.parametrize(
  ('network', 'more'),
  [
    ('graphs', ('--config.trees=boosting',)),
    (
      'fingerprint',
      ('--config.members=2', '--config.gaussian_process=true', '--config.trees=extra'),
    ),
  ],
)
def test_several_networks_and_what_is_beside_predict_by_their_mean(command, network, more):
  card_of_few(command, FEW_NUMBERS, network, *more)
  code, _, err = command('predict', 'CCO', 'CCN', '--workdir=run', '--output=out.csv')
  assert code == 0, err
  rows = _rows('out.csv')
  assert all(float(row['spread']) > 0 for row in rows)
  code, _, err = command('export', '--workdir=run', '--output=few.medjax')
  assert code == 0, err
  code, _, err = command('predict', 'CCO', 'CCN', '--model=few.medjax', '--output=again.csv')
  assert code == 0, err
  for row, again in zip(rows, _rows('again.csv'), strict=True):
    assert float(again['prediction']) == pytest.approx(float(row['prediction']), rel=1e-6)
  code, _, err = command('explain', 'CCO', '--method=kernel_shap', '--workdir=run', '--output=why')
  assert code == 0, err
  words = ('--config.model.weights=run', '--config.network=dmpnn', '--config.hidden=16')
  code, _, err = command(*words, '--config.data.source=few.csv', '--workdir=other')
  assert code == 2
  assert 'weights=run: that run has other models beside its network; expected a run of one' in err


def test_trees_stay_as_they_were_grown(command):
  pathlib.Path('few.csv').write_text('\n'.join(FEW_NUMBERS))
  settings = {
    'data.source': 'few.csv', 'data.split': 'random', 'data.bits': 128, 'trees': 'extra',
    'seed': 4, 'num_devices': 3, 'batch_size': 15, 'num_epochs': 3, 'explanation': 'none',
  }  # fmt: skip
  words = [f'--config.{name}={value}' for name, value in settings.items()]
  code, _, err = command(*words, '--workdir=run')
  assert code == 0, err
  experiment = drug_activity.build(config_lib.changed(drug_activity.Config(), settings))
  grown = experiment.beside.on(experiment.model, experiment.task, experiment.data, seed=4)
  workdir = Workdir(pathlib.Path('run'))
  with Checkpoints(workdir.checkpoints, keep=3, run=workdir.identity()) as checkpoints:
    kept = checkpoints.variables(checkpoints.best())
  np.testing.assert_array_equal(kept['trees/nodes'], grown['trees']['nodes'])
  other = experiment.beside.on(experiment.model, experiment.task, experiment.data, seed=5)
  assert not np.array_equal(other['trees']['nodes'], grown['trees']['nodes'])


@pytest.mark.parametrize(
  ('words', 'message'),
  [
    (('--config.privacy.epsilon=8',), 'would be fitted to private cases without noise'),
    (('federate', '--sites=2'), 'such models of several sites cannot be averaged; expected none'),
  ],
)
def test_what_is_beside_is_refused_where_it_cannot_be(command, words, message):
  few = ('--config.data.simulated_molecules=120', '--config.trees=forest', '--workdir=run')
  code, _, err = command(*words[:1], *SMALL, *words[1:], *few)
  assert code == 2
  [line] = [line for line in err.splitlines() if line.startswith('error: ')]
  assert f'config.trees=forest: {message}' in line


def test_charges_are_kept_where_that_is_asked_for(command, tmp_path):
  lines = ['smiles,active']
  lines += [f'{"C" * (1 + i // 2)}C(=O){"[O-]" if i % 2 else "O"},{i % 2}' for i in range(60)]
  (tmp_path / 'ions.csv').write_text('\n'.join(lines))
  words = ('--config.data.source=ions.csv', '--config.data.split=random')
  code, _, err = command(
    *SMALL, *words, '--config.data.charges=keep', '--config.num_epochs=1', '--workdir=kept'
  )
  assert code == 0, err
  assert '30 molecules are charged: kept as they are (rows ' in err
  assert 'of the largest fragment, with its charges' in (tmp_path / 'kept' / 'card.md').read_text()
  code, _, err = command(*SMALL, *words, '--workdir=neutral')
  assert code == 2
  assert 'no molecule is left, as all have different labels' in err


def test_a_graph_network_is_trained_and_predicts_molecules_of_any_size(command, tmp_path):
  lines = ['smiles,active']
  for i in range(60):
    lines.append(f'{"C" * (1 + i // 4)}{"N(C)O"[: i % 4 // 2 * 4 + 1]}{"F" * (i % 2)},{i % 2}')
  card = card_of_few(command, lines, 'dmpnn')
  assert 'atoms and bonds of the largest fragment' in card
  (tmp_path / 'new.smi').write_text('\n'.join(['C', 'CCO', 'C' * 60, 'C1CC torn']))
  code, _, err = command('predict', 'new.smi', '--workdir=run', '--output=out.csv')
  assert code == 0, err
  rows = _rows(tmp_path / 'out.csv')
  assert [bool(row['error']) for row in rows] == [False, False, False, True]
  assert 0 < float(rows[0]['probability']) < 1
  assert rows[0]['probability'] != rows[1]['probability']
