"""Grades of explanations on scores whose right explanation is known."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from medjax.explain import grade

WEIGHTS = np.zeros((8, 8), np.float32)
WEIGHTS[2:4, 5:7] = 3.0


def score(x, target):
  return (x[..., 0] * WEIGHTS).sum(axis=(1, 2)) - 6.0


def images(count=3):
  return np.random.default_rng(0).random((count, 8, 8, 1)).astype(np.float32) * 0.1 + 0.9


def test_the_right_explanation_has_the_smallest_deletion_and_the_largest_insertion():
  x, target = images(), np.zeros(3, int)
  right = np.broadcast_to(WEIGHTS, (3, 8, 8))
  wrong = -right
  deletion, insertion = grade.deletion_insertion(score, x, target, right, steps=16)
  worst = grade.deletion_insertion(score, x, target, wrong, steps=16)
  other = grade.deletion_insertion(
    score, x, target, np.random.default_rng(1).random((3, 8, 8)), steps=16
  )
  assert (deletion < other[0]).all()
  assert (other[0] < worst[0]).all()
  assert (insertion > other[1]).all()
  assert (other[1] > worst[1]).all()


def test_areas_by_hand():
  """Four pixels that count alike: after the first of sixteen steps nothing is left of the score."""
  x = np.ones((1, 8, 8, 1), np.float32)
  right = WEIGHTS[None]
  deletion, insertion = grade.deletion_insertion(score, x, np.zeros(1, int), right, steps=16)
  full, empty = (1 / (1 + np.exp(-v)) for v in (6.0, -6.0))
  assert deletion[0] == pytest.approx(((full + empty) / 2 + 15 * empty) / 16, rel=1e-5)
  assert insertion[0] == pytest.approx(((full + empty) / 2 + 15 * full) / 16, rel=1e-5)
  colours = np.repeat(right[..., None] / 3, 3, axis=3)
  again = grade.deletion_insertion(score, x, np.zeros(1, int), colours, steps=16, chunk=3)
  np.testing.assert_allclose(again, (deletion, insertion), rtol=1e-5)


def test_pointing_game_and_its_tolerance():
  mask = np.zeros((2, 8, 8), bool)
  mask[:, 2, 3] = True
  value = np.zeros((2, 8, 8))
  value[0, 2, 3], value[1, 4, 3] = 1.0, 1.0
  assert grade.pointing_game(value, mask).tolist() == [True, False]
  assert grade.pointing_game(value, mask, tolerance=1).tolist() == [True, False]
  assert grade.pointing_game(value, mask, tolerance=2).tolist() == [True, True]
  assert grade.pointing_game(value[..., None], mask).tolist() == [True, False]


def test_overlap():
  mask = WEIGHTS[None] > 0
  assert grade.mask_iou(WEIGHTS[None], mask)[0] == 1.0
  assert grade.mask_iou(-WEIGHTS[None], mask)[0] == 0.0
  half = np.zeros((1, 8, 8))
  half[0, 2, 5:7], half[0, 0, :2] = 2.0, 1.0
  assert grade.mask_iou(half, mask)[0] == pytest.approx(2 / 6)


def test_rank_correlation_equals_scipy():
  random = np.random.default_rng(0)
  one, other = random.normal(size=(2, 4, 50))
  other = one + other
  found = grade.rank_correlation(one, other)
  expected = [
    scipy.stats.spearmanr(np.abs(a), np.abs(b)).statistic for a, b in zip(one, other, strict=True)
  ]
  np.testing.assert_allclose(found, expected)


def test_randomised_weights_are_the_same_numbers_elsewhere():
  variables = {'params': {'a': jnp.arange(12.0).reshape(3, 4), 'b': np.arange(5)}}
  found = grade.randomised(variables)
  assert found['params']['a'].shape == (3, 4)
  np.testing.assert_array_equal(np.sort(found['params']['a'].ravel()), np.arange(12.0))
  assert (found['params']['a'] != np.arange(12.0).reshape(3, 4)).any()
  np.testing.assert_array_equal(found['params']['a'], grade.randomised(variables)['params']['a'])


def test_sequences_are_graded_as_images_are():
  """One axis of places, and channels that are letters."""
  x = np.eye(4, dtype=np.float32)[np.random.default_rng(0).integers(0, 4, (2, 12))]
  mask = np.zeros((2, 12), bool)
  mask[:, 4:6] = True
  value = mask * np.array([3.0, -1.0])[:, None]
  letters = x * value[..., None]
  assert grade.pointing_game(letters, mask).tolist() == [True, False]
  assert grade.pointing_game(value, mask).tolist() == [True, False]
  np.testing.assert_allclose(grade.mask_iou(letters, mask), [1.0, 0.0])

  def score(x, target):
    return 9 * x[:, 4:6].any(axis=2).sum(axis=1) - 9.0

  deletion, insertion = grade.deletion_insertion(score, x, np.zeros(2, int), letters, steps=12)
  assert deletion[0] < 0.2 < 0.8 < deletion[1]
  assert insertion[1] < 0.2 < 0.8 < insertion[0]
