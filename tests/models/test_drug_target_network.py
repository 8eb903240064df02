"""The network of pairs: padding counts for nothing, and either input matters."""

import jax
import jax.numpy as jnp
import numpy as np

from medjax.models import MLP, DrugTarget, SequenceCNN


def _made():
  target = SequenceCNN(features=8, kernel=5, blocks=1, hidden=16, outputs=16, axis_name=None)
  model = DrugTarget(MLP((16,), outputs=16), target, (32,))
  keys = jax.random.split(jax.random.key(0), 2)
  pairs = {
    'drug': 5 * jax.random.normal(keys[0], (3, 12)),
    'target': jax.nn.one_hot(jax.random.randint(keys[1], (3, 32), 0, 20), 20),
  }
  return model, model.init(jax.random.key(1), pairs), pairs


def test_padding_of_chains_and_of_the_batch_counts_for_nothing():
  model, variables, pairs = _made()
  shorter = pairs['target'].at[0, 17:].set(0)
  out = model.apply(variables, pairs | {'target': shorter})
  alone = jnp.pad(shorter[:1, :17], [(0, 0), (0, 3), (0, 0)])
  cut = model.apply(variables, {'drug': pairs['drug'][:1], 'target': alone})
  np.testing.assert_allclose(out[0], cut[0], atol=1e-5)

  def trained(drug):
    mask = jnp.array([True, True, False])
    inputs = {'drug': drug, 'target': pairs['target'] * jnp.where(mask, 1, 7)[:, None, None]}
    rngs = {'dropout': jax.random.key(2)}
    return model.apply(
      variables, inputs, train=True, mask=mask, mutable=['batch_stats'], rngs=rngs
    )  # fmt: skip

  (one, state), (other, again) = (trained(pairs['drug'].at[2].set(v)) for v in (0.0, 9.0))
  np.testing.assert_allclose(one[:2], other[:2], atol=1e-6)
  jax.tree.map(np.testing.assert_array_equal, state, again)


def test_both_inputs_matter_together():
  model, variables, pairs = _made()
  drug, target = pairs['drug'][:2], pairs['target'][:2]
  grid = {'drug': drug[jnp.array([0, 0, 1, 1])], 'target': target[jnp.array([0, 1, 0, 1])]}
  a, b, c, d = np.asarray(model.apply(variables, grid))[:, 0]
  assert len({a, b, c, d}) == 4
  assert abs(a - b - c + d) > 1e-5  # not a sum of what either says
