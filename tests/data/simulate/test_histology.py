"""Simulated tissue: the same for the same arguments, told by structure and not by mean colour."""

import numpy as np
import pytest
from scipy import ndimage
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from medjax.data.simulate import histology


@pytest.fixture(scope='module')
def tiles():
  return [histology.simulate(seed=3, index=i, size=64) for i in range(400)]


def _accuracy(model, features, label):
  return cross_val_score(model, features, label, cv=5).mean()


def test_mean_colour_tells_nothing(tiles):
  colour = np.array([tile.image.mean((0, 1)) for tile in tiles])
  label = np.array([tile.label for tile in tiles])
  linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
  forest = RandomForestClassifier(100, random_state=0)
  for model in (linear, forest):  # 1/8 by chance, with a standard error of 0.017
    assert _accuracy(model, colour, label) < 0.2


def test_structure_tells_the_kind(tiles):
  def structure(tile):
    grey = tile.image.mean(-1)
    scales = [grey - ndimage.gaussian_filter(grey, s) for s in (1, 2, 4, 8)]
    steps = [np.abs(np.diff(grey, axis=axis)).mean() for axis in (0, 1)]
    spread = [np.std(one) for one in scales]
    skew = [(one**3).mean() / np.std(one) ** 3 for one in scales]
    return [*spread, *skew, max(steps), min(steps)]

  features = np.array([structure(tile) for tile in tiles])
  label = np.array([tile.label for tile in tiles])
  assert _accuracy(RandomForestClassifier(100, random_state=0), features, label) > 0.55


def test_a_tile_depends_on_its_arguments_alone_and_kinds_take_turns(tiles):
  again = histology.simulate(seed=3, index=5, size=64)
  np.testing.assert_array_equal(again.image, tiles[5].image)
  assert not np.array_equal(histology.simulate(seed=4, index=5, size=64).image, again.image)
  assert [tile.label for tile in tiles[:9]] == [*range(8), 0]
  assert len(histology.CLASSES) == 8


def test_the_truth_is_of_the_tile(tiles):
  for tile in tiles[:40]:
    assert tile.image.shape == (64, 64, 3)
    assert tile.image.dtype == np.uint8
    kind = histology.CLASSES[tile.label]
    share = tile.mask.mean()
    assert (share == 0) == (kind == 'background')  # also where another kind is seen beside it
    assert 120 / 64 <= tile.pixel_um <= 200 / 64
    if kind in ('tumour glands', 'lymphocytes', 'fat'):  # what is marked is darker than the rest
      grey = tile.image.mean(-1)
      assert grey[tile.mask].mean() < grey[~tile.mask].mean()


def test_the_mean_colour_is_the_one_that_was_drawn():
  density = np.random.default_rng(0).random((8, 8)) * 2
  factor = histology._factor(density, 0.4)
  assert np.exp(-factor * density).mean() == pytest.approx(0.4, abs=1e-6)


@pytest.mark.parametrize('size', [15, 1025])
def test_sizes_that_are_not_drawn(size):
  with pytest.raises(ValueError, match='tiles have 16 to 1024 pixels a side'):
    histology.simulate(0, 0, size)
