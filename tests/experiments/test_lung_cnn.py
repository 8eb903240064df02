"""The default experiment, shrunk: what a user sees from the command line."""

import csv
import errno
import json
import pathlib
import shutil
import sys

import jax
import numpy as np
import pytest
import reseal
from lung import SMALL, error
from PIL import Image

from experiments import lung_cnn
from medjax import config as config_lib
from medjax import models
from medjax.workdir import Workdir


def test_a_run_leaves_every_file(trained):
  names = {path.name for path in trained.iterdir()}
  assert names >= {
    'config.json', 'environment.json', 'data.json', 'metrics.jsonl', 'tensorboard', 'checkpoints',
    'predictions', 'evaluation.json', 'report.html',
  }  # fmt: skip
  evaluation = Workdir(trained).read(trained / 'evaluation.json')
  assert set(evaluation) == {'val', 'test'}
  assert 0 <= evaluation['test']['auroc']['low'] <= evaluation['test']['auroc']['high'] <= 1
  with open(trained / 'predictions' / 'test.csv') as file:
    rows = list(csv.DictReader(file))
  assert len(rows) == 40
  assert {'id', 'label', 'probability', 'group', 'split', 'diameter_mm'} <= rows[0].keys()
  assert 'SIMULATED' in (trained / 'report.html').read_text()
  environment = json.loads((trained / 'environment.json').read_text())
  assert environment['experiment'] == 'lung_cnn'
  assert environment['versions']['jax']
  assert environment['seconds'] > 0


def test_the_same_command_again_says_the_same(trained, command):
  code, out, _ = command(*SMALL, f'--workdir={trained}')
  assert code == 0
  assert 'test AUROC: ' in out
  assert f'report: {trained}/report.html' in out


def test_evaluate_needs_only_the_folder(trained, command):
  before = (trained / 'evaluation.json').read_text()
  code, out, _ = command('evaluate', '--again', f'--workdir={trained}')
  assert code == 0
  assert '95% interval' in out
  assert (trained / 'evaluation.json').read_text() == before


def test_another_config_in_the_folder_is_refused(trained, command):
  message = error(command(*SMALL, '--config.seed=3', f'--workdir={trained}'))
  assert 'holds a run with config.seed=0, not 3' in message
  message = error(command('evaluate', '--config.seed=3', f'--workdir={trained}'))
  assert 'holds a run with config.seed=0, not 3' in message


def test_predict_reports_every_file_and_goes_on(trained, command, tmp_path):
  rng = np.random.default_rng(0)
  grey = rng.integers(0, 255, (64, 64), np.uint8)
  folder = tmp_path / 'images'
  folder.mkdir()
  Image.fromarray(grey).save(folder / 'a.png')
  Image.fromarray(grey.astype(np.uint16) * 16).save(folder / 'deep.png')
  Image.fromarray(grey).convert('RGBA').save(folder / 'rgba.png')
  Image.fromarray(grey).convert('P').save(folder / 'palette.png')
  Image.fromarray(grey).save(folder / 'jpeg.txt', 'JPEG')
  Image.new('L', (1, 1)).save(folder / 'one.png')
  Image.new('1', (20_000, 20_000)).save(folder / 'huge.png')
  (folder / 'zero.png').write_bytes(b'')
  (folder / 'text.png').write_text('hello')
  (folder / 'notes.csv').write_text('not, an, image')
  whole = (folder / 'a.png').read_bytes()
  (folder / 'cut.png').write_bytes(whole[: len(whole) // 2])
  code, out, _ = command(
    'predict', str(folder), 'absent.png', f'--workdir={trained}', '--output=found.csv'
  )
  assert code == 0
  with open('found.csv') as file:
    rows = {row['file'].rsplit('/', 1)[-1]: row for row in csv.DictReader(file)}
  good = {'a.png', 'deep.png', 'rgba.png', 'palette.png', 'jpeg.txt'}
  bad = {'one.png', 'huge.png', 'zero.png', 'text.png', 'cut.png', 'absent.png', 'notes.csv'}
  assert set(rows) == good | bad
  fitted = json.loads((trained / 'decision.json').read_text())
  for name in good:
    probability = float(rows[name]['probability'])
    called = probability >= fitted['threshold']['value']
    assert rows[name]['call'] == ('cancer' if called else 'no cancer')
    names = rows[name]['set'].split(' | ')
    assert rows[name]['decision'] == (names[0] if len(names) == 1 else 'abstain')
    assert not rows[name]['error']
  for name in ('rgba.png', 'palette.png', 'deep.png'):
    assert float(rows[name]['probability']) == pytest.approx(
      float(rows['a.png']['probability']), abs=0.02
    )
  for name in bad:
    assert rows[name]['error']
    assert not rows[name]['probability']
  assert '1x1' in rows['one.png']['error']
  assert 'empty' in rows['zero.png']['error']
  assert 'table file; expected DICOM' in rows['notes.csv']['error']
  assert '5 predicted, 7 could not be read' in out
  assert 'huge.png' in out


def test_predict_calls_and_abstains_as_was_validated(trained, command, tmp_path):
  image = tmp_path / b'fr\xe9d\xe9ric.png'.decode(errors='surrogateescape')
  Image.new('L', (64, 64), 90).save(image)
  run = tmp_path / 'run'
  shutil.copytree(trained, run)
  fitted = json.loads((run / 'decision.json').read_text())

  def predict():
    (run / 'decision.json').write_text(json.dumps(fitted))
    reseal.run_folder(run)
    assert command('predict', str(tmp_path), f'--workdir={run}', '--output=found.csv')[0] == 0
    with open('found.csv', encoding='utf-8') as file:
      (row,) = (row for row in csv.DictReader(file) if 'fr' in row['file'].rsplit('/', 1)[-1])
    assert row['file'].endswith('fr\\udce9d\\udce9ric.png')
    return row

  for threshold, call in ((0.0, 'cancer'), (1.1, 'no cancer')):
    fitted['threshold']['value'] = threshold
    assert predict()['call'] == call
  for least, held, decision in (
    ([0.0, 1.1], 'no cancer', 'no cancer'),
    ([1.1, 0.0], 'cancer', 'cancer'),
    ([0.0, 0.0], 'no cancer | cancer', 'abstain'),
    ([1.1, 1.1], '', 'abstain'),
  ):
    fitted['conformal']['least'] = least
    row = predict()
    assert (row['set'], row['decision']) == (held, decision)
  fitted['calibration'] |= {'method': 'isotonic', 'steps': [[[0.0, 0.25], [1.0, 0.25]]]}
  assert float(predict()['probability']) == 0.25
  fitted['checkpoint_step'] += 1
  (run / 'decision.json').write_text(json.dumps(fitted))
  reseal.run_folder(run)
  assert 'run evaluate again' in error(command('predict', str(image), f'--workdir={run}'))
  (run / 'decision.json').write_text('{}')
  assert 'has no digest' in error(command('predict', str(image), f'--workdir={run}'))


def test_evaluate_takes_another_operating_point_calibration_and_coverage(
  trained, command, tmp_path
):
  run = tmp_path / 'run'
  shutil.copytree(trained, run)
  code, _, _ = command(
    'evaluate',
    f'--workdir={run}',
    '--config.operating_point=sensitivity',
    '--config.operating_target=1',
    '--config.calibration=none',
    '--config.conformal=split',
    '--config.coverage=0.8',
  )
  assert code == 0
  found = json.loads((run / 'evaluation.json').read_text())
  assert found['val']['sensitivity']['value'] == 1.0
  assert 'sensitivity of at least 1' in found['test']['threshold']['reason']
  assert 'ece_uncalibrated' not in found['test']
  fitted = json.loads((run / 'decision.json').read_text())
  assert fitted['calibration']['method'] == 'none'
  assert (fitted['conformal']['method'], fitted['conformal']['coverage']) == ('split', 0.8)
  again = command('evaluate', f'--workdir={run}', '--config.calibration=isotonic')
  assert again[0] == 0
  calibrated = json.loads((run / 'evaluation.json').read_text())
  assert calibrated['test']['ece_uncalibrated'] == found['test']['ece']
  assert calibrated['test']['log_loss_uncalibrated'] == found['test']['log_loss']
  # On the cases that it was fitted to, the rising line has the smallest squared error.
  assert calibrated['val']['brier']['value'] <= found['val']['brier']['value']


def test_compare_two_runs(trained, command, tmp_path):
  other = tmp_path / 'other'
  shutil.copytree(trained, other)
  test = other / 'predictions' / 'test.csv'
  with open(test) as file:
    rows = list(csv.DictReader(file))
  for row in rows:
    row['probability'] = str((float(row['probability']) * 7.3) % 1)
  with open(test, 'w', newline='') as file:
    writer = csv.DictWriter(file, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
  reseal.run_folder(other)
  code, out, _ = command('compare', str(trained), str(other))
  assert code == 0
  assert 'auroc' in out
  assert '40 cases of 40 groups' in out
  assert 'two-sided' in out
  code, out, _ = command('compare', str(trained), str(other), '--split=val')
  assert code == 0
  assert 'val: ' in out
  assert 'found 1' in error(command('compare', str(trained)))
  assert 'no predictions of test there' in error(command('compare', str(trained), 'nowhere'))
  test.write_text('\n'.join(test.read_text().splitlines()[:-1]) + '\n')
  reseal.run_folder(other)
  assert 'other cases' in error(command('compare', str(trained), str(other)))


def test_predict_needs_only_the_run_and_evaluate_its_own_data(command, make_images, tmp_path):
  """Other images at the source change no decision, and are not taken for the run's own."""
  source = tmp_path / 'images'
  source.mkdir()
  names = make_images(source, 40, size=48)
  rows = [f'{name},{("well", "ill")[i % 2]}' for i, name in enumerate(names)]
  (source / 'labels.csv').write_text('\n'.join(['file,label', *rows]))
  arguments = [*SMALL, f'--config.data.source={source}', '--workdir=run']
  assert command(*arguments)[0] == 0
  image = next(source.rglob('*.png'))
  copied = tmp_path / 'chest.png'
  shutil.copy(image, copied)
  assert command('predict', str(copied), '--workdir=run', '--output=before.csv')[0] == 0
  labels = source / 'labels.csv'
  labels.write_text(labels.read_text().replace('well', 'zz'))
  assert command('predict', str(copied), '--workdir=run', '--output=after.csv')[0] == 0
  assert pathlib.Path('before.csv').read_text() == pathlib.Path('after.csv').read_text()
  assert 'the data have changed' in error(command('evaluate', '--workdir=run'))
  shutil.rmtree(source)
  assert command('predict', str(copied), '--workdir=run')[0] == 0


def test_a_mistake_does_not_claim_the_folder(command):
  assert 'no such folder' in error(command('--config.data.source=/nowhere', '--workdir=run'))
  assert not pathlib.Path('run').exists()


def test_a_full_or_read_only_disk_is_one_line(command, monkeypatch):
  def full(*_, **__):
    raise OSError(errno.ENOSPC, 'No space left on device', 'runs/a/config.json')

  monkeypatch.setattr('medjax.cli.Workdir.claim', full)
  code, _, err = command(*SMALL, '--workdir=run')
  assert code == 74
  assert err.splitlines()[-1].startswith('error: runs/a/config.json: no space left on the disk')


def test_too_little_memory_is_one_line(command, monkeypatch):
  def exhausted(*_, **__):
    raise jax.errors.JaxRuntimeError('RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes.')

  monkeypatch.setattr('medjax.training.loop.train', exhausted)
  message = error(command(*SMALL, '--workdir=run'))
  assert 'the device has too little memory; try a smaller config.batch_size' in message


def test_predict_agrees_with_the_evaluation(trained, command, tmp_path):
  """The stored test images as files get the probabilities that evaluation wrote."""
  from medjax.data.images import decode

  config = Workdir(trained).stored(lung_cnn.Config())
  split = lung_cnn.build(config).data.splits['test']
  for i in range(5):
    png = decode.encode(split.read([i])['image'][0])
    (tmp_path / f'{split.id[i]}.png').write_bytes(png)
  command('predict', str(tmp_path), f'--workdir={trained}', '--output=found.csv')
  with open(trained / 'predictions' / 'test.csv') as file:
    expected = {row['id']: float(row['probability']) for row in csv.DictReader(file)}
  with open('found.csv') as file:
    found = {row['file'].rsplit('/', 1)[-1][:-4]: row for row in csv.DictReader(file)}
  for i in range(5):
    name = split.id[i]
    assert float(found[name]['probability']) == pytest.approx(expected[name], abs=1e-5)


def test_preview_shows_the_inputs_before_and_after(command, tmp_path):
  code, out, _ = command(*SMALL, '--preview', '--output=seen.png', '--config.augment=radiograph')
  assert code == 0
  assert 'preview: seen.png' in out
  picture = np.asarray(Image.open('seen.png').convert('L'))
  assert min(picture.shape) >= 96
  assert picture.std() > 10


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    (
      ['--config.batchsize=3'],
      '--config.batchsize=3: no such setting; did you mean --config.batch_size?',
    ),
    (['--config.batch_size=x'], 'config.batch_size=x: expected a whole number of at least 1'),
    (['--confg.seed=1'], '--confg.seed=1: no such setting; did you mean --config.seed?'),
    (['--config.augment=radio'], 'config.augment=radio: expected one of none, radiograph'),
    (['--config.data.source=/nowhere'], 'config.data.source=/nowhere: no such folder'),
    (['--config.data.image_size=16'], 'config.data.image_size=16: size must be from 32'),
    (
      [*SMALL, '--config.features=4,4,4,4,4,4'],
      'the model does not take these data: images of 48x48',
    ),
    (
      ['trian'],
      'predict, explain, export, serve, motifs, sample, audit, plan; did you mean train?',
    ),
    (
      ['evaluate', 'a.png'],
      'only validate, compare, predict, explain, motifs and audit take files or folders',
    ),
    (['evaluate', '--workdir=nowhere'], '--workdir=nowhere: no run here'),
    (['evaluate'], 'no run here'),
    (['predict', 'a.png', '--workdir=nowhere'], 'no run here'),
    (['--config.features=0,4'], 'config.features=0,4: expected comma-separated int values'),
    (['--config.lerning_rate=1'], 'error: --config.lerning_rate=1: no such setting'),
    ([*SMALL, '--preview', '--output=.'], '--output=.: is a folder'),
    (['--config.num_devices=99'], 'config.num_devices=99: expected at most'),
  ],
)
def test_mistakes_are_one_line(command, arguments, message):
  assert message in error(command(*arguments))


def test_help_lists_every_setting_with_default_and_meaning(command):
  code, out, _ = command('--help')
  assert code == 0
  for leaf in config_lib.leaves(lung_cnn.Config()):
    assert f'--config.{leaf.name}={config_lib.spell(leaf.value)}\n' in out
    assert leaf.meaning in out
    assert leaf.meaning.endswith('.')


def test_a_folder_of_many_classes_trains_too(command, shared_data):
  source = shared_data('gi_kather')
  code, out, err = command(
    *SMALL, f'--config.data.source={source}', '--config.data.split_column=', '--workdir=tissue'
  )
  assert code == 0, err
  assert 'test AUROC' in out


def test_a_residual_network_and_class_weights_on_a_folder(make_images, tmp_path, monkeypatch):
  """What the command line asks for is what is built; that it trains is tested with the network."""
  monkeypatch.setenv('MEDJAX_CACHE', str(tmp_path / 'cache'))
  make_images(tmp_path / 'few', 40)
  config = lung_cnn.Config(network='resnet34', class_weight=1.0)
  config.data.source, config.data.image_size = str(tmp_path / 'few'), 16
  built = lung_cnn.build(config)
  assert built.model == models.ResNet(depth=34, outputs=1, small_images=True)
  counts = np.bincount(built.data.splits['train'].label)
  np.testing.assert_allclose(built.task.weights, counts.sum() / (2 * counts))


@pytest.mark.slow
def test_tensorflow_is_never_imported():
  """In a process where it is not there, whatever is installed, the whole command goes through."""
  import os
  import subprocess

  code = (
    'import sys, runpy\n'
    'from importlib.machinery import PathFinder\n'
    'find = PathFinder.find_spec\n'
    'def find_others(name, path=None, target=None):\n'
    "  return None if name.split('.')[0] == 'tensorflow' else find(name, path, target)\n"
    'PathFinder.find_spec = find_others\n'
    f"sys.argv = ['lung_cnn', *{SMALL!r}, '--workdir=run']\n"
    'try:\n'
    "  runpy.run_module('experiments.lung_cnn', run_name='__main__', alter_sys=True)\n"
    'except SystemExit as stop:\n'
    "  assert not any(name.split('.')[0] == 'tensorflow' for name in sys.modules)\n"
    '  sys.exit(stop.code)\n'
  )
  environment = os.environ | {'PYTHONPATH': os.pathsep.join(p for p in sys.path if p)}
  done = subprocess.run(
    [sys.executable, '-c', code], capture_output=True, text=True, env=environment, timeout=300,
    cwd=os.environ['MEDJAX_CACHE'],
  )  # fmt: skip
  assert done.returncode == 0, done.stderr[-2000:]
  assert 'test AUROC' in done.stdout
