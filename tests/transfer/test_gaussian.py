"""A Gaussian process that is fitted gives what scikit-learn's gives."""

import types

import numpy as np
import pytest
from sklearn import gaussian_process
from sklearn.gaussian_process import kernels

from medjax import models, tasks, transfer
from medjax.errors import UserError
from medjax.transfer import gaussian

SEED = 3
rng = np.random.default_rng(0)
X = rng.normal(size=(80, 3)).astype(np.float32)
NEW = rng.normal(size=(20, 3)).astype(np.float32)
NUMBERS = np.sin(2 * X[:, 0]) + X[:, 1] + rng.normal(size=80) / 4
ACTIVE = (NUMBERS > 0.5).astype(int)


class Data:
  """What a process is fitted to."""

  def __init__(self, label, x=X):
    self.splits = {'train': Split(label, x)}
    self.examples = lambda name: len(self.splits[name])
    self.modality = types.SimpleNamespace(inputs=lambda batch: batch['x'])


class Split:
  """Training cases."""

  def __init__(self, label, x):
    self.label, self.x = label, x

  def __len__(self):
    return len(self.x)

  def read(self, numbers):
    return {'x': self.x[numbers]}


def _fitted(task, data, bits=0):
  process = transfer.Process(bits)
  model = process.with_network(models.MLP(()), task, data)
  found = process.on(model, task, data, SEED)['other']
  return model, found


def _outputs(model, found, x=NEW):
  return np.asarray(model.other.apply({models.FIXED: found}, x), np.float64)


def _like_scikit_learn(found, *more):
  """Its kernel: squared distances are divided by twice the square of a length."""
  _, variance, width = map(float, found['covariance'])
  length = np.sqrt(width * X.shape[1] / 2)
  covariance = kernels.ConstantKernel(variance, 'fixed') * kernels.RBF(length, 'fixed')
  return sum(more, covariance)


def test_numbers_are_those_expected_under_noise():
  task = tasks.Regression(NUMBERS.mean(), NUMBERS.std())
  model, found = _fitted(task, Data(NUMBERS))
  targets = task.targets(NUMBERS)[:, 0]
  # Which noise was found follows from the weights: the labels are what is seen, and the noise.
  like = models.covariance(found['covariance'], *models.likeness(X, X, 0))
  weights = found['weights'][:, 0]
  noise = np.linalg.lstsq(weights[:, None], targets - np.asarray(like) @ weights)[0][0]
  assert 0.01 <= noise < 0.5
  kernel = _like_scikit_learn(found, kernels.WhiteKernel(noise, 'fixed'))
  theirs = gaussian_process.GaussianProcessRegressor(kernel).fit(X, targets)
  np.testing.assert_allclose(_outputs(model, found)[:, 0], theirs.predict(NEW), atol=1e-4)


def test_the_covariance_is_the_most_probable():
  task = tasks.Regression(NUMBERS.mean(), NUMBERS.std())
  _, found = _fitted(task, Data(NUMBERS))
  free = kernels.ConstantKernel(1.0, (1e-3, 100)) * kernels.RBF(1.0, (0.1, 20))
  free += kernels.WhiteKernel(0.1, (0.01, 2))
  theirs = gaussian_process.GaussianProcessRegressor(free, n_restarts_optimizer=3, random_state=0)
  theirs.fit(X, task.targets(NUMBERS)[:, 0])
  variance, length = theirs.kernel_.k1.k1.constant_value, theirs.kernel_.k1.k2.length_scale
  assert found['covariance'][1] == pytest.approx(variance, rel=0.05)
  assert found['covariance'][2] == pytest.approx(2 * length**2 / X.shape[1], rel=0.05)


def test_classes_are_the_most_probable_logits(monkeypatch):
  # scikit-learn's process has a mean of 0.
  monkeypatch.setattr(gaussian, '_mean', lambda values, numbers: 0.0)
  model, found = _fitted(tasks.Binary(), Data(ACTIVE))
  theirs = gaussian_process.GaussianProcessClassifier(_like_scikit_learn(found)).fit(X, ACTIVE)
  inner = theirs.base_estimator_
  expected = inner.kernel_(NEW, X) @ (inner.y_train_ - inner.pi_)
  np.testing.assert_allclose(_outputs(model, found)[:, 0], expected, atol=1e-4)
  like = models.covariance(found['covariance'], *models.likeness(X, X, 0))
  probability, _ = gaussian._of_classes(np.asarray(like, np.float64), ACTIVE, 0.0)
  assert probability == pytest.approx(inner.log_marginal_likelihood(), abs=1e-4)


def test_far_from_all_cases_the_share_of_a_class_is_left():
  model, found = _fitted(tasks.Binary(), Data(ACTIVE))
  far = np.full((1, 3), 1e3, np.float32)
  share = (ACTIVE.sum() + 0.5) / 81
  assert 1 / (1 + np.exp(-_outputs(model, found, far)[0, 0])) == pytest.approx(share, rel=1e-5)


def test_each_label_is_of_its_known_cases():
  some = np.where(np.arange(80) % 4 > 0, ACTIVE, np.nan)
  label = np.stack([some, np.ones(80), np.full(80, np.nan)], axis=1).astype(np.float32)
  model, found = _fitted(tasks.Multilabel(3), Data(label))
  outputs = _outputs(model, found)
  assert not found['weights'][np.isnan(some), 0].any()
  known = ~np.isnan(some)
  like = np.asarray(models.covariance(found['covariance'], *models.likeness(X, X, 0)), np.float64)
  _, weights = gaussian._of_classes(like[np.ix_(known, known)], some[known], found['mean'][0])
  np.testing.assert_allclose(found['weights'][known, 0], weights, atol=1e-5)
  np.testing.assert_allclose(outputs[:, 1], np.log(80.5 / 0.5), rtol=1e-5)
  np.testing.assert_allclose(outputs[:, 2], 0, atol=1e-6)


def test_each_of_many_classes_has_outputs():
  label = np.digitize(NUMBERS, [0, 1])
  model, found = _fitted(tasks.Multiclass(3), Data(label))
  outputs = _outputs(model, found, X)
  assert (outputs < 0).all()  # logarithms of shares
  assert (outputs.argmax(axis=1) == label).mean() > 0.8


def test_fingerprints_count_where_labels_follow_from_them():
  counts = rng.poisson(0.5, (80, 8)).astype(np.float32)
  label = (counts[:, :2].sum(axis=1) > 1).astype(int)
  x = np.concatenate([counts, X], axis=1)
  _, found = _fitted(tasks.Binary(), Data(label, x), bits=8)
  assert found['covariance'][0] > found['covariance'][1]


def test_fewer_cases_than_there_is_room_for_leave_the_rest_empty():
  task = tasks.Binary()
  process = transfer.Process(0)
  model = process.with_network(models.MLP(()), task, Data(ACTIVE))
  fewer = process.on(model, task, Data(ACTIVE[:50], X[:50]), SEED)['other']
  alone, found = _fitted(task, Data(ACTIVE[:50], X[:50]))
  assert fewer['cases'].shape == X.shape
  np.testing.assert_allclose(_outputs(model, fewer), _outputs(alone, found), atol=1e-5)


def test_too_many_cases_are_refused():
  class Many(Data):
    def __init__(self):
      self.splits = {'train': range(10_001)}
      self.examples = lambda name: len(self.splits[name])

  with pytest.raises(UserError, match='beside=gaussian_process: there are 10,001 training cases'):
    transfer.Process(0).with_network(models.MLP(()), tasks.Binary(), Many())


def test_labels_that_are_no_classes_or_numbers_are_refused():
  with pytest.raises(UserError, match='beside=gaussian_process: predicts classes or numbers'):
    transfer.Process(0).with_network(models.MLP(()), tasks.Cox(), Data(ACTIVE))
