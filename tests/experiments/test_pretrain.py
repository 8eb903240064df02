"""Pretraining without labels, shrunk, from the command line, and what starts from it."""

import csv
import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import PIL.Image
import pytest

from experiments import pretrain
from medjax import models
from medjax.training import weights
from medjax.transfer import fit

SMALL = (
  '--config.data.image_size=32',
  '--config.data.channels=1',
  '--config.augment=radiograph',
  '--config.embedding=8',
  '--config.features=4',
  '--config.batch_size=8',
  '--config.num_epochs=2',
  '--config.num_devices=1',
)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  """Images in folders that say nothing of them."""
  folder = tmp_path_factory.mktemp('pretrain')
  for i in range(40):
    path = folder / 'films' / f'ward {i % 3}' / f'{i}.png'
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(i).integers(0, 255, (4, 4), np.uint8)
    PIL.Image.fromarray(pixels).resize((32, 32)).save(path)
  return folder


@pytest.fixture(scope='module')
def command(folder, run_in):
  """Runs the command line in this process, in one folder for all tests; gives the exit code."""
  return functools.partial(run_in, folder, pretrain)


@pytest.fixture(scope='module')
def trained(command, folder):
  assert command(*SMALL, '--config.data.source=films', '--workdir=run') == 0
  return folder / 'run'


def test_the_run_says_how_many_images_are_recognised(trained):
  found = json.loads((trained / 'evaluation.json').read_text())['test']
  assert 0 <= found['recognised']['value'] <= found['near']['value'] <= 1
  page = (trained / 'report.html').read_text()
  assert 'Among the 5 nearest' in page
  assert '6 compared test cases' in page
  assert 'an embedding of each image' in (trained / 'card.md').read_text()


def test_predict_writes_an_embedding_of_each_image(trained, command, folder):
  assert command('predict', 'films/ward 1', '--workdir=run', '--output=out.csv') == 0
  with open(folder / 'out.csv', newline='') as file:
    rows = list(csv.DictReader(file))
  assert len(rows) == 13
  assert all(np.isfinite(float(row[f'embedding_{i}'])) for row in rows for i in range(1, 9))


def test_stains_of_grey_images_are_refused_in_one_line(command, folder, capsys):
  arguments = (*SMALL, '--config.data.source=films', '--config.augment=histology')
  assert command(*arguments, '--workdir=other') == 2
  assert 'error: config.augment=histology: changes stains' in capsys.readouterr().err
  assert not (folder / 'other').exists()


def test_preview_shows_both_views_side_by_side(command, folder):
  arguments = (*SMALL, '--config.data.source=films', '--workdir=seen', '--preview')
  assert command(*arguments) == 0
  (picture,) = (folder / 'seen').glob('*.png')
  assert PIL.Image.open(picture).width > 4 * 3 * 32


def test_classifiers_and_u_nets_start_from_its_encoder_but_for_the_outputs(trained):
  given = weights._read(trained).tensors
  x = jnp.zeros((1, 32, 32, 1))
  for network in (models.image_network('resnet18', outputs=8), models.UNet('resnet18', 1)):
    shapes = jax.eval_shape(network.init, jax.random.key(0), x)
    empty = jax.tree.map(lambda leaf: np.full(leaf.shape, 7, leaf.dtype), shapes)
    taken, notes = fit.fit(network, empty, given)
    encoder = taken['params'].get('encoder', taken['params'])
    first = given.found['encoder/Conv_0/kernel']
    np.testing.assert_array_equal(encoder['Conv_0']['kernel'], first)
    assert (encoder['Dense_0']['bias'] == 7).all() if 'Dense_0' in encoder else True
    assert any('are new' in note or 'is new' in note for note in notes)
