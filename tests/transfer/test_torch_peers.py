"""The same weights in torchvision and timm: the same outputs, by their files and our reader."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import models, transfer
from medjax.transfer import files, fit

torch = pytest.importorskip('torch')
torchvision = pytest.importorskip('torchvision')
timm = pytest.importorskip('timm')

PEERS = {
  'resnet18': torchvision.models.resnet18,
  'resnet34': torchvision.models.resnet34,
  'resnet50': torchvision.models.resnet50,
  'densenet121': torchvision.models.densenet121,
  'efficientnet_b0': torchvision.models.efficientnet_b0,
  'convnext_tiny': torchvision.models.convnext_tiny,
  'vit_small': functools.partial(timm.create_model, 'vit_small_patch16_224', img_size=64),
  'timm efficientnet_b0': functools.partial(timm.create_model, 'efficientnet_b0'),
  'timm convnext_tiny': functools.partial(timm.create_model, 'convnext_tiny'),
}
IMAGES = np.random.default_rng(0).uniform(size=(2, 64, 64, 3)).astype(np.float32)


def random_peer(name):
  """A network with random weights and statistics, whose outputs are of the size of 1."""
  torch.manual_seed(0)
  peer = PEERS[name]().eval()
  with torch.no_grad():
    for key, tensor in peer.state_dict().items():
      if key.endswith('running_mean'):
        tensor.normal_(0, 0.1)
      elif key.endswith('running_var'):
        tensor.uniform_(1, 3)
      elif key.endswith(('layer_scale', 'gamma')):
        tensor.uniform_(0.2, 1)
      elif tensor.ndim == 1:
        tensor.add_(0.1 * torch.randn_like(tensor))
  return peer


def outputs_of(peer, images):
  with torch.no_grad():
    return peer(torch.from_numpy(images).permute(0, 3, 1, 2)).numpy()


def fitted(model, path, images):
  shapes = jax.eval_shape(lambda key: model.init(key, images), jax.random.key(0))
  return fit.fit(model, shapes, fit.Tensors(str(path), files.read(path), ours=False))[0]


@pytest.mark.parametrize('name', PEERS)
def test_outputs_are_equal(name, tmp_path):
  peer = random_peer(name)
  legacy = name in ('resnet18', 'densenet121')
  path = tmp_path / 'w.pth'
  torch.save(peer.state_dict(), path, _use_new_zipfile_serialization=not legacy)
  model = models.image_network(name.rpartition(' ')[2], outputs=1000)
  found = jax.jit(model.apply)(fitted(model, path, IMAGES), IMAGES)
  expected = outputs_of(peer, IMAGES)
  np.testing.assert_allclose(found, expected, atol=1e-4 * max(1, np.abs(expected).max()))
  assert np.ptp(expected) > 0.1


@pytest.mark.parametrize('channels', [1, 3])
def test_images_are_prepared_as_torchvision_prepares_them(channels, tmp_path):
  from torchvision.transforms import v2

  path = tmp_path / 'w.pth'
  peer = random_peer('resnet18')
  torch.save(peer.state_dict(), path)
  random = np.random.default_rng(1)
  stored = random.integers(0, 256, (2, 64, 64, channels), np.uint8)
  prepare = v2.Compose(
    [
      v2.ToDtype(torch.float32, scale=True),
      v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ]
  )
  colour = np.repeat(stored, 3 // channels, axis=3)
  with torch.no_grad():
    expected = peer(prepare(torch.from_numpy(colour).permute(0, 3, 1, 2))).numpy()
  settings = transfer.WeightSettings(weights=str(path))
  model = transfer.prepared(settings, models.image_network('resnet18', outputs=1000))
  images = jnp.asarray(stored, jnp.float32) / 255
  found = jax.jit(model.apply)(fitted(model, path, images), images)
  np.testing.assert_allclose(found, expected, atol=1e-4 * max(1, np.abs(expected).max()))


def test_positions_are_interpolated_as_timm_does(tmp_path):
  path = tmp_path / 'w.pth'
  torch.save(random_peer('vit_small').state_dict(), path)
  other = timm.create_model('vit_small_patch16_224', img_size=112)
  resample = timm.layers.resample_abs_pos_embed
  expected = resample(torch.load(path)['pos_embed'], [7, 7]).numpy()
  assert other.pos_embed.shape == expected.shape
  model = models.image_network('vit_small', outputs=1000)
  found = fitted(model, path, np.zeros((1, 112, 112, 3), np.float32))
  np.testing.assert_allclose(found['params']['pos_embed'], expected, atol=1e-5)


def test_an_image_that_is_padded_inside_is_one_with_zeros_around():
  model = models.UNet('resnet18', widths=(8, 8, 4, 4, 4))
  x = IMAGES[:1, :32, :24, :1]
  variables = jax.jit(model.init)(jax.random.key(0), x)
  apply = jax.jit(model.apply)
  whole = apply(variables, np.pad(x, ((0, 0), (0, 0), (0, 8), (0, 0))))
  np.testing.assert_allclose(apply(variables, x), whole[:, :, :24], atol=1e-5)
