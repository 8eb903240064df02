"""Classifiers and U-Nets of images: parameters as published, what is frozen, scales of pixels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import models

COUNTS = {
  'resnet18': 11_689_512,
  'resnet34': 21_797_672,
  'resnet50': 25_557_032,
  'densenet121': 7_978_856,
  'efficientnet_b0': 5_288_548,
  'convnext_tiny': 28_589_128,
  'vit_small': 22_050_664,
}
# Of segmentation_models_pytorch's Unet with the same encoder and one class.
UNETS = {
  'resnet18': 14_328_209,
  'resnet34': 24_436_369,
  'resnet50': 32_521_105,
  'densenet121': 13_607_633,
}


def shapes(model, side=224, channels=3):
  x = jnp.zeros((1, side, side, channels))
  return jax.eval_shape(lambda key: model.init(key, x), jax.random.key(0))['params']


def count(params):
  return sum(leaf.size for leaf in jax.tree.leaves(params))


@pytest.mark.parametrize('name', models.IMAGE_NETWORKS)
def test_parameters_of_classifiers_are_as_published_and_all_have_a_depth(name):
  model = models.image_network(name, outputs=1000)
  params = shapes(model)
  assert count(params) == COUNTS[name]
  named = [part for block in model.blocks for part in block]
  assert sorted(named) == sorted(params)


@pytest.mark.parametrize('name', UNETS)
def test_parameters_of_u_nets_are_as_published_and_all_have_a_depth(name):
  model = models.UNet(name)
  params = shapes(model, 64)
  assert count(params) == UNETS[name]
  inner = [f'encoder/{part}' for part in params.pop('encoder')]
  assert sorted(part for block in model.blocks for part in block) == sorted([*inner, *params])


@pytest.mark.parametrize('name', models.IMAGE_NETWORKS)
def test_small_grey_images_are_taken(name):
  model = models.image_network(name, outputs=2, small_images=True)
  x = jnp.zeros((2, 32, 32, 1))
  found = jax.eval_shape(lambda key: model.init_with_output(key, x)[0], jax.random.key(0))
  assert found.shape == (2, 2)


def test_a_u_net_takes_images_of_any_size():
  model = models.UNet('resnet18', outputs=3)
  x = jnp.zeros((1, 40, 70, 1))
  found = jax.eval_shape(lambda key: model.init_with_output(key, x)[0], jax.random.key(0))
  assert found.shape == (1, 40, 70, 3)


@pytest.mark.parametrize(
  ('make', 'message'),
  [
    (lambda: models.image_network('vgg'), 'image network vgg: expected one of resnet18'),
    (lambda: shapes(models.UNet('vgg'), 32), 'encoder vgg: expected one of resnet18'),
    (lambda: shapes(models.image_network('vit_small'), 100), 'expected sides that 16 divides'),
    (lambda: shapes(models.VisionTransformer(heads=5), 32), '5 heads do not divide 384'),
    (lambda: shapes(models.ConvNeXt(), 16), 'hold no patch of 2x2'),
    (lambda: shapes(models.DenseNet(), 8), 'too small to be halved'),
  ],
)
def test_what_cannot_be_is_an_error(make, message):
  with pytest.raises(ValueError, match=message):
    make()


SMALL = {
  'densenet': models.DenseNet(layers=(1,), growth=4, small_images=True, axis_name=None),
  'convnext': models.ConvNeXt(depths=(1, 1), widths=(4, 8), drop_path=0.5, layer_scale=1.0),
  'vit': models.VisionTransformer(patch=4, features=8, depth=1, heads=2),
}


@pytest.mark.parametrize('name', SMALL)
def test_what_is_frozen_is_run_as_in_prediction_and_gets_no_gradient(name):
  model = SMALL[name].clone(frozen=True)
  x = np.random.default_rng(0).normal(size=(3, 8, 8, 1)).astype(np.float32)
  variables = jax.jit(model.init)(jax.random.key(0), x)
  others = {k: v for k, v in variables.items() if k != 'params'}

  @jax.jit
  def run(params):
    def total(params):
      out, changed = model.apply(
        {'params': params, **others}, x, train=True, mutable=[*others],
        rngs={'dropout': jax.random.key(1)},
      )  # fmt: skip
      return out.sum(), (out, changed)

    return jax.grad(total, has_aux=True)(params)

  grads, (out, changed) = run(variables['params'])
  np.testing.assert_allclose(out, jax.jit(model.apply)(variables, x), atol=1e-5)
  jax.tree.map(np.testing.assert_array_equal, changed, others)
  head = model.blocks[-1][-1]
  learning = {name for name, part in grads.items() if np.any(jax.tree.leaves(part)[0])}
  assert head in learning
  assert learning <= set(model.blocks[-1])


def test_drop_path_leaves_out_whole_examples_and_keeps_the_mean():
  x = jnp.ones((4000, 2, 2))
  layer = models.DropPath(0.25)
  out = layer.apply({}, x, train=True, rngs={'dropout': jax.random.key(0)})
  of_example = out.reshape(4000, -1)
  assert (np.ptp(of_example, axis=1) == 0).all()
  np.testing.assert_allclose(np.unique(of_example), [0, 1 / 0.75], rtol=1e-6)
  assert out.mean() == pytest.approx(1, abs=4 * (0.25 / 0.75 / 4000) ** 0.5)
  np.testing.assert_array_equal(layer.apply({}, x), x)


def test_scales_of_pixels_are_those_of_the_libraries():
  x = np.random.default_rng(0).uniform(size=(1, 8, 8, 1)).astype(np.float32)
  seen = {}

  class Look(models.image_network('vit_small').__class__):
    def __call__(self, x, *, train=False):
      seen[self.outputs] = x
      return x

  for number, name in enumerate(models.PIXELS):
    models.Scaled(Look(outputs=number), name).apply({}, x)
  unit, imagenet, centred, xrayvision = (np.asarray(seen[i]) for i in range(4))
  np.testing.assert_array_equal(unit, x)
  assert imagenet.shape == (1, 8, 8, 3)
  np.testing.assert_allclose(imagenet[..., 1:2], (x - 0.456) / 0.224, rtol=1e-5, atol=1e-6)
  np.testing.assert_allclose(centred, 2 * x - 1, atol=1e-6)
  # torchxrayvision.utils.normalize: (2 * (image / 255) - 1) * 1024
  np.testing.assert_allclose(xrayvision, (2 * x - 1) * 1024, atol=1e-3)


def test_grad_cam_sees_the_last_maps_of_every_network():
  from medjax import explain

  x = np.random.default_rng(0).uniform(size=(1, 16, 16, 1)).astype(np.float32)
  for model in SMALL.values():
    model = models.Scaled(model, 'centred')
    variables = jax.jit(model.init)(jax.random.key(0), x)

    def score(x, target, model=model, variables=variables):
      return model.apply(variables, x)[:, 0]

    heat = explain.grad_cam(score, x, np.array([0]))
    assert heat.shape == (1, 16, 16)
    assert np.ptp(heat) > 0
