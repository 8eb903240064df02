"""The experiment on sequences, from the command line."""

import csv
import functools
import json
import pathlib
import shutil

import numpy as np
import pytest
import reseal

from experiments import genome_regulation
from medjax import cli
from medjax.data.sequences import meme
from medjax.data.simulate import motifs
from medjax.explain.sequences import METHODS


@pytest.fixture
def command(run_experiment):
  """Runs the command line in this process; see ``run_experiment``."""
  return functools.partial(run_experiment, genome_regulation)


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
  assert 'tokens' in json.loads((tmp_path / 'run' / 'data.json').read_text())['example']


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
  """A run of a small network on simulated sequences of one planted motif."""
  folder = tmp_path_factory.mktemp('genome')
  with pytest.raises(SystemExit) as stop:
    cli.main(
      genome_regulation.Config(),
      genome_regulation.build,
      argv=[
        '--config.data.simulated=600', '--config.features=8', '--config.reach=3',
        '--config.num_epochs=4', '--config.batch_size=16', f'--workdir={folder / "run"}',
      ],
    )  # fmt: skip
  assert not stop.value.code
  return folder / 'run'


def test_sequences_are_explained(trained, command, tmp_path):
  cases = [motifs.simulate(3, i, 200) for i in range(3)]
  (tmp_path / 'new.fa').write_text(''.join(f'>s{i}\n{c.sequence}\n' for i, c in enumerate(cases)))
  for method in METHODS:
    code, out, err = command(
      'explain', 'new.fa', f'--workdir={trained}', '--output=why', f'--method={method}'
    )
    assert code == 0, err
    assert f'3 explained by {method}, 0 could not be read' in out
    with open('why/explanations.csv', newline='') as file:
      rows = list(csv.DictReader(file))
    parts = np.load(rows[0]['array'])
    assert parts.shape in ((200,), (200, 4))
    assert np.isfinite(parts).all()
    assert parts.any()
    picture = pathlib.Path(rows[0]['picture']).read_text()
    assert picture.startswith('<svg')
    if method == 'integrated_gradients':
      assert abs(float(rows[0]['completeness_gap'])) < 0.05
  code, _, err = command('explain', 'new.fa', f'--workdir={trained}', '--method=grad_cam')
  assert (code, 'expected one of integrated_gradients' in err) == (2, True)


def test_explanations_are_graded_on_the_planted_sites(trained, command, tmp_path):
  run = _copy_that_finds_all(trained, tmp_path)
  code, _, err = command(
    'explain', '--grade', f'--workdir={run}', '--cases=9', '--method=mutagenesis'
  )
  assert code == 0, err
  grades = json.loads((run / 'grades-mutagenesis.json').read_text())['grades']
  assert set(grades['pointing game (large is good)']) == {'trained', 'randomised', 'fixed place'}
  assert 'alt="Explanation of' in (run / 'report.html').read_text()


def test_motifs_are_found_written_and_compared(trained, command, tmp_path):
  run = _copy_that_finds_all(trained, tmp_path)
  code, out, err = command('motifs', f'--workdir={run}', '--cases=40')
  assert code == 0, err
  assert all(f'│ {name} ' in out for name in motifs.PWMS)
  written = meme.read(run / 'motifs.meme')
  assert any(name.startswith('filter_') for name in written)
  found = json.loads((run / 'motifs.json').read_text())
  assert {name: len(one['pwm']) for name, one in found['found'].items()} == {
    name: len(matrix) for name, matrix in written.items()
  }
  assert 'Which motifs does it look for?' in (run / 'report.html').read_text()
  name = next(iter(written))
  meme.write(tmp_path / 'known.meme', {'mine': written[name]})
  code, out, err = command('motifs', 'known.meme', f'--workdir={run}', '--cases=1')
  assert code == 0, err
  (match,) = json.loads((run / 'motifs.json').read_text())['known']
  assert match['motif'] == 'mine'
  assert match['correlation'] == pytest.approx(1, abs=1e-3)
  code, _, err = command('motifs', 'none.meme', f'--workdir={run}')
  assert (code, 'none.meme' in err) == (2, True)


def test_variants_are_scored_as_their_sequences_are(trained, command, tmp_path):
  """The effect is the difference of the logits of two predictions; long sequences are cut."""
  first, second = (motifs.simulate(4, i, 200).sequence for i in range(2))
  changed = first[:99] + ('A' if first[99] != 'A' else 'C') + first[100:]
  (tmp_path / 'ref.fa').write_text(f'>one\n{first}\n>long\n{second}{first}{second}\n')
  (tmp_path / 'alt.fa').write_text(f'>one\n{first}\n>other\n{changed}\n')
  lines = [
    'sequence,position,ref,alt',
    f'one,100,{first[99]},{changed[99]}',
    f'long,301,{first[100]},{first[100]}',
    'one,3,TTTTTTTT,A',
    'two,3,A,C',
    'one,0,A,C',
  ]
  (tmp_path / 'changes.csv').write_text('\n'.join(lines))
  code, out, err = command(
    'predict', 'ref.fa', f'--workdir={trained}', '--variants=changes.csv', '--output=out.csv'
  )
  assert code == 0, err
  assert '2 variants predicted, 3 could not be' in out
  code, _, err = command('predict', 'alt.fa', f'--workdir={trained}', '--output=both.csv')
  assert code == 0, err
  with open('out.csv', newline='') as file:
    rows = list(csv.DictReader(file))
  with open('both.csv', newline='') as file:
    pair = [float(row['probability']) for row in csv.DictReader(file)]
  shown = [float(rows[0]['probability_ref']), float(rows[0]['probability_alt'])]
  np.testing.assert_allclose(shown, pair, rtol=1e-5)
  assert np.sign(float(rows[0]['effect'])) == np.sign(shown[1] - shown[0])
  # 200 letters around place 301 of the long sequence are the first one.
  assert rows[1]['probability_ref'] == rows[0]['probability_ref']
  assert abs(float(rows[1]['effect'])) < 1e-6
  assert ['expected TTTTTTTT' in rows[2]['error'], "no sequence 'two'" in rows[3]['error']]
  assert 'expected a whole number from 1' in rows[4]['error']


def _copy_that_finds_all(trained, folder):
  """The run with a threshold at which every positive case is called rightly."""
  run = folder / 'run'
  shutil.copytree(trained, run)
  fitted = json.loads((run / 'decision.json').read_text())
  fitted['threshold']['value'] = 0.0
  (run / 'decision.json').write_text(json.dumps(fitted))
  reseal.run_folder(run)
  return run


def test_what_the_experiment_does_not_take_is_said_in_one_line(command, tmp_path):
  code, _, err = command('--config.data.labels=numbers')
  assert (code, err) == (2, 'error: config.data.labels=numbers: expected classes here\n')
  code, _, err = command('crossval', '--config.data.source=a.fa', '--config.data.test=b.fa')
  assert code == 2
  assert err.endswith('error: config.data.test and config.data.folds: expected one of them\n')
  assert not (tmp_path / 'runs').exists()


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
