"""Trees that are grown give what scikit-learn's give."""

import numpy as np
import pytest
from sklearn import ensemble

from medjax import models, tasks, transfer
from medjax.training import state

SEED = 3
rng = np.random.default_rng(0)
# Counts, and the columns of descriptors: thresholds lie between numbers that are close.
X = np.concatenate([rng.poisson(1, (200, 6)), rng.normal(size=(200, 6))], axis=1).astype(np.float32)
NEW = np.concatenate([rng.poisson(1, (99, 6)), rng.normal(size=(99, 6))], axis=1).astype(np.float32)
ACTIVE = (X[:, 0] + X[:, 7] > 1).astype(int)
HALF_KNOWN = np.where(rng.random(200) < 0.5, np.nan, X[:, 2] > 1)
FORESTS = {'forest': ensemble.RandomForestRegressor, 'extra': ensemble.ExtraTreesRegressor}
BOOSTED = {
  'n_estimators': 12,
  'learning_rate': 0.05,
  'subsample': 0.5,
  'max_features': 0.1,
  'max_depth': 4,
  'random_state': SEED,
}


def _outputs(kind, task, label, x=NEW):
  trees = transfer.Grown(kind, 12, 16)
  model = trees.model(task.outputs, task.link, len(X))
  found = trees.fit(model, X, task.targets(label), task.link, SEED)
  return np.asarray(model.apply({models.FIXED: found}, x), np.float64)


def _forest(kind):
  return FORESTS[kind](12, max_features='sqrt', max_leaf_nodes=16, random_state=SEED)


@pytest.mark.parametrize('kind', FORESTS)
@pytest.mark.parametrize('x', [NEW, X], ids=['new', 'training'])
def test_a_share_of_two_classes_is_the_mean_of_a_forest(kind, x):
  share = _forest(kind).fit(X, ACTIVE).predict(x)
  outputs = _outputs(kind, tasks.Binary(), ACTIVE, x)[:, 0]
  expected = (share * 12 + 0.5) / 13
  np.testing.assert_allclose(1 / (1 + np.exp(-outputs)), expected, rtol=1e-5)


@pytest.mark.parametrize('kind', FORESTS)
def test_a_number_is_in_standard_deviations(kind):
  label = X[:, 0] * 5 + X[:, 8] + 100
  task = tasks.Regression(label.mean(), label.std())
  expected = _forest(kind).fit(X, task.targets(label)[:, 0]).predict(NEW)
  found = task.predict(_outputs(kind, task, label))
  np.testing.assert_allclose(found, expected * label.std() + label.mean(), rtol=1e-5)


def test_boosting_adds_steps_of_a_twentieth():
  expected = ensemble.GradientBoostingClassifier(**BOOSTED).fit(X, ACTIVE).decision_function(NEW)
  found = _outputs('boosting', tasks.Binary(), ACTIVE)[:, 0]
  np.testing.assert_allclose(found, expected, atol=1e-5)
  label = X[:, 0] * 5 + X[:, 8]
  expected = ensemble.GradientBoostingRegressor(**BOOSTED).fit(X, label).predict(NEW)
  task = tasks.Regression(label.mean(), label.std())
  np.testing.assert_allclose(task.predict(_outputs('boosting', task, label)), expected, atol=1e-3)


@pytest.mark.parametrize('kind', ['forest', 'boosting'])
def test_each_label_is_of_its_known_cases(kind):
  always, never = np.ones(200), np.full(200, np.nan)
  label = np.stack([HALF_KNOWN, always, never], axis=1).astype(np.float32)
  outputs = _outputs(kind, tasks.Multilabel(3), label)
  known = ~np.isnan(HALF_KNOWN)
  x, y = X[known], HALF_KNOWN[known]
  if kind == 'forest':
    share = (_forest(kind).fit(x, y).predict(NEW) * 12 + 0.5) / 13
    expected = np.log(share / (1 - share))
    of_all = 12.5
  else:
    expected = ensemble.GradientBoostingClassifier(**BOOSTED).fit(x, y).decision_function(NEW)
    of_all = 200.5
  np.testing.assert_allclose(outputs[:, 0], expected, atol=1e-5)
  np.testing.assert_allclose(outputs[:, 1], np.log(of_all / 0.5), rtol=1e-5)
  np.testing.assert_allclose(outputs[:, 2], 0, atol=1e-6)


def test_each_of_many_classes_has_trees():
  label = X[:, 0].clip(max=2).astype(int)
  outputs = np.exp(_outputs('forest', tasks.Multiclass(3), label))
  share = _forest('forest').fit(X, label == 1).predict(NEW)
  np.testing.assert_allclose(outputs[:, 1], (share * 12 + 1 / 3) / 13, rtol=1e-5)


@pytest.mark.parametrize('steps', [0, 1])
def test_thresholds_part_neighbouring_numbers(steps):
  """What lies between two float32 numbers is rounded to either by even and odd."""
  up = np.float32(np.inf)
  low = np.nextafter(np.float32(3), up) if steps else np.float32(3)
  x = np.repeat(np.array([low, np.nextafter(low, up)])[:, None], 12, axis=1)
  forest = transfer.Grown('forest', 12, 16)
  model = forest.model(1, 'logit', 200)
  nodes, depth = forest._of_column(np.tile(x, (100, 1)), np.tile([0.0, 1.0], 100), 'logit', SEED)
  found = {'nodes': nodes[None], 'depth': np.int32(depth)}
  outputs = model.apply({models.FIXED: found}, x)[:, 0]
  assert outputs[0] < 0 < outputs[1]


def test_boosted_classes_are_shares_by_their_logits():
  label = X[:, 0].clip(max=2).astype(int)
  outputs = np.exp(_outputs('boosting', tasks.Multiclass(3), label))
  boosted = ensemble.GradientBoostingClassifier(**BOOSTED).fit(X, label == 1)
  np.testing.assert_allclose(outputs[:, 1], boosted.predict_proba(NEW)[:, 1], rtol=1e-5)


def test_an_average_of_equal_trees_is_the_trees():
  trees = transfer.Grown('forest', 12, 16)
  found = trees.fit(None, X, ACTIVE[:, None].astype(float), 'logit', SEED)
  average = state.averaged(0.9, 5, found, found)
  np.testing.assert_array_equal(average['nodes'], found['nodes'])
