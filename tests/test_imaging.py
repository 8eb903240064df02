"""Experiments that tell images apart: every setting reaches what it is for."""

import dataclasses

import numpy as np
import pytest

from experiments import chest_xray, gi_histology, lung_cnn, medmnist
from medjax import imaging, models, optimizers, tasks
from medjax.data import augment, images
from medjax.data.simulate import histology
from medjax.errors import UserError

SMALL = {'simulated_train': 16, 'simulated_val': 8, 'simulated_test': 8}


def _small(config, size):
  return dataclasses.replace(
    config, data=dataclasses.replace(config.data, image_size=size, **SMALL)
  )


def test_every_setting_reaches_the_experiment():
  config = imaging.Config(
    data=images.Config(image_size=32, **SMALL),
    optimizer=optimizers.Settings('cosine', weight_decay=0.1, clip_norm=2.0),
    features=(4, 8),
    hidden=16,
    dropout=0.2,
    class_weight=0.5,
    balance=0.75,
    smoothing=0.1,
    augment='histology',
    mix='cutmix',
    average=0.9,
    views='symmetries',
    batch_size=8,
    num_epochs=3,
  )
  data = images.load(config.data, simulator=histology.simulate, classes=histology.CLASSES)
  assert data.example['image'].shape == (32, 32, 3)
  built = imaging.experiment(config, data)
  assert built.task == tasks.Multiclass(8, weights=(1.0,) * 8, smoothing=0.1)
  assert built.model == models.CNN(features=(4, 8), hidden=16, outputs=8, dropout=0.2)
  assert (built.balance, built.average, built.mix) == (0.75, 0.9, augment.CutMix())
  assert built.augment == augment.histology()
  assert len(built.views) == 8
  assert (built.optimizer.weight_decay, built.optimizer.clip_norm) == (0.1, 2.0)
  rates = [float(built.optimizer.learning_rate(step)) for step in (0, 3, 6)]
  np.testing.assert_allclose(rates, [1e-3, 5e-4, 0], atol=1e-9)


@pytest.mark.parametrize(
  ('module', 'size', 'network', 'classes'),
  [
    (chest_xray, 48, models.ResNet(depth=18, outputs=1, small_images=True), 2),
    (gi_histology, 32, models.CNN(hidden=128, outputs=8, dropout=0.3), 8),
    (medmnist, 28, None, 8),
  ],
)
def test_experiments_build_with_their_defaults(module, size, network, classes):
  built = module.build(_small(module.config(), size))
  assert len(built.data.classes) == classes
  if network is None:  # the published protocol has pixels in -1..1
    network = models.Scaled(models.ResNet(depth=18, outputs=8, small_images=True), 'centred')
  assert built.model == network


def test_the_protocol_of_medmnist():
  config = medmnist.config()
  assert (config.batch_size, config.num_epochs, config.learning_rate) == (128, 100, 1e-3)
  rate = config.optimizer.adam(config, 1280).learning_rate  # 10 updates an epoch
  np.testing.assert_allclose(
    [rate(s) for s in (0, 499, 501, 749, 751)], [1e-3] * 2 + [1e-4] * 2 + [1e-5]
  )


def test_options_that_classes_alone_have_are_refused_for_several(tmp_path):
  rng = np.random.default_rng(0)
  arrays = {}
  for split in ('train', 'val', 'test'):
    arrays[f'{split}_images'] = rng.integers(0, 256, (8, 28, 28), np.uint8)
    arrays[f'{split}_labels'] = rng.integers(0, 2, (8, 14), np.uint8)
  np.savez(tmp_path / 'chestmnist.npz', **arrays)
  config = medmnist.config()
  config.data = images.Config(source=str(tmp_path / 'chestmnist.npz'), image_size=28)
  config.class_weight = 0.5
  with pytest.raises(UserError, match=r'config\.class_weight'):
    medmnist.build(config)
  config.class_weight, config.smoothing = 0.0, 0.2
  assert medmnist.build(config).task == tasks.Multilabel(14, smoothing=0.2)


def test_lung_cnn_is_as_it_was():
  built = lung_cnn.build(_small(lung_cnn.Config(), 48))
  assert built.optimizer == optimizers.Adam(1e-3)
  assert built.model == models.CNN(features=(32, 64, 128), hidden=512, outputs=1)
  assert (built.augment, built.mix, built.views, built.balance, built.average) == (
    None,
    None,
    (),
    0,
    0,
  )
