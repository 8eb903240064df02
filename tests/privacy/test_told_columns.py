"""Centres and scales of columns, seen through noise."""

import numpy as np
import pytest

from medjax.privacy import columns


def test_they_are_near_those_of_the_column():
  random = np.random.default_rng(0)
  values = np.stack(
    [random.normal(140, 3, 3000), random.normal(0, 1, 3000), random.lognormal(-6, 1, 3000)], axis=1
  )
  values[::7, 1] = np.nan
  centre, scale, low, high = columns.located(values, 5.0, random)
  mean, deviation = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
  assert (np.abs(centre - mean) < 1.5 * deviation).all()
  assert ((scale > deviation / 3) & (scale < 3 * deviation)).all()
  assert (low < centre).all()
  assert (centre < high).all()


def test_one_row_changes_what_is_counted_by_no_more_than_the_noise_is_made_for(monkeypatch):
  """Without noise: the sums and counts of neighbours differ by at most the root of the columns."""
  random = np.random.default_rng(0)
  values = random.normal(10, 2, (400, 4))
  counted = []
  histogram = np.histogram

  def noted(*arguments):
    found = histogram(*arguments)
    counted.append(found[0])
    return found

  monkeypatch.setattr(columns.np, 'histogram', noted)
  runs = []
  for rows in (values, values[:-1]):
    counted.clear()
    columns._ranges(rows, 1e-9, np.random.default_rng(1))
    runs.append(np.concatenate(counted))
  assert np.linalg.norm(runs[0] - runs[1]) == pytest.approx(2.0)  # the root of four columns


def test_too_few_for_the_noise_are_said():
  with pytest.raises(columns.UnseenError):
    columns.located(np.random.default_rng(0).normal(size=(30, 5)), 50.0, np.random.default_rng(0))
