"""Presets for images with masks: both move together, and light changes the image alone."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax.data import augment
from medjax.errors import UserError


@pytest.fixture(scope='module')
def moved():
  """Images that are their masks, after both, with the light as it was and with it changed."""
  mask = np.zeros((24, 24), np.uint8)
  mask[4:14, 6:20] = 1
  mask[10:20, 6:9] = 1
  whole = augment.joint_preset('endoscopy', 2)
  images = jnp.tile(jnp.asarray(mask, jnp.float32)[None, ..., None], (16, 1, 1, 1))
  batch = {'label': jnp.tile(jnp.asarray(mask)[None], (16, 1, 1)), 'index': jnp.arange(16)}

  def run(joint):
    step = jax.jit(lambda x, b: augment.augment_examples(joint, jax.random.key(0), x, b))
    images_after, batch_after = step(images, batch)
    return np.asarray(images_after)[..., 0], np.asarray(batch_after['label'])

  return mask, run(dataclasses.replace(whole, change=None)), run(whole)


def test_a_mask_moves_with_its_image(moved):
  mask, (image, label), _ = moved
  assert label.dtype == np.uint8
  np.testing.assert_array_equal(image > 0.5, label == 1)
  # Every example by a draw of its own, of which some turn and some mirror.
  assert len({one.tobytes() for one in label}) == 16
  assert not (label == mask).all((1, 2)).any()


def test_light_changes_the_image_alone(moved):
  _, (image, label), (changed, same) = moved
  np.testing.assert_array_equal(same, label)
  assert (np.abs(changed - image).mean((1, 2)) > 1e-3).all()


def test_names_are_those_of_presets():
  assert augment.joint_preset('none', 2) is None
  with pytest.raises(UserError, match="augment is 'mri'; expected one of none, radiograph"):
    augment.joint_preset('mri', 2)
