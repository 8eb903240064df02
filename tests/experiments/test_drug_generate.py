"""A language of molecules, shrunk: trained, predicted with, sampled, and tuned toward a goal."""

import csv
import functools
import json

import pytest

pytest.importorskip('rdkit')

from experiments import drug_activity, drug_design, drug_generate
from medjax.design import sampler
from medjax.design.tuning import Tuning

SMALL = (
  '--config.data.source=library.smi',
  '--config.features=48',
  '--config.learning_rate=0.02',
  '--config.batch_size=32',
  '--config.num_epochs=8',
  '--config.num_devices=1',
)
TUNE = (
  '--config.molecules=32',
  '--config.save_steps=2',
  '--config.drawn=40',
  '--config.least=0.05',
  '--config.learning_rate=0.002',
)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  """Chains of carbon with an end: easy to learn."""
  folder = tmp_path_factory.mktemp('generate')
  ends = ('O', 'N', 'F', 'Cl', 'C=O', 'C#N', 'c1ccccc1', 'C(C)C')
  chains = ['C' * length + end for length in range(1, 16) for end in ends]
  (folder / 'library.smi').write_text('\n'.join(chains))
  lines = [f'{smiles},{"acid" if "N" in smiles else "none"}' for smiles in chains]
  (folder / 'assay.csv').write_text('\n'.join(['smiles,label', *lines]))
  return folder


@pytest.fixture(scope='module')
def command(folder, run_in):
  return functools.partial(run_in, folder, drug_generate)


@pytest.fixture(scope='module')
def trained(command, folder):
  assert command(*SMALL, '--workdir=run') == 0
  return folder / 'run'


@pytest.fixture
def tune(folder, monkeypatch):
  def run(*arguments):
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as stop:
      drug_design.main([*TUNE, *arguments])
    return stop.value.code or 0

  return run


def test_training_says_the_perplexity(trained):
  found = json.loads((trained / 'evaluation.json').read_text())['test']
  assert 1 < found['perplexity']['value'] < 4
  assert 'Perplexity a token' in (trained / 'report.html').read_text()
  assert 'among how many equally probable tokens' in (trained / 'card.md').read_text()


def test_predict_says_how_typical_a_molecule_is(trained, command, folder):
  words = ['CCCCCN', 'Clc1ccccc1F', 'C1CC']
  assert command('predict', *words, '--workdir=run', '--output=out.csv') == 0
  with open(folder / 'out.csv', newline='') as file:
    usual, odd, broken = csv.DictReader(file)
  assert float(usual['perplexity']) < float(odd['perplexity'])
  assert float(usual['typical']) > float(odd['typical'])
  assert 'cannot be read' in broken['error']


def test_sample_writes_the_same_molecules_for_a_seed_and_their_figures(trained, command, folder):
  for name in ('one', 'two'):
    assert command('sample', '--workdir=run', '--number=200', f'--output={name}') == 0
  first = (folder / 'one' / 'molecules.csv').read_text()
  assert first == (folder / 'two' / 'molecules.csv').read_text()
  with open(folder / 'one' / 'molecules.csv', newline='') as file:
    rows = list(csv.DictReader(file))
  found = json.loads((folder / 'one' / 'generation.json').read_text())['figures']
  assert len(rows) == 200
  assert found['validity']['value'] == sum(bool(row['smiles']) for row in rows) / 200 > 0.5
  new = {row['smiles'] for row in rows if row['new'] == 'yes'}
  different = {row['smiles'] for row in rows if row['smiles']}
  assert found['novelty']['value'] == pytest.approx(len(new) / len(different))


@pytest.mark.parametrize(
  ('arguments', 'line'),
  [
    (('--temperature=hot',), '--temperature=hot: expected a number from 0.01 to 100'),
    (('--output=library.smi',), '--output=library.smi: is a file'),
  ],
)
def test_wrong_flags_of_sample_are_one_line(trained, command, capsys, arguments, line):
  assert command('sample', '--workdir=run', *arguments) == 2
  assert f'error: {line}' in capsys.readouterr().err


def test_a_tuning_that_was_stopped_goes_on_to_the_same(trained, folder, tune, capsys, monkeypatch):
  arguments = ('--language=run', '--qed', '--config.steps=4')
  assert tune(*arguments, '--output=straight') == 0
  shown = capsys.readouterr().out
  assert 'QED, mean' in shown
  rows = (folder / 'straight' / 'candidates.csv').read_text()
  kept = folder / 'straight'
  page = (kept / 'candidates.html').read_text()
  assert page.count('<svg') == 2 * min(60, rows.count('\n') - 1)
  assert (kept / 'candidates.sdf').read_text().count('$$$$') == rows.count('\n') - 1
  assert tune(*arguments, '--output=straight', '--config.bucket=3') == 2
  assert 'holds a tuning with other settings' in capsys.readouterr().err
  step = Tuning.step

  def stopped(tuning):
    if tuning.done == 3:  # one after it was saved
      raise KeyboardInterrupt
    return step(tuning)

  with monkeypatch.context() as patch:
    patch.setattr(Tuning, 'step', stopped)
    assert tune(*arguments, '--output=again') == 130
  assert not (folder / 'again' / 'candidates.csv').exists()
  assert tune(*arguments, '--output=again') == 0
  assert 'goes on at step 2' in capsys.readouterr().err
  assert (folder / 'again' / 'candidates.csv').read_text() == rows


def test_molecules_are_drawn_at_a_temperature(trained, command, tune, folder, monkeypatch):
  words = ('--workdir=run', '--number=40', '--temperature=0.6', '--output=drawn')
  assert command('sample', *words) == 0
  drawn = json.loads((folder / 'drawn' / 'generation.json').read_text())['figures']
  goal = ('--language=run', '--qed', '--config.steps=1')
  used, compiled = [], sampler.compiled
  monkeypatch.setattr(sampler, 'compiled', lambda *a: (used.append(a[-1]), compiled(*a))[1])
  validity = []
  for name, more in (('warm', ()), ('cold', ('--config.temperature=0.6',))):
    assert tune(*goal, *more, f'--output={name}') == 0
    before = json.loads((folder / name / 'design.json').read_text())['before']
    validity.append(before['validity']['value'])
    assert len(used) == 3  # before, for the update, and after
    assert set(used) == {0.6 if more else 1.0}
    used.clear()
  assert validity[1] == drawn['validity']['value'] != validity[0]


@pytest.mark.parametrize(
  ('arguments', 'line'),
  [
    (('--qed',), '--language: expected a run of drug_generate'),
    (('--language=run',), 'expected a goal: --activity=RUN, --qed or --sa'),
    (('--language=run', '--qed', '--class=x'), '--class: is of --activity=RUN'),
    (('--language=none', '--qed'), 'no run here'),
    (('--language=run', '--qed', 'word'), 'word: expected only flags'),
  ],
)
def test_wrong_goals_are_one_line(trained, tune, capsys, arguments, line):
  assert tune(*arguments) == 2
  assert line in capsys.readouterr().err


def test_a_run_of_activities_is_what_molecules_are_tuned_toward(
  trained, folder, run_in, tune, capsys
):
  small = ('--config.data.source=assay.csv', '--config.features=8', '--config.num_epochs=2')
  few = (
    *small,
    '--config.data.bits=64',
    '--config.num_devices=1',
    '--config.data.split=random',
    '--config.explanation=none',
  )
  assert run_in(folder, drug_activity, *few, '--workdir=activity') == 0
  assert run_in(folder, drug_activity, 'sample', '--workdir=activity') == 2
  assert 'sample: draws molecules as they are written, and these' in capsys.readouterr().err
  goal = ('--language=run', '--activity=activity', '--config.steps=2')
  assert tune(*goal, '--output=toward', '--class=nothing') == 2
  assert tune(*goal, '--output=toward') == 0
  with open(folder / 'toward' / 'candidates.csv', newline='') as file:
    rows = list(csv.DictReader(file))
  assert all(0 <= float(row['activity']) <= 1 for row in rows)
  assert [float(row['score']) for row in rows] == sorted(
    (float(row['score']) for row in rows), reverse=True
  )
