"""A run is exported, its folder is gone, and what is said of new cases stays what it was."""

import csv
import functools
import json
import shutil

import numpy as np
import pytest
from lung import error
from PIL import Image
from safetensors import numpy as safetensors

import medjax
from experiments import drug_activity, lung_cnn, tabular_mlp
from medjax import config as config_lib
from medjax.data.simulate import clinic
from medjax.deploy.export import Network
from medjax.exported import container, program
from medjax.workdir import Workdir


def read(name):
  with open(name, newline='', encoding='utf-8') as file:
    return list(csv.DictReader(file))


def assert_same(one, other):
  """Cells are equal, numbers to 1e-6 of themselves, or of 1."""
  assert [list(row) for row in one] == [list(row) for row in other]
  for row, again in zip(one, other, strict=True):
    for name, cell in row.items():
      try:
        assert float(again[name]) == pytest.approx(float(cell), rel=1e-6, abs=1e-6)
      except ValueError:
        assert again[name] == cell


@pytest.fixture(scope='module')
def exported(trained, tmp_path_factory):
  """A folder with images, the CSV of ``predict`` with the run folder, and the model."""
  folder = tmp_path_factory.mktemp('exported')
  run = folder / 'run'
  shutil.copytree(trained, run)
  random = np.random.default_rng(0)
  for i in range(13):
    pixels = random.integers(0, 256, (60, 50), np.uint8)
    Image.fromarray(pixels).save(folder / f'{i:02}.png')
  (folder / '13.png').write_bytes(b'no image')
  names = [str(folder / f'{i:02}.png') for i in range(14)]
  for given in (
    ('predict', *names, f'--workdir={run}', f'--output={folder / "before.csv"}'),
    ('export', f'--workdir={run}', f'--output={folder / "model.medjax"}'),
    ('export', f'--workdir={run}', '--format=huggingface', f'--output={folder / "hub"}'),
  ):
    with pytest.raises(SystemExit) as stop:
      medjax.main(lung_cnn.Config(), lung_cnn.build, given)
    assert not stop.value.code
  return folder


def test_images_are_predicted_without_the_run_folder(exported, command, tmp_path):
  names = [str(exported / f'{i:02}.png') for i in range(14)]
  for model in ('model.medjax', 'hub'):
    code, out, err = command('predict', *names, f'--model={exported / model}')
    assert code == 0, err
    assert '13 predicted, 1 could not be read' in out
    rows = read('predict.csv')
    assert_same(read(exported / 'before.csv'), rows)
    assert rows[13]['error']
  assert sorted(path.name for path in tmp_path.iterdir()) == ['predict.csv']


def test_load_says_of_arrays_what_predict_says_of_files(exported):
  model = medjax.load(exported / 'model.medjax')
  rows = read(exported / 'before.csv')[:13]
  assert model.inputs == {'image': {'dtype': 'uint8', 'shape': ['batch', 48, 48, 3]}}
  config = config_lib.from_dict(lung_cnn.Config(), model.manifest['config'])
  config.data.stored = model.manifest['data']
  cases = lung_cnn.build(config).data.modality.open([row['file'] for row in rows])
  arrays = [case.load() for case in cases]
  for count in (1, 3, 13):
    said = model(arrays[:count])
    expected = [float(row['probability']) for row in rows[:count]]
    np.testing.assert_allclose(said['probability'], expected, atol=1e-6)
    assert said['call'].tolist() == [row['call'] for row in rows[:count]]
    assert said['decision'].tolist() == [row['decision'] for row in rows[:count]]
    for held, row in zip(said['set'], rows, strict=False):
      assert ' | '.join(np.array(model.classes)[held]) == row['set']
  assert 'Model card: lung_cnn' in model.card


def test_the_program_is_for_every_platform_and_calls_no_kernel(exported, trained):
  manifest, members = container.read(exported / 'model.medjax')
  about, weights = manifest['program'], safetensors.load(members[container.WEIGHTS])
  assert about['platforms'] == ['cpu', 'cuda', 'tpu']
  made = program.read(members[container.PROGRAM], about, weights)
  text = made.mlir_module()
  assert 'convolution' in text
  assert all('@shape_assertion' in line for line in text.splitlines() if 'custom_call' in line)
  assert b'medjax/' not in members[container.PROGRAM]
  config = Workdir(trained).stored(lung_cnn.Config())
  config.data.stored = manifest['data']
  network = Network.of_run(lung_cnn.build(config), Workdir(trained))
  assert network.weights.keys() == weights.keys()
  for name, array in network.weights.items():
    np.testing.assert_array_equal(weights[name], array)


def test_the_folder_for_the_hub(exported, command):
  hub = exported / 'hub'
  assert sorted(path.name for path in hub.iterdir()) == [
    'README.md', 'card.md', 'config.json', 'manifest.json', 'model.safetensors',
    'program.stablehlo',
  ]  # fmt: skip
  head, text = (hub / 'README.md').read_text().removeprefix('---\n').split('\n---\n')
  assert head.splitlines()[0] == 'library_name: jax'
  assert 'Not a medical device' in text
  assert "medjax.load('" in text
  config = json.loads((hub / 'config.json').read_text())
  assert config['id2label'] == {'0': 'no cancer', '1': 'cancer'}
  assert safetensors.load_file(hub / 'model.safetensors')['params/Dense_0/kernel'].shape[1] == 64
  run = f'--workdir={exported / "run"}'
  (exported / 'full').mkdir()
  (exported / 'full' / 'thesis.tex').write_text('mine')
  again = ('export', run, '--format=huggingface')
  assert command(*again, f'--output={hub}')[0] == 0
  assert 'holds files that are no export' in error(command(*again, f'--output={exported / "full"}'))
  file = exported / '00.png'
  assert 'is a file; expected the name of a folder' in error(command(*again, f'--output={file}'))


def test_mistakes_are_said_in_one_line(exported, command, run_experiment, tmp_path):
  model, image = exported / 'model.medjax', str(exported / '00.png')
  predict = ('predict', image, f'--model={model}')
  for given, line in (
    ((*predict, '--workdir=run'), '--workdir: needs a run folder; expected no --model with it'),
    ((*predict, '--variants=a.vcf'), '--variants: needs a run folder; expected no --model with it'),
    ((*predict, '--config.hidden=8'), 'is of a run with config.hidden=64, not 8'),
    (('predict', image, '--model=none'), 'none: no such file; expected a model of export'),
    (('predict', image, f'--model={image}'), 'is no model of export, or cut off'),
    (('predict', f'--model={model}'), 'predict: expected files or folders after it'),
    (('train', f'--model={model}'), '--model: is a flag of predict and serve, not of train'),
    (('export', '--workdir=none'), '--workdir=none: no run here'),
    (('export', f'--workdir={exported / "run"}', '--format=keras'), '--format=keras: expected one'),
    (('export', f'--workdir={exported / "run"}', '--output=.'), '--output=.: is a folder'),
  ):
    assert line in error(command(*given))
  found = error(run_experiment(tabular_mlp, *predict))
  assert 'is of the experiment lung_cnn, not of tabular_mlp; run python -m exp' in found
  damaged = bytearray(model.read_bytes())
  damaged[len(damaged) // 2] ^= 1
  (tmp_path / 'damaged').write_bytes(damaged)
  found = error(command('predict', image, f'--model={tmp_path / "damaged"}'))
  assert 'model.safetensors in it is damaged' in found
  assert 'is damaged' in found
  assert list(tmp_path.iterdir()) == [tmp_path / 'damaged']
  assert command(*predict, '--config.num_devices=1', '--output=x.csv')[0] == 0


def test_a_run_without_an_evaluation_is_refused(trained, command, tmp_path):
  shutil.copytree(trained, tmp_path / 'run')
  (tmp_path / 'run' / 'card.md').unlink()
  assert 'no model card yet; run evaluate first' in error(command('export', '--workdir=run'))
  (tmp_path / 'run' / 'decision.json').unlink()
  assert 'not evaluated yet; run evaluate first' in error(command('export', '--workdir=run'))
  assert not (tmp_path / 'run' / 'model.medjax').exists()


@pytest.mark.parametrize('labels', ['classes', 'numbers'])
def test_rows_of_a_table(run_experiment, tmp_path, labels):
  command = functools.partial(run_experiment, tabular_mlp)
  patients = clinic.simulate(1, 160)
  if labels == 'numbers':
    column = next(name for name in patients[0] if name not in ('patient', 'id'))
    about = ('--config.data.labels=numbers', f'--config.data.label_column={column}')
  else:
    about = ()
  with open('table.csv', 'w', newline='') as file:
    writer = csv.DictWriter(file, patients[0])
    writer.writeheader()
    writer.writerows(patients)
  settings = ('--config.num_epochs=2', '--config.features=8', *about)
  source = ('--config.data.source=table.csv',)
  code, _, err = command(*source, *settings, '--config.explanation=none', '--workdir=run')
  assert code == 0, err
  assert command('predict', 'table.csv', '--workdir=run', '--output=before.csv')[0] == 0
  assert command('export', '--workdir=run', '--output=m.medjax')[0] == 0
  shutil.rmtree('run')
  code, _, err = command('predict', 'table.csv', '--model=m.medjax', '--output=after.csv')
  assert code == 0, err
  before = read('before.csv')
  assert len(before) == 160
  assert_same(before, read('after.csv'))
  model = medjax.load('m.medjax')
  assert model.manifest['data']['notes'] == []
  assert len(model.manifest['data']['details']['inputs']) == model.inputs['values']['shape'][1]


def test_molecules_as_graphs_and_the_members_of_an_ensemble(run_experiment, tmp_path):
  command = functools.partial(run_experiment, drug_activity)
  lines = ['smiles,active']
  for i in range(60):
    lines.append(f'{"C" * (1 + i // 4)}{"N(C)O"[: i % 4 // 2 * 4 + 1]}{"F" * (i % 2)},{i % 2}')
  (tmp_path / 'few.csv').write_text('\n'.join(lines))
  (tmp_path / 'new.smi').write_text('\n'.join(['C', 'CCO', 'C' * 60, 'C1CC torn']))
  settings = (
    '--config.network=dmpnn', '--config.hidden=16', '--config.depth=2', '--config.members=2',
    '--config.features=8', '--config.data.bits=128', '--config.batch_size=16',
    '--config.data.split=random', '--config.num_epochs=1', '--config.explanation=none',
  )  # fmt: skip
  code, _, err = command('--config.data.source=few.csv', *settings, '--workdir=run')
  assert code == 0, err
  assert command('predict', 'new.smi', '--workdir=run', '--output=before.csv')[0] == 0
  assert command('export', '--workdir=run', '--output=m.medjax')[0] == 0
  assert '--format=onnx: ' in error(command('export', '--workdir=run', '--format=onnx'))
  shutil.rmtree('run')
  code, _, err = command('predict', 'new.smi', '--model=m.medjax', '--output=after.csv')
  assert code == 0, err
  before = read('before.csv')
  assert [bool(row['error']) for row in before] == [False, False, False, True]
  assert all(row['spread'] and row['domain'] for row in before[:3])
  assert_same(before, read('after.csv'))
