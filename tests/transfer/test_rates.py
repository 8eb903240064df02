"""Learning rates by depth, and settings that contradict each other."""

import jax
import jax.numpy as jnp
import pytest

from medjax import config as config_lib
from medjax import models, transfer
from medjax.errors import UserError


def rates_of(network, **settings):
  given = transfer.WeightSettings(weights='w.pth', **settings)
  model = transfer.prepared(given, network)
  x = jnp.zeros((1, 32, 32, 3))
  params = jax.eval_shape(lambda key: model.init(key, x), jax.random.key(0))['params']
  return transfer.rates(given, network)(params)['network']


def test_rates_fall_from_the_outputs_to_the_image():
  network = models.VisionTransformer(patch=8, features=8, depth=3, heads=2)
  found = rates_of(network, backbone_rate=0.5, layer_decay=0.8)
  blocks = [found[name] for name in ('head', 'norm', 'block2', 'block1', 'block0', 'pos_embed')]
  expected = [1, *(0.5 * 0.8**i for i in (1, 1, 2, 3, 4))]
  assert [jax.tree.leaves(block)[0] for block in blocks] == pytest.approx(expected)


def test_of_a_frozen_u_net_the_decoder_learns():
  found = rates_of(models.UNet('resnet18'), frozen='backbone')
  assert set(jax.tree.leaves(found.pop('encoder'))) == {0.0}
  assert set(jax.tree.leaves(found)) == {1.0}


def test_without_settings_all_learn_alike():
  assert transfer.rates(transfer.WeightSettings(), models.ResNet()) is None


@pytest.mark.parametrize(
  ('weights', 'network', 'expected'),
  [
    ('', models.ResNet(), 'unit'),
    ('runs/a', models.ResNet(), 'unit'),
    ('a.pth', models.ResNet(), 'imagenet'),
    ('a.safetensors', models.VisionTransformer(), 'centred'),
  ],
)
def test_scales_that_are_chosen_by_themselves(weights, network, expected):
  settings = transfer.WeightSettings(weights=weights)
  assert settings.scale(network) == expected
  scaled = transfer.prepared(settings, network)
  assert scaled == (network if expected == 'unit' else models.Scaled(network, expected))
  source = transfer.source(settings, network)
  assert source == (transfer.Source(weights, expected) if weights else None)


@pytest.mark.parametrize(
  ('settings', 'message'),
  [
    ({'frozen': 'backbone'}, 'would keep random weights as they are'),
    ({'frozen': 'backbone', 'weights': 'a', 'layer_decay': 0.5}, 'model.layer_decay=0.5: the'),
    ({'frozen': 'backbone', 'weights': 'a', 'backbone_rate': 0.5}, 'model.backbone_rate=0.5: the'),
    ({'layer_decay': 0.0}, 'expected a number from 0.1 to 1.0'),
    ({'name': 'vgg'}, 'expected one of resnet18'),
  ],
)
def test_settings_that_contradict_each_other(settings, message):
  with pytest.raises(UserError, match=message):
    config_lib.check(transfer.ModelSettings(**settings))
