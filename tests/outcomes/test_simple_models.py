"""Simple models are those that anyone makes by hand, however they are fitted."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from medjax.outcomes import simple

HAND = {'max_iter': 50, 'early_stopping': False, 'random_state': 0}


def features(cases, width, seed):
  """Counts of which most are rare or the same everywhere, numbers, and cells that are missing."""
  random = np.random.default_rng(seed)
  often = random.uniform(0, 0.6, width) ** 2
  counts = random.poisson(often, (cases, width)).astype(np.float32)
  counts[:, 3] = 7
  numbers = random.normal(size=(cases, 4)).astype(np.float32)
  numbers[random.random((cases, 4)) < 0.3] = np.nan
  return np.concatenate([counts, numbers], axis=1)


@pytest.mark.parametrize('number', [False, True])
def test_trees_without_columns_that_nothing_splits_are_the_same(number):
  train, new = features(300, 60, 0), features(200, 60, 1)
  signal = train[:, :8].sum(axis=1) + np.nan_to_num(train[:, -1])
  model = simple.SimpleModel('boosting', 'counts')
  if number:
    _, _, made = simple.regressor(model, train)
    found, hand = made.fit(train, signal), HistGradientBoostingRegressor(**HAND).fit(train, signal)
    np.testing.assert_array_equal(found.predict(new), hand.predict(new))
  else:
    label = (signal > np.median(signal)).astype(int)
    _, _, made = simple.classifier(model, train)
    found, hand = made.fit(train, label), HistGradientBoostingClassifier(**HAND).fit(train, label)
    np.testing.assert_array_equal(found.predict_proba(new), hand.predict_proba(new))
    assert len(np.unique(found.predict_proba(new))) > 10
  kept = simple._splittable(train)
  assert 4 < len(kept) < 50
  assert 3 not in kept


def test_nothing_to_split_is_no_error():
  same = np.ones((50, 3), np.float32)
  _, _, made = simple.regressor(simple.SimpleModel('boosting', ''), same)
  np.testing.assert_allclose(made.fit(same, np.arange(50.0)).predict(same), 24.5)
