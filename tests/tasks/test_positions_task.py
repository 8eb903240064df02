"""States at each position: loss and scores."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import tasks


def test_the_loss_is_the_mean_over_known_positions_whatever_the_padding():
  rng = np.random.default_rng(0)
  logits = rng.normal(size=(2, 6, 3)).astype(np.float32)
  label = np.array([[0, 1, -1, 2, -1, -1], [2, 2, 1, 0, 0, 1]], np.int8)
  known = label >= 0
  task = tasks.PerPosition(3, typical=known.sum() / 2)
  found = task.loss(jnp.asarray(logits), {'label': jnp.asarray(label)})
  shifted = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
  each = -np.log(np.take_along_axis(shifted, label.clip(0)[..., None].astype(int), 2)[..., 0])
  assert float(found.mean()) == pytest.approx(each[known].mean(), rel=1e-5)
  padded = (
    np.pad(logits, ((0, 0), (0, 3), (0, 0))),
    np.pad(label, ((0, 0), (0, 3)), constant_values=-1),
  )
  longer = task.loss(jnp.asarray(padded[0]), {'label': jnp.asarray(padded[1])})
  np.testing.assert_allclose(longer, found, rtol=1e-6)


def test_unknown_positions_have_no_gradient():
  task = tasks.PerPosition(3)
  label = jnp.array([[1, -1]])
  slope = jax.grad(lambda x: task.loss(x, {'label': label}).sum())(jnp.ones((1, 2, 3)))
  assert float(jnp.abs(slope[0, 0]).sum()) > 0
  assert float(jnp.abs(slope[0, 1]).sum()) == 0


def test_tables_and_scores():
  task = tasks.PerPosition(3)
  probability = np.eye(3)[[[0, 0, 2, 0], [1, 1, 0, 0]]]
  label = np.array([[0, 1, 2, -1], [1, 1, -1, -1]], np.int8)
  names = np.array(['a', 'b'])
  table = task.outcome.table(
    probability, label, sizes={'positions': np.array([4, 2])},
    id=names, group=names, split='val', classes=('H', 'E', 'C'),
  )  # fmt: skip
  assert task.outcome.monitor == 'q3'
  assert task.outcome.score(table) == pytest.approx(4 / 5)
  assert task.outcome.score(table.take(np.array([], int))) is None
  _, metrics = task.outcome.evaluate(table, task.outcome.decide(table, 1, None))
  assert metrics['q3'].value == task.outcome.score(table)
