"""What is explained of a case that may be of several classes."""

import jax.numpy as jnp
import numpy as np

from medjax import tasks
from medjax.config import ClassSettings
from medjax.evaluation import Labels
from medjax.outcomes import LabelSet


def _table(probability):
  rng = np.random.default_rng(0)
  names = np.array([str(i) for i in range(len(probability))])
  label = (rng.random(probability.shape) < probability).astype(float)
  return Labels(names, label, probability, names, 'val', ('a', 'b', 'c'))


def test_the_class_furthest_above_its_threshold_is_explained():
  outcome = LabelSet()
  table = _table(np.random.default_rng(1).random((200, 3)) * np.array([1.0, 0.6, 0.3]))
  decision = outcome.decide(table, 7, ClassSettings(calibration='none'))
  thresholds = [one.threshold.value for one in decision.classes.values()]
  probability = np.array([[0.9, 0.1, 0.1], [0.1, 0.9, 0.9], [0.0, 0.0, 0.0]])
  calls, values = outcome.calls(decision, probability)
  expected = [max(range(3), key=lambda c: row[c] - thresholds[c]) for row in probability]
  assert calls.tolist() == expected
  np.testing.assert_array_equal(values, probability)
  np.testing.assert_array_equal(outcome.called(_table(probability), decision), calls)
  cells = outcome.call_cells(int(calls[0]), values[0], ('a', 'b', 'c'))
  assert cells == {'explained': 'a', 'probability': '0.9000'}
  assert list(cells) == list(outcome.call_columns)


def test_its_logit_is_the_number_that_is_explained():
  logits = jnp.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
  found = tasks.Multilabel(3).explained(logits, jnp.array([2, 0]))
  assert found.tolist() == [3.0, 4.0]
