"""The default experiment from the weights of another run, by the command line."""

import shutil

import lung
import numpy as np

from experiments import lung_cnn
from medjax import models
from medjax.training.checkpoint import Checkpoints
from medjax.workdir import Workdir

LAST = '--config.num_epochs=1'


def variables(folder):
  workdir = Workdir(folder)
  with Checkpoints(workdir.checkpoints, 1000, workdir.identity()) as checkpoints:
    return checkpoints.variables(checkpoints.best())


def test_only_the_outputs_learn_and_nothing_but_training_needs_the_source(
  trained, command, make_images, tmp_path
):
  source = tmp_path / 'source'
  shutil.copytree(trained, source)
  arguments = [
    *lung.SMALL, LAST, f'--config.model.weights={source}', '--config.model.frozen=backbone',
    '--workdir=run',
  ]  # fmt: skip
  code, _, err = command(*arguments)
  assert code == 0, err
  assert f'tensors of {source} (sha256:' in err
  assert 'weights: the outputs are those of' in err
  before, after = variables(source), variables('run')
  for name, array in before.items():
    changed = not np.array_equal(array, after[name])
    assert changed == name.startswith('Dense_1')
  shutil.rmtree(source)
  assert command('evaluate', '--workdir=run')[0] == 0
  image = make_images(tmp_path / 'new', 2, size=48)[0]
  assert command('predict', str(tmp_path / 'new' / image), '--workdir=run')[0] == 0


def test_weights_that_do_not_fit_claim_no_folder(trained, command, tmp_path):
  for more, message in (
    ([f'--config.model.weights={tmp_path}'], 'no run with a checkpoint there'),
    (['--config.model.weights=none.pth'], 'none.pth: cannot be read: No such file'),
    ([f'--config.model.weights={trained}', '--config.hidden=8'], 'tensor Dense_0/bias has shape'),
    (['--config.model.frozen=backbone'], 'would keep random weights as they are'),
  ):
    found = lung.error(command(*lung.SMALL, *more, '--workdir=run'))
    assert message in found
    assert not (tmp_path / 'run').exists()


def test_every_network_can_be_chosen(make_images, tmp_path, monkeypatch):
  monkeypatch.setenv('MEDJAX_CACHE', str(tmp_path / 'cache'))
  make_images(tmp_path / 'few', 40)
  for name in models.IMAGE_NETWORKS:
    config = lung_cnn.Config(network=name)
    config.data.source, config.data.image_size = str(tmp_path / 'few'), 32
    config.model.weights = 'w.pth'
    built = lung_cnn.build(config)
    pixels = 'centred' if name == 'vit_small' else 'imagenet'
    assert built.model == models.Scaled(models.image_network(name, outputs=1), pixels)
    assert built.start.path == 'w.pth'
