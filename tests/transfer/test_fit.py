"""Which tensor goes where: names and shapes of the libraries, channels, outputs, and refusals."""

import functools
import json
import pathlib

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import models
from medjax.errors import UserError
from medjax.transfer import files, fit, layout, names

# Of torchvision 0.29 and timm 1.0: names and shapes, a list for each library that has the network.
PUBLISHED = json.loads((pathlib.Path(__file__).parent / 'published_tensors.json').read_text())


@functools.cache
def shapes(model, side=224, channels=3):
  x = jnp.zeros((1, side, side, channels))
  return jax.eval_shape(lambda key: model.init(key, x), jax.random.key(0))


def tensors(name, library=0, **changed):
  """Random tensors under a library's names."""
  random = np.random.default_rng(0)
  found = {
    k: random.normal(size=shape).astype(np.float32) for k, shape in PUBLISHED[name][library].items()
  }
  return fit.Tensors('w.pth', {**found, **changed}, ours=False)


@pytest.mark.parametrize(
  ('name', 'library'), [(name, i) for name, lists in PUBLISHED.items() for i in range(len(lists))]
)
def test_every_variable_has_one_tensor_and_every_tensor_is_used(name, library):
  model = models.image_network(name, outputs=1000)
  say = names.dialects(model)[library]
  ours = {}
  for key, leaf in flax.traverse_util.flatten_dict(shapes(model), sep='/').items():
    path = key.partition('/')[2]
    named, kind = say(path), path.rpartition('/')[2]
    assert named not in ours
    ours[named] = list(layout.to_torch(leaf.shape, kind))
  theirs = {k: s for k, s in PUBLISHED[name][library].items() if 'num_batches' not in k}
  assert ours.keys() == theirs.keys()
  for named, shape in theirs.items():
    # A dense layer may be a 1x1 convolution there.
    assert [size for size in shape if size > 1] == [size for size in ours[named] if size > 1]


def test_outputs_are_taken_where_there_are_as_many_and_new_otherwise():
  given = tensors('resnet18')
  for outputs, taken in ((1000, True), (2, False)):
    model = models.image_network('resnet18', outputs=outputs)
    found, notes = fit.fit(model, shapes(model), given)
    kernel = found['params']['Dense_0']['kernel']
    assert isinstance(kernel, np.ndarray) == taken
    if taken:
      np.testing.assert_array_equal(kernel, given.found['fc.weight'].T)
    expected = 'the outputs are those of w.pth too' if taken else 'the outputs are new'
    assert expected in notes[0]
  np.testing.assert_array_equal(
    found['params']['_Basic_2']['Conv_2']['kernel'][0, 0],
    given.found['layer2.0.downsample.0.weight'][:, :, 0, 0].T,
  )
  np.testing.assert_array_equal(
    found['batch_stats']['_Basic_7']['BatchNorm_1']['var'],
    given.found['layer4.1.bn2.running_var'],
  )


def test_kernels_are_summed_for_grey_images_and_divided_for_colour():
  given = tensors('resnet18')
  model = models.image_network('resnet18')
  found, notes = fit.fit(model, shapes(model, channels=1), given)
  weight = given.found['conv1.weight']
  grey = found['params']['Conv_0']['kernel']
  np.testing.assert_allclose(grey[:, :, 0], weight.sum(1).transpose(1, 2, 0), rtol=1e-5)
  assert any('summed over channels' in note for note in notes)
  one = tensors('resnet18', **{'conv1.weight': weight[:, :1]})
  colour, notes = fit.fit(model, shapes(model), one)
  kernel = colour['params']['Conv_0']['kernel']
  np.testing.assert_allclose(kernel, np.repeat(weight[:, :1] / 3, 3, 1).transpose(2, 3, 1, 0))
  assert any('a third a channel' in note for note in notes)


def test_a_u_net_takes_the_encoder_and_a_classifier_gives_it():
  given = tensors('resnet34')
  unet = models.UNet('resnet34')
  found, notes = fit.fit(unet, shapes(unet, 64), given)
  inner = found['params']['encoder']['_Basic_15']['Conv_1']['kernel']
  expected = given.found['layer4.2.conv2.weight'].transpose(2, 3, 1, 0)
  np.testing.assert_array_equal(inner, expected)
  assert isinstance(found['params']['decoder0']['conv0']['kernel'], jax.ShapeDtypeStruct)
  assert notes == ['the decoder is new']
  # And back: a run of a U-Net into a classifier, and into a U-Net with other outputs.
  flat = {
    key.partition('/')[2]: np.ones(leaf.shape, np.float32)
    for key, leaf in flax.traverse_util.flatten_dict(shapes(unet, 64), sep='/').items()
  }
  run = fit.Tensors('runs/a', flat, ours=True)
  classifier = models.image_network('resnet34')
  found, notes = fit.fit(classifier, shapes(classifier), run)
  assert notes == ['the outputs are new: runs/a has others']
  assert (found['params']['Conv_0']['kernel'] == 1).all()
  other = models.UNet('resnet34', outputs=3)
  found, notes = fit.fit(other, shapes(other, 64), run)
  assert (found['params']['decoder4']['conv1']['kernel'] == 1).all()
  assert isinstance(found['params']['head']['kernel'], jax.ShapeDtypeStruct)
  assert notes == ['the outputs are new: runs/a has others']


def test_positions_of_another_grid_are_interpolated():
  model = models.image_network('vit_small')
  grid = np.broadcast_to(np.linspace(0, 1, 14)[None, :, None, None], (1, 14, 14, 384))
  places = np.concatenate([np.full((1, 1, 384), 5.0), grid.reshape(1, 196, 384)], 1)
  given = tensors('vit_small', pos_embed=places.astype(np.float32))
  found, notes = fit.fit(model, shapes(model, 112), given)
  embedded = np.asarray(found['params']['pos_embed'])
  assert embedded.shape == (1, 50, 384)
  assert (embedded[:, 0] == 5).all()
  rows = embedded[0, 1:].reshape(7, 7, 384)
  np.testing.assert_allclose(rows[2:5, :, 0], rows[2:5, :1, 0] * np.ones((1, 7)), atol=1e-6)
  np.testing.assert_allclose(np.diff(rows[2:5, 0, 0]), 2 / 13, rtol=1e-3)
  assert 'positions of 14x14 patches are interpolated to 7x7' in notes


def test_names_of_the_old_file_of_densenet_and_of_xrayvision():
  old = {
    k.replace('norm1.', 'norm.1.').replace('norm2.', 'norm.2.').replace('conv1.', 'conv.1.')
    .replace('conv2.', 'conv.2.') if 'denselayer' in k else k: k
    for k in PUBLISHED['densenet121'][0]
  }  # fmt: skip
  assert names.cleaned([*old]) == old
  given = tensors(
    'densenet121',
    **{
      'features.conv0.weight': np.ones((64, 1, 7, 7), np.float32),
      'classifier.weight': np.ones((18, 1024), np.float32),
      'classifier.bias': np.ones(18, np.float32),
      'op_threshs': np.ones(18, np.float32),
    },
  )
  assert files.of_xrayvision(given.found)
  assert not files.of_xrayvision(tensors('densenet121').found)
  model = models.image_network('densenet121')
  found, notes = fit.fit(model, shapes(model, channels=1), given)
  assert (found['params']['conv0']['kernel'] == 1).all()
  assert notes == ['the outputs are new: w.pth has others']


BAD = {
  'has no tensor layer1.0.conv1.weight': {'layer1.0.conv1.weight': None},
  r'tensor bn1.weight has shape \(3,\); expected \(64,\)': {'bn1.weight': np.ones(3)},
  r'tensor layer1.0.conv1.weight has shape \(2, 2, 3, 3\); expected \(64, 64, 3, 3\)': {
    'layer1.0.conv1.weight': np.ones((2, 2, 3, 3))
  },
  'tensor bn1.bias holds numbers that are not finite': {'bn1.bias': np.full(64, np.nan)},
  'tensor bn1.bias is of int64; expected floating numbers': {'bn1.bias': np.ones(64, np.int64)},
  'holds layer9.weight, for which this network has no place': {'layer9.weight': np.ones(1)},
}


@pytest.mark.parametrize('message', BAD)
def test_the_first_tensor_that_does_not_fit_is_named(message):
  given = tensors('resnet18', **BAD[message])
  found = {k: a for k, a in given.found.items() if a is not None}
  model = models.image_network('resnet18')
  with pytest.raises(UserError, match=f'w.pth: {message}'):
    fit.fit(model, shapes(model), fit.Tensors('w.pth', found, ours=False))


def test_weights_of_another_network_are_refused():
  model = models.image_network('resnet18')
  with pytest.raises(UserError, match=r'holds layer1.2.conv1.weight, for which this network'):
    fit.fit(model, shapes(model), tensors('resnet34'))
  with pytest.raises(UserError, match=r'no weights of a ResNet: expected .*, found features'):
    fit.fit(model, shapes(model), tensors('densenet121'))
  cnn = models.CNN()
  with pytest.raises(UserError, match='no published weights of a CNN; expected a run folder'):
    fit.fit(cnn, shapes(cnn, 32), tensors('resnet18'))
