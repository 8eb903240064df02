"""Objects that were made alike, and those that were not."""

import functools

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from medjax import models, tasks
from medjax.data import augment
from medjax.training.same import same


def scaled(by, offset=0.0):
  return lambda x: x * by + offset


class Plain:
  """An object that says nothing of its parts."""


@pytest.mark.parametrize(
  'make',
  [
    lambda: optax.adam(1e-3),
    lambda: optax.lbfgs(memory_size=3),
    lambda: optax.chain(optax.clip(1.0), optax.adamw(optax.cosine_decay_schedule(1e-3, 10))),
    lambda: models.MLP((3, 4)),
    lambda: models.CNN(features=(4,)),
    lambda: tasks.Binary(weights=(0.5, 2.0)),
    lambda: augment.preset('radiograph'),
    lambda: functools.partial(scaled, 2.0, offset=1.0),
    lambda: {'a': [1, 2.5, 'x', np.arange(3)], 'b': (None, True)},
    lambda: models.MLP((3,)).apply,
  ],
)
def test_what_is_made_twice_in_the_same_way_is_the_same(make):
  assert make() is not make()
  assert same(make(), make())


@pytest.mark.parametrize(
  ('one', 'other'),
  [
    (optax.adam(1e-3), optax.adam(2e-3)),
    (optax.adam(1e-3), optax.sgd(1e-3)),
    (
      optax.adamw(optax.cosine_decay_schedule(1e-3, 10)),
      optax.adamw(optax.cosine_decay_schedule(1e-3, 11)),
    ),
    (models.MLP((3, 4)), models.MLP((3, 5))),
    (tasks.Binary(weights=(0.5, 2.0)), tasks.Binary()),
    (scaled(2.0), scaled(3.0)),
    (scaled(2.0), lambda x: x * 2.0),
    (functools.partial(scaled, 2.0), functools.partial(scaled, by=2.0)),
    (np.arange(3), np.arange(3.0)),
    (1, 1.0),
    ({'a': 1}, {'b': 1}),
    ((1, 2), (1, 2, 3)),
    (Plain(), Plain()),  # perhaps; nobody can see it
    (jnp.ones(2), jnp.ones(2)),
  ],
)
def test_what_differs_or_cannot_be_seen_is_not(one, other):
  assert not same(one, other)
