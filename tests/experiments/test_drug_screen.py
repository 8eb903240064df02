"""A library ranked by a small run: the numbers of ``predict``, whatever happens in between."""

import csv
import gzip
import html
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
from sklearn import metrics

pytest.importorskip('rdkit')

from rdkit import Chem

from experiments import drug_activity, drug_screen
from medjax import files
from medjax.data.simulate import assay
from medjax.deploy.screening import screen

SMALL = (
  '--config.data.simulated_molecules=120', '--config.features=16', '--config.data.bits=128',
  '--config.num_devices=1', '--config.batch_size=16', '--config.num_epochs=4',
  '--config.members=2', '--config.explanation=none',
)  # fmt: skip
EVIL = '<script>alert(1)</script>'


@pytest.fixture(scope='module')
def folder(tmp_path_factory, run_in):
  """A finished run of two members in 'run', and a library with rows of all kinds."""
  folder = tmp_path_factory.mktemp('screen')
  assert run_in(folder, drug_activity, *SMALL, '--workdir=run') == 0
  rows = assay.simulate(7, 300)
  (folder / 'actives.smi').write_text(
    '\n'.join(row['smiles'] for row in rows if row['label'] == 'active')
  )
  with open(folder / 'library.csv', 'w', newline='') as file:
    writer = csv.writer(file)
    writer.writerow(['id', 'smiles', 'label'])
    for number, row in enumerate(rows):
      writer.writerow([EVIL if number % 3 == 0 else f'm{number}', row['smiles'], row['label']])
    other = Chem.MolToSmiles(Chem.MolFromSmiles(rows[0]['smiles']), canonical=False, rootedAtAtom=3)
    writer.writerow(['copy', other, rows[0]['label']])
    writer.writerow(['torn', 'C1CC', ''])
    writer.writerow(['unknown', 'CCOC(=O)[O-].[Na+]', ''])
    file.write('short,row\n')
  return folder


@pytest.fixture
def command(folder, monkeypatch, capsys):
  """Runs the command line in this process: gives exit code, output and errors."""
  monkeypatch.chdir(folder)
  monkeypatch.setattr(screen, 'PART', 70)
  monkeypatch.setattr(screen, '_CHUNK', 50)

  def run(*arguments, library='library.csv', workers=0):
    given = ['--workdir=run', f'--library={library}', f'--workers={workers}', *arguments]
    with pytest.raises(SystemExit) as stop:
      drug_screen.main(given)
    out, err = capsys.readouterr()
    return stop.value.code or 0, out, err

  return run


def rows_of(path):
  with open(path, newline='') as file:
    return list(csv.DictReader(file))


def predictions(output):
  return [row for path in sorted(output.glob('predictions/*.csv')) for row in rows_of(path)]


@pytest.fixture(scope='module')
def done(folder):
  """The output of one screen of the library."""
  with pytest.MonkeyPatch.context() as patch:
    patch.chdir(folder)
    patch.setattr(screen, 'PART', 70)
    patch.setattr(screen, '_CHUNK', 50)
    with pytest.raises(SystemExit) as stop:
      drug_screen.main(
        ['--workdir=run', '--library=library.csv', '--workers=0', '--output=done', '--best=100',
         '--picks=8']
      )  # fmt: skip
  assert not stop.value.code
  return folder / 'done'


def test_predictions_are_those_of_predict(folder, done, run_in):
  library = [(row['id'], row['smiles']) for row in rows_of(folder / 'library.csv')[:303]]
  (folder / 'same.smi').write_text('\n'.join(smiles for _, smiles in library))
  assert run_in(
    folder, drug_activity, 'predict', 'same.smi', '--workdir=run', '--output=one.csv'
  ) == 0  # fmt: skip
  screened, predicted = predictions(done), rows_of(folder / 'one.csv')
  assert [row['row'] for row in screened] == [f'row {i}' for i in range(2, 306)]
  assert len(list((done / 'predictions').iterdir())) == 5
  for mine, theirs in zip(screened[:303], predicted, strict=True):
    assert mine['error'] == theirs['error']
    if not mine['error']:
      assert float(mine['probability']) == pytest.approx(float(theirs['probability']), abs=1e-6)
      assert mine['call'] == theirs['call']
      if theirs['domain'] == 'inside':  # of others predict decides nothing
        assert mine['set'] == theirs['set']
      assert 0 <= float(mine['spread']) < 1
  assert len({row['spread'] for row in screened}) > 100


def test_the_spread_is_that_of_the_members(folder, done):
  """Each member alone, applied by hand, and calibrated."""
  import numpy as np

  from medjax.data import dataset
  from medjax.training import evaluate
  from medjax.workdir import Workdir

  workdir = Workdir(folder / 'run')
  config = workdir.stored(drug_activity.Config())
  config.data.stored = dataset.describe(workdir)
  experiment = drug_activity.build(config)
  variables, _ = evaluate.chosen_variables(experiment, workdir)
  row = predictions(done)[0]
  modality = experiment.data.modality
  counts = modality.features.fingerprint(Chem.MolFromSmiles(row['smiles']))
  inputs = modality.inputs({'counts': counts[None]})
  logits = []
  for number in range(2):
    tree = {kind: part[f'member_{number}'] for kind, part in variables.items()}
    logits.append(experiment.model.member(number).apply(tree, inputs))
  decision = evaluate.read_decision(experiment.task.outcome.read_decision, workdir)
  both = [
    float(
      experiment.task.outcome.calls(decision, np.asarray(experiment.task.predict(one)))[1][0, 1]
    )
    for one in logits
  ]
  assert float(row['spread']) == pytest.approx(abs(both[0] - both[1]) / 2**0.5, rel=1e-3, abs=1e-6)


def test_bad_rows_are_listed(done):
  listed = rows_of(done / 'unreadable.csv')
  assert [(row['row'], row['name']) for row in listed] == [('row 303', 'torn'), ('row 305', '')]
  assert 'unclosed ring' in listed[0]['error']
  assert listed[1]['error'] == '2 cells; expected 3, as in the header'


def test_the_best_are_described_once_each(done):
  screened, hits = predictions(done), rows_of(done / 'hits.csv')
  best = {}
  for row in screened:
    if not row['error']:
      best.setdefault(row['smiles'], float(row['probability']))
  expected = sorted(best.values(), reverse=True)[:100]
  assert [float(hit['probability']) for hit in hits] == pytest.approx(expected)
  assert [hit['rank'] for hit in hits] == [str(i) for i in range(1, 101)]
  copies = {hit['row']: hit['copies'] for hit in hits if hit['copies']}
  assert copies.get('row 2', 'row 302') == 'row 302'
  written = [mol.GetProp('rank') for mol in Chem.SDMolSupplier(str(done / 'hits.sdf'))]
  assert written == [hit['rank'] for hit in hits]
  picks = rows_of(done / 'picks.csv')
  assert len(picks) == 8
  assert {pick['passes'] for pick in picks} == {'yes'}
  assert picks[0] == next(hit for hit in hits if hit['passes'] == 'yes')
  assert all(0 <= float(hit['nearest_training']) <= 1 for hit in hits)


def test_the_page_shows_names_and_runs_none(done):
  page = (done / 'screen.html').read_text()
  assert EVIL not in page
  assert html.escape(EVIL) in page
  assert '<script' not in page
  assert page.count('aria-label="structure of') == 8
  assert 'AUROC' in page
  assert 'TRAINED ON SIMULATED DATA' in page
  assert 'Enrichment at 1%' in page
  assert 'None of them was trained on' in page
  assert 'Red atoms' in page
  assert page.count('<circle') > 8


def test_known_actives_are_found_early_by_a_column_or_a_file(command, folder, done):
  by_column = json.loads((done / 'enrichment.json').read_text())
  code, out, err = command('--output=by_file', '--actives=actives.smi')
  assert code == 0, err
  assert 'bedroc: ' in out
  by_file = json.loads((folder / 'by_file' / 'enrichment.json').read_text())
  # The molecule without a label is no active in a file of all.
  assert (by_column['actives'], by_column['molecules'] + 1) == (
    by_file['actives'],
    by_file['molecules'],
  )
  first = {row['smiles']: row for row in reversed(predictions(done)) if row['active']}.values()
  area = metrics.roc_auc_score(
    [row['active'] == '1' for row in first], [float(row['probability']) for row in first]
  )
  assert by_column['auroc']['value'] == pytest.approx(area)
  assert by_column['auroc']['low'] < by_column['auroc']['value'] < by_column['auroc']['high']


def test_a_screen_goes_on_and_no_other_takes_its_place(command, folder, done):
  before = {path: path.stat().st_mtime_ns for path in done.glob('predictions/*.csv')}
  same = ('--output=done', '--best=100', '--picks=8')
  code, _, err = command(*same)
  assert code == 0, err
  assert before == {path: path.stat().st_mtime_ns for path in done.glob('predictions/*.csv')}
  for arguments, what in ((('--output=done',), '--best'), ((*same, '--lowest'), '--lowest')):
    code, _, err = command(*arguments)
    assert code == 2
    assert f'holds a screen of another {what} (' in err
  code, _, err = command(*same, library='same.csv')
  assert code == 2
  (folder / 'same.csv').write_text('smiles\nCCO\n')
  code, _, err = command(*same, library='same.csv')
  assert code == 2
  assert 'holds a screen of another library (sha256:' in err
  assert len(err.strip().splitlines()) == 1


@pytest.mark.slow
def test_a_killed_screen_goes_on_with_nothing_lost_or_twice(command, folder, done):
  """Killed hard in its third part; its workers end, too."""
  single = (folder / 'library.csv').read_text().split('\n', 1)
  (folder / 'long.csv').write_text(single[0] + '\n' + single[1].replace('short,row\n', '') * 6)
  script = (
    'from medjax.deploy.screening import screen; screen.PART = 150; screen._CHUNK = 30\n'
    'from experiments import drug_screen\n'
    "drug_screen.main(['--workdir=run', '--library=long.csv', '--output=killed', '--best=500',"
    " '--workers=1'])"
  )
  environment = os.environ | {
    'PYTHONPATH': os.pathsep.join([str(pathlib.Path.cwd()), *filter(None, sys.path)])
  }
  process = subprocess.Popen(
    [sys.executable, '-c', script], cwd=folder, env=environment, start_new_session=True
  )
  third = folder / 'killed' / 'predictions' / 'part-00002.csv'
  for _ in range(6000):
    if third.exists() or process.poll() is not None:
      break
    time.sleep(0.01)
  os.kill(process.pid, signal.SIGKILL)
  process.wait()
  written = len(list(third.parent.glob('part-*.csv')))
  assert 3 <= written < 12
  for _ in range(3000):
    try:
      os.killpg(process.pid, 0)
    except ProcessLookupError:
      break
    time.sleep(0.01)
  else:
    pytest.fail('workers of a killed screen go on')
  code, _, err = command('--output=killed', '--best=500', library='long.csv')
  assert code == 0, err
  assert f'{150 * written} rows were screened before' in err
  found, once = predictions(folder / 'killed'), predictions(done)[:303]
  assert [row['row'] for row in found] == [f'row {i}' for i in range(2, 1820)]
  for mine, theirs in zip(found, once * 6, strict=True):
    assert (mine['smiles'], mine['name']) == (theirs['smiles'], theirs['name'])
    if not mine['error']:
      assert float(mine['probability']) == pytest.approx(float(theirs['probability']), abs=1e-6)
  hits = rows_of(folder / 'killed' / 'hits.csv')
  assert hits[0]['copies'].count('row') == 5
  different = {row['smiles'] for row in once if not row['error']}
  assert len(hits) == len(different)
  assert {hit['smiles'] for hit in hits} == different


def test_a_packed_library_without_labels(command, folder, done):
  (folder / 'few.smi.gz').write_bytes(gzip.compress(b'CCO a\nC1CC torn\nc1ccccc1 b\n'))
  code, out, err = command('--output=few', library='few.smi.gz')
  assert code == 0, err
  assert '2 of 3 rows predicted, 2 different molecules; 1 could not be read' in out
  assert not (folder / 'few' / 'enrichment.json').exists()
  assert 'known to be active' not in (folder / 'few' / 'screen.html').read_text()
  with files.locked(folder / 'few' / '.lock'):
    code, _, err = command('--output=few', library='few.smi.gz')
  assert code == 2
  assert 'another screen is at work there' in err


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    ((), 'error: --workdir: is missing'),
    (('--workdir=run',), 'error: --library: is missing'),
    (('--workdir=none', '--library=library.csv'), 'no run here'),
    (('--workdir=run', '--library=none.csv'), 'none.csv: cannot be read'),
    (('--workdir=run', '--library=library.csv', '--class=odd'), 'expected one of inactive, active'),
    (('--workdir=run', '--library=library.csv', '--class=inactive'), 'expected --lowest'),
    (('--workdir=run', '--library=library.csv', '--output=run'), 'files that are not of a screen'),
    (('--workdir=run', '--library=library.csv', '--actives=library.csv'), '--actives=library.csv'),
    (('--workdir=run', '--library=library.csv', '--best=0'), '--best'),
    (('more',), 'more: expected only flags'),
  ],
)
def test_mistakes_are_one_line(folder, monkeypatch, capsys, arguments, message):
  monkeypatch.chdir(folder)
  with pytest.raises(SystemExit) as stop:
    drug_screen.main(arguments)
  assert stop.value.code == 2
  err = capsys.readouterr().err.strip()
  assert message in err
  assert len(err.splitlines()) == 1
