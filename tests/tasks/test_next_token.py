"""Losses of language models: sums of log-likelihoods, and distances from wanted ones."""

import jax.numpy as jnp
import numpy as np

from medjax.tasks import AugmentedLikelihood, NextToken

OUTPUTS = jnp.array([[-1.0, -2.0, 0.0], [-0.5, 0.0, 0.0]])


def test_the_loss_of_a_sequence_is_its_sum_over_a_typical_length():
  np.testing.assert_allclose(NextToken(typical=2.0).loss(OUTPUTS, {}), [1.5, 0.25])


def test_statistics_count_tokens_and_not_padding():
  batch = {'tokens': jnp.array([[4, 1, 0], [1, 0, 0]])}
  found = NextToken().statistics(OUTPUTS, batch)
  np.testing.assert_allclose(found['log_likelihood'], [-3.0, -0.5])
  assert found['tokens'].tolist() == [2, 1]


def test_the_augmented_loss_is_the_squared_distance_from_what_is_wanted():
  loss = AugmentedLikelihood().loss(OUTPUTS, {'augmented': jnp.array([-1.0, -0.5])})
  np.testing.assert_allclose(loss, [4.0, 0.0])
