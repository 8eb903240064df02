"""The Transformer beside a plain NumPy one; rotary positions; padding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax.models import Transformer
from medjax.models.transformer import Attention, rotate


def softmax(x):
  e = np.exp(x - x.max(axis=-1, keepdims=True))
  return e / e.sum(axis=-1, keepdims=True)


@pytest.mark.core
def test_attention_by_hand():
  """Rotation as multiplication by complex numbers, one head and one query at a time."""
  random = np.random.default_rng(0)
  x = random.normal(size=(2, 5, 8)).astype(np.float32)
  there = np.array([[True] * 5, [True] * 3 + [False] * 2])
  layer = Attention(heads=2)
  variables = layer.init(jax.random.key(0), x, there)
  p = jax.tree.map(np.asarray, variables['params'])
  speed = 10_000.0 ** (-np.arange(2) / 2)
  expected = np.zeros_like(x)
  for b in range(2):
    for head in range(2):
      q, k, v = (x[b] @ p[name]['kernel'][:, head] for name in ('query', 'key', 'value'))
      turn = np.exp(1j * np.arange(5)[:, None] * speed)
      q, k = ((part[:, :2] + 1j * part[:, 2:]) * turn for part in (q, k))
      score = (q @ k.conj().T).real / np.sqrt(4)
      weight = softmax(np.where(there[b], score, -np.inf))
      expected[b] += weight @ v @ p['out']['kernel'][head]
    expected[b] += p['out']['bias']
  found = layer.apply(variables, x, there)
  np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.core
def test_rotation_keeps_lengths_and_depends_on_distance_alone():
  random = np.random.default_rng(1)
  q, k = random.normal(size=(2, 1, 1, 1, 6)).astype(np.float32)
  many = [np.repeat(part, 9, axis=1) for part in (q, k)]
  turned = [np.asarray(rotate(part))[0, :, 0] for part in many]
  np.testing.assert_allclose(np.linalg.norm(turned[0], axis=1), np.linalg.norm(q), rtol=1e-5)
  products = turned[0] @ turned[1].T
  for shift in range(-4, 5):
    diagonal = np.diagonal(products, shift)
    np.testing.assert_allclose(diagonal, diagonal[0], atol=1e-4)
  assert np.ptp(products) > 0.1


@pytest.mark.parametrize(('pool', 'stride'), [('attention', 1), ('attention', 3), ('none', 1)])
def test_padding_counts_for_nothing(pool, stride):
  model = Transformer(features=8, layers=2, heads=2, outputs=3, pool=pool, stride=stride)
  x = np.random.default_rng(0).normal(size=(2, 12, 4)).astype(np.float32)
  variables = model.init(jax.random.key(0), x)
  short = model.apply(variables, x)
  long = model.apply(variables, np.pad(x, ((0, 0), (0, 9), (0, 0))))
  np.testing.assert_allclose(long if pool == 'attention' else long[:, :12], short, atol=1e-5)
  assert short.shape == ((2, 3) if pool == 'attention' else (2, 12, 3))


@pytest.mark.core
def test_settings_that_contradict_each_other():
  x = jnp.ones((1, 6, 4))
  with pytest.raises(ValueError, match='3 heads do not divide 8'):
    Transformer(features=8, heads=3).init(jax.random.key(0), x)
  with pytest.raises(ValueError, match='stride=2'):
    Transformer(features=8, heads=2, pool='none', stride=2).init(jax.random.key(0), x)
