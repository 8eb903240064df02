"""What is beside a network is fitted to what is seen of the training cases."""

import types

import numpy as np
import pytest

from medjax import models, tasks, transfer
from medjax.errors import UserError

SEED = 3
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4)).astype(np.float32)
NUMBERS = X[:, 0] * 5 + X[:, 1] ** 2 + 100


class Data:
  """What is fitted to."""

  def __init__(self, label):
    self.splits = {'train': Split(label)}
    self.modality = types.SimpleNamespace(inputs=lambda batch: batch['x'])
    self.examples = lambda name: len(self.splits[name])


class Split:
  """Training cases."""

  def __init__(self, label):
    self.label = label

  def __len__(self):
    return len(X)

  def read(self, numbers):
    return {'x': X[numbers]}


def test_each_part_is_fitted_alone_and_predicts_as_much_as_the_network():
  parts = (transfer.Grown('forest', 4, 8), transfer.Process(0))
  beside, data = transfer.Beside(*parts), Data(NUMBERS)
  task = tasks.Regression(NUMBERS.mean(), NUMBERS.std())
  model = beside.with_network(models.MLP(()), task, data)
  found = beside.on(model, task, data, SEED)
  params = {'network': {'Dense_0': {'kernel': np.ones((4, 1)), 'bias': np.zeros(1)}}}
  outputs = model.apply({'params': params, models.FIXED: found}, X)
  each = [X.sum(axis=1, keepdims=True)]
  for part in parts:
    alone = part.model(1, 'identity', len(X))
    fitted = part.fit(alone, X, task.targets(NUMBERS), 'identity', SEED)
    each.append(alone.apply({models.FIXED: fitted}, X))
  np.testing.assert_allclose(outputs, np.mean(each, axis=0), atol=1e-5)
  in_training = model.apply({'params': params, models.FIXED: found}, X, train=True)
  np.testing.assert_allclose(in_training, each[0], atol=1e-5)


def test_settings_say_what_there_is():
  assert transfer.beside('none', False, 'bfloat16', 9) is None
  assert transfer.beside('boosting', False, 'float32', 9).settings == 'config.trees=boosting'
  both = transfer.beside('extra', True, 'float32', 9)
  assert both.settings == 'config.trees=extra and config.gaussian_process=true'
  assert both.process == transfer.Process(9)


@pytest.mark.parametrize('precision', ['bfloat16', 'auto'])
def test_columns_are_not_rounded(precision):
  with pytest.raises(UserError, match=f'precision={precision}: what config.trees=extra fits'):
    transfer.beside('extra', False, precision, 9)


def test_labels_that_are_no_classes_or_numbers_are_refused():
  beside = transfer.beside('forest', False, 'float32', 9)
  with pytest.raises(UserError, match='trees=forest: predicts classes or numbers; expected none'):
    beside.with_network(models.MLP(()), tasks.Cox(), Data(NUMBERS))
  with pytest.raises(ValueError, match='Cox: labels are no classes or numbers'):
    tasks.Cox().targets(np.zeros(3))
