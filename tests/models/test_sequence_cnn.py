"""Convolutions along sequences: padding counts for nothing, and strands are alike."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import models

COMPLEMENT = (3, 2, 1, 0)


def made(length=40, count=6, seed=0, **more):
  x = np.eye(4, dtype=np.float32)[np.random.default_rng(seed).integers(0, 4, (count, length))]
  model = models.SequenceCNN(features=6, kernel=5, reach=3, hidden=8, axis_name=None, **more)
  return model, model.init(jax.random.key(0), x), jnp.asarray(x)


@pytest.mark.parametrize('activation', ['relu', 'exponential'])
@pytest.mark.parametrize('width', [1, 4])
@pytest.mark.parametrize('train', [False, True])
def test_padding_of_letters_and_of_the_batch_counts_for_nothing(activation, width, train):
  more = {'activation': activation, 'width': width, 'words': width // 2}
  model, variables, x = made(blocks=2, dropout=0.0, **more)

  def outputs(x, mask=None):
    found = model.apply(variables, x, train=train, mask=mask, mutable=['batch_stats'])
    return found[0], found[1]['batch_stats']

  plain, statistics = outputs(x)
  longer, same = outputs(jnp.pad(x, ((0, 0), (0, 24), (0, 0))))
  np.testing.assert_allclose(longer, plain, atol=2e-5)
  more = jnp.pad(x, ((0, 3), (0, 0), (0, 0)), constant_values=0.25)
  wider, third = outputs(more, jnp.arange(9) < 6)
  np.testing.assert_allclose(wider[:6], plain, atol=2e-5)
  for other in (same, third):
    for a, b in zip(jax.tree.leaves(statistics), jax.tree.leaves(other), strict=True):
      np.testing.assert_allclose(a, b, atol=1e-5)


def test_both_strands_are_one_only_when_asked_for_and_not_in_training():
  from medjax.ops.strand import reverse_complement

  for complement, alike in ((COMPLEMENT, True), ((), False)):
    model, variables, x = made(complement=complement)
    other = reverse_complement(x, COMPLEMENT)
    a, b = (np.asarray(model.apply(variables, part)) for part in (x, other))
    assert np.allclose(a, b, atol=1e-5) == alike
  alone = models.SequenceCNN(features=6, kernel=5, reach=3, hidden=8, axis_name=None)
  mean = (alone.apply(variables, x) + alone.apply(variables, other)) / 2
  model = models.SequenceCNN(
    features=6, kernel=5, reach=3, hidden=8, axis_name=None, complement=COMPLEMENT
  )
  np.testing.assert_allclose(model.apply(variables, x), mean, atol=1e-6)


def test_places_tell_where_and_anywhere_does_not():
  """Of one motif in a sequence without letters elsewhere, moved by whole windows."""
  motif = np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0]]
  x = np.full((2, 64, 4), 0.25, np.float32)
  x[0, 16:21] = x[1, 40:45] = motif
  for pool, differs in (('anywhere', False), ('places', True)):
    model, _, _ = made(64, pool=pool, blocks=0)
    variables = model.init(jax.random.key(0), x)
    a, b = np.asarray(model.apply(variables, x))[:, 0]
    assert (abs(a - b) > 1e-4) == differs


def test_the_first_layer_is_a_correlation_with_the_filters():
  """By hand for one filter: the maximum of the exponential of a sliding product."""
  model = models.SequenceCNN(
    features=1, kernel=3, activation='exponential', width=1, blocks=0, hidden=1, axis_name=None
  )
  x = np.eye(4, dtype=np.float32)[[[0, 1, 2, 3, 3, 1]]]
  variables = model.init(jax.random.key(0), x)
  params = variables['params']
  kernel = np.asarray(params['convs_0']['kernel'])[:, :, 0]
  padded = np.pad(x[0], ((1, 1), (0, 0)))
  match = np.array([(padded[i : i + 3] * kernel).sum() for i in range(6)]) / np.sqrt(1 + 1e-5)
  pooled = np.array([np.exp(match).max(), np.exp(match).mean()])
  hidden = np.maximum(pooled @ params['dense']['kernel'] + params['dense']['bias'], 0)
  expected = hidden @ params['out']['kernel'] + params['out']['bias']
  np.testing.assert_allclose(model.apply(variables, x)[0], expected, rtol=1e-5)


def test_words_beside_the_filters_come_as_their_counts():
  """With the filters' part of the dense layer at zero, only the composition is left."""
  model, variables, x = made(words=2)
  kernel = variables['params']['dense']['kernel']
  kernel = kernel.at[:-16].set(0)
  variables['params']['dense']['kernel'] = kernel
  found = model.apply(variables, jnp.stack([x[0], x[0][::-1]]))
  pairs = np.zeros((4, 4))
  letters = np.asarray(x[0].argmax(-1))
  np.add.at(pairs, (letters[:-1], letters[1:]), 1)
  hidden = np.maximum(pairs.reshape(-1) @ kernel[-16:], 0)
  expected = hidden @ variables['params']['out']['kernel']
  np.testing.assert_allclose(found[0], expected, rtol=1e-4)
  assert abs(found[1] - found[0]).max() > 1e-3  # read backwards it has other pairs


def test_too_many_words_are_refused():
  model = models.SequenceCNN(words=3)
  with pytest.raises(ValueError, match='words of 3 letters are 8,000 with an alphabet of 20'):
    model.init(jax.random.key(0), jnp.zeros((1, 30, 20)))
