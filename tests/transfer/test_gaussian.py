"""A Gaussian process that is fitted gives what scikit-learn's gives."""

import numpy as np
import pytest
from sklearn import gaussian_process
from sklearn.gaussian_process import kernels

from medjax import models, transfer
from medjax.errors import UserError
from medjax.transfer import gaussian

SEED = 3
rng = np.random.default_rng(0)
X = rng.normal(size=(80, 3)).astype(np.float32)
NEW = rng.normal(size=(20, 3)).astype(np.float32)
NUMBERS = np.sin(2 * X[:, 0]) + X[:, 1] + rng.normal(size=80) / 4
NUMBERS = (NUMBERS - NUMBERS.mean()) / NUMBERS.std()
ACTIVE = (NUMBERS > 0.5).astype(int)


def _fitted(label, link='logit', x=X, bits=0):
  y = np.array(label, np.float64).reshape(len(x), -1)
  process = transfer.Process(bits)
  model = process.model(y.shape[1], link, len(x))
  return model, process.fit(model, x, y, link, SEED)


def _outputs(model, found, x=NEW):
  return np.asarray(model.apply({models.FIXED: found}, x), np.float64)


def _like_scikit_learn(found, *more):
  """Its kernel: squared distances are divided by twice the square of a length."""
  _, variance, width = map(float, found['covariance'])
  length = np.sqrt(width * X.shape[1] / 2)
  covariance = kernels.ConstantKernel(variance, 'fixed') * kernels.RBF(length, 'fixed')
  return sum(more, covariance)


def test_numbers_are_those_expected_under_noise():
  model, found = _fitted(NUMBERS, 'identity')
  # Which noise was found follows from the weights: the labels are what is seen, and the noise.
  like = models.covariance(found['covariance'], *models.likeness(X, X, 0))
  weights = found['weights'][:, 0]
  noise = np.linalg.lstsq(weights[:, None], NUMBERS - np.asarray(like) @ weights)[0][0]
  assert 0.01 <= noise < 0.5
  kernel = _like_scikit_learn(found, kernels.WhiteKernel(noise, 'fixed'))
  theirs = gaussian_process.GaussianProcessRegressor(kernel).fit(X, NUMBERS)
  np.testing.assert_allclose(_outputs(model, found)[:, 0], theirs.predict(NEW), atol=1e-4)


def test_the_covariance_is_the_most_probable():
  _, found = _fitted(NUMBERS, 'identity')
  free = kernels.ConstantKernel(1.0, (1e-3, 100)) * kernels.RBF(1.0, (0.1, 20))
  free += kernels.WhiteKernel(0.1, (0.01, 2))
  theirs = gaussian_process.GaussianProcessRegressor(free, n_restarts_optimizer=3, random_state=0)
  theirs.fit(X, NUMBERS)
  variance, length = theirs.kernel_.k1.k1.constant_value, theirs.kernel_.k1.k2.length_scale
  assert found['covariance'][1] == pytest.approx(variance, rel=0.05)
  assert found['covariance'][2] == pytest.approx(2 * length**2 / X.shape[1], rel=0.05)


def test_classes_are_the_most_probable_logits(monkeypatch):
  # scikit-learn's process has a mean of 0.
  monkeypatch.setattr(gaussian, '_mean', lambda values, numbers: 0.0)
  model, found = _fitted(ACTIVE)
  theirs = gaussian_process.GaussianProcessClassifier(_like_scikit_learn(found)).fit(X, ACTIVE)
  inner = theirs.base_estimator_
  expected = inner.kernel_(NEW, X) @ (inner.y_train_ - inner.pi_)
  np.testing.assert_allclose(_outputs(model, found)[:, 0], expected, atol=1e-4)
  like = models.covariance(found['covariance'], *models.likeness(X, X, 0))
  probability, _ = gaussian._of_classes(np.asarray(like, np.float64), ACTIVE, 0.0)
  assert probability == pytest.approx(inner.log_marginal_likelihood(), abs=1e-4)


def test_far_from_all_cases_the_share_of_a_class_is_left():
  model, found = _fitted(ACTIVE)
  far = np.full((1, 3), 1e3, np.float32)
  share = (ACTIVE.sum() + 0.5) / 81
  assert 1 / (1 + np.exp(-_outputs(model, found, far)[0, 0])) == pytest.approx(share, rel=1e-5)


def test_each_label_is_of_its_known_cases():
  some = np.where(np.arange(80) % 4 > 0, ACTIVE, np.nan)
  label = np.stack([some, np.ones(80), np.full(80, np.nan)], axis=1).astype(np.float32)
  model, found = _fitted(label)
  outputs = _outputs(model, found)
  assert not found['weights'][np.isnan(some), 0].any()
  known = ~np.isnan(some)
  # Where the gradient of the probability of labels and outputs is 0.
  share = 1 / (1 + np.exp(-_outputs(model, found, X)[known, 0]))
  np.testing.assert_allclose(found['weights'][known, 0], some[known] - share, atol=1e-5)
  np.testing.assert_allclose(outputs[:, 1], np.log(80.5 / 0.5), rtol=1e-5)
  np.testing.assert_allclose(outputs[:, 2], 0, atol=1e-6)


def test_each_of_many_classes_has_outputs():
  label = np.digitize(NUMBERS, [0, 1])
  model, found = _fitted(np.eye(3)[label], 'log')
  outputs = _outputs(model, found, X)
  alone, of_one = _fitted(np.eye(3)[label])
  logits = _outputs(alone, of_one, X)
  np.testing.assert_allclose(outputs, -np.log1p(np.exp(-logits)), atol=1e-5)
  assert (outputs.argmax(axis=1) == label).mean() > 0.8


def test_fingerprints_count_where_labels_follow_from_them():
  counts = rng.poisson(0.5, (80, 8)).astype(np.float32)
  label = (counts[:, :2].sum(axis=1) > 1).astype(int)
  x = np.concatenate([counts, X], axis=1)
  _, found = _fitted(label, x=x, bits=8)
  assert found['covariance'][0] > found['covariance'][1]


def test_fewer_cases_than_there_is_room_for_leave_the_rest_empty():
  process = transfer.Process(0)
  model = process.model(1, 'logit', 80)
  fewer = process.fit(model, X[:50], ACTIVE[:50, None].astype(float), 'logit', SEED)
  alone, found = _fitted(ACTIVE[:50], x=X[:50])
  assert fewer['cases'].shape == X.shape
  np.testing.assert_allclose(_outputs(model, fewer), _outputs(alone, found), atol=1e-5)


def test_too_many_cases_are_refused():
  with pytest.raises(UserError, match='gaussian_process=true: there are 8,001 training cases'):
    transfer.Process(0).model(1, 'logit', 8_001)


def test_more_than_can_be_kept_are_refused():
  with pytest.raises(UserError, match=r'at most 1,024 with config.data.bits=65536'):
    transfer.Process(65_536).model(1, 'logit', 1_025)


@pytest.mark.parametrize('seed', range(3))
def test_a_rare_class_has_its_most_probable_logits(seed):
  """Where whole steps of Newton's method go to and fro for ever."""
  chance = np.random.default_rng(seed)
  x = chance.poisson(0.1, (150, 64)).astype(np.float32)
  y = np.zeros(150)
  y[:3] = 1
  like = 30.0 * np.asarray(models.likeness(x, x, 64)[0], np.float64)
  mean = np.log(3.5 / 147.5)
  _, weights = gaussian._of_classes(like, y, mean)
  np.testing.assert_allclose(weights, y - 1 / (1 + np.exp(-(mean + like @ weights))), atol=1e-6)


def test_some_cases_of_a_rare_class_are_looked_at():
  y = np.zeros((5_000, 2))
  y[4_000:4_005, 0] = 1
  y[:, 1] = np.where(np.arange(5_000) < 3, 0, 1)
  y[4_990:] = np.nan
  sample = gaussian._sample(y, False, SEED)
  assert len(set(sample.tolist())) == 500
  assert set(range(4_000, 4_005)) | set(range(3)) <= set(sample.tolist())
  of_numbers = gaussian._sample(np.where(np.arange(900) < 600, np.nan, 1.0)[:, None], True, SEED)
  assert set(of_numbers.tolist()) >= set(range(600, 900))


def test_without_descriptors_what_is_like_nothing_has_the_mean():
  x = np.eye(16, 12, dtype=np.float32)[rng.integers(0, 8, 60)]
  label = x[:, :4].any(axis=1)
  model, found = _fitted(label, x=x, bits=12)
  new = np.eye(12, dtype=np.float32)[11:]
  np.testing.assert_allclose(_outputs(model, found, new), found['mean'][None], atol=1e-6)


def test_float32_keeps_outputs_in_the_worst_case():
  x = rng.normal(size=(1_500, 3)).astype(np.float32)
  y = np.sin(x[:, 0]) + 0.1 * rng.normal(size=1_500)
  found = {name: limits[1] for name, limits in gaussian._OF_NUMBERS.items()} | {'noise': 0.01}
  like = models.covariance(
    [found[name] for name in models.COVARIANCE],
    *(np.asarray(part, np.float64) for part in models.likeness(x, x, 0)), np.exp,
  )  # fmt: skip
  _, weights = gaussian._of_numbers(like, y, 0.0, 0.01)
  rounded = like.astype(np.float32) @ weights.astype(np.float32)
  assert np.abs(rounded - like @ weights).max() < 0.05
