"""Recurrent networks: the cells' equations in NumPy, and padding that counts for nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax.models import AttentionPool, Recurrent


def sigmoid(x):
  return 1 / (1 + np.exp(-x))


def signals(count=3, length=9, channels=2, seed=0):
  return np.random.default_rng(seed).standard_normal((count, length, channels)).astype(np.float32)


def drawn(model, *inputs):
  """Variables without zeros, which would hide where a bias is added; nothing is compiled."""
  noise = np.random.default_rng(5)
  return jax.tree.map(
    lambda leaf: jnp.asarray(noise.normal(0, 0.4, leaf.shape), jnp.float32),
    jax.eval_shape(model.init, jax.random.key(0), *inputs),
  )


def both(model, x):
  variables = drawn(model, x)
  return variables, np.asarray(jax.jit(model.apply)(variables, x))


def lstm(cell, x):
  """Hochreiter and Schmidhuber 1997 with forget gate: c = f c + i g, h = o tanh(c)."""
  p = jax.tree.map(np.asarray, cell)
  h = c = np.zeros((len(x), p['hi']['kernel'].shape[0]))
  out = []
  for t in range(x.shape[1]):
    gate = {k: x[:, t] @ p[f'i{k}']['kernel'] + h @ p[f'h{k}']['kernel'] + p[f'h{k}']['bias']
            for k in 'ifgo'}  # fmt: skip
    c = sigmoid(gate['f']) * c + sigmoid(gate['i']) * np.tanh(gate['g'])
    h = sigmoid(gate['o']) * np.tanh(c)
    out.append(h)
  return np.stack(out, axis=1)


def gru(cell, x):
  """As in cuDNN: n = tanh(W x + b + r (U h + c)), h = (1 - z) n + z h."""
  p = jax.tree.map(np.asarray, cell)
  h = np.zeros((len(x), p['hn']['kernel'].shape[0]))
  out = []
  for t in range(x.shape[1]):
    into = {k: x[:, t] @ p[f'i{k}']['kernel'] + p[f'i{k}']['bias'] for k in 'rzn'}
    r = sigmoid(into['r'] + h @ p['hr']['kernel'])
    z = sigmoid(into['z'] + h @ p['hz']['kernel'])
    n = np.tanh(into['n'] + r * (h @ p['hn']['kernel'] + p['hn']['bias']))
    h = (1 - z) * n + z * h
    out.append(h)
  return np.stack(out, axis=1)


@pytest.mark.parametrize(('cell', 'step'), [('lstm', lstm), ('gru', gru)])
def test_layers_equal_the_equations_of_their_cells(cell, step):
  x = signals()
  model = Recurrent(cell=cell, features=4, layers=2, pool='none', outputs=3)
  variables, found = both(model, x)
  params = variables['params']
  expected = x
  for layer in range(2):
    ahead = step(params[f'forward_{layer}']['cell'], expected)
    back = step(params[f'backward_{layer}']['cell'], expected[:, ::-1])[:, ::-1]
    expected = np.concatenate([ahead, back], axis=2)
  dense = params['Dense_0']
  np.testing.assert_allclose(found, expected @ dense['kernel'] + dense['bias'], atol=1e-5)


@pytest.mark.parametrize(
  ('cell', 'pool', 'frame'),
  [('lstm', 'last', 1), ('gru', 'mean', 2), ('lstm', 'attention', 2), ('gru', 'none', 1)],
)
def test_padding_changes_nothing(cell, pool, frame):
  x = signals(length=7)
  model = Recurrent(cell=cell, features=4, layers=2, pool=pool, frame=frame, hidden=5, outputs=2)
  variables, alone = both(model, x)
  padded = np.concatenate([x, np.zeros((3, 6, 2), np.float32)], axis=1)
  other = signals(1, 13, seed=9)
  together = np.asarray(jax.jit(model.apply)(variables, np.concatenate([padded, other])))
  np.testing.assert_allclose(together[:3, :7] if pool == 'none' else together[:3], alone, atol=1e-5)
  if pool == 'none':
    assert not together[:3, 7:].any()
    assert together[3].any(axis=-1).all()


def test_last_is_where_each_direction_ends():
  x = signals(length=6)
  padded = np.concatenate([x, np.zeros_like(x)], axis=1)
  model = Recurrent(features=4, outputs=3)
  variables, found = both(model, padded)
  params = variables['params']
  ends = [gru(params['forward_0']['cell'], x), gru(params['backward_0']['cell'], x[:, ::-1])]
  state = np.concatenate([end[:, -1] for end in ends], axis=1)
  dense = params['Dense_0']
  np.testing.assert_allclose(found, state @ dense['kernel'] + dense['bias'], atol=1e-5)


def test_attention_is_a_softmax_over_the_places_that_are_there():
  x, present = signals(2, 5), np.array([[True] * 3 + [False] * 2, [True] * 5])
  pool = AttentionPool(4)
  variables = drawn(pool, x, present)
  params = jax.tree.map(np.asarray, variables['params'])
  for i, count in enumerate(present.sum(axis=1)):
    part = x[i, :count]
    score = np.tanh(part @ params['key']['kernel'] + params['key']['bias'])
    weight = np.exp((score @ params['query']['kernel'])[:, 0])
    expected = (weight / weight.sum()) @ part
    np.testing.assert_allclose(pool.apply(variables, x, present)[i], expected, atol=1e-6)


@pytest.mark.parametrize('pool', ['mean', 'attention'])
def test_an_example_that_pads_the_batch_spoils_no_gradient(pool):
  x = np.concatenate([signals(1), np.zeros((1, 9, 2), np.float32)])
  model = Recurrent(features=3, pool=pool)
  variables = drawn(model, x)

  @jax.jit
  def loss(variables, x):
    return jnp.square(model.apply(variables, x)[:1]).sum()

  padded, alone = (jax.grad(loss)(variables, part) for part in (x, x[:1]))
  for one, other in zip(jax.tree.leaves(padded), jax.tree.leaves(alone), strict=True):
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_bfloat16_parameters_and_inputs():
  x = signals(length=11)
  variables, found = both(Recurrent(features=4), x)
  half = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), variables)
  rough = jax.jit(Recurrent(features=4).apply)(half, x.astype(jnp.bfloat16))
  np.testing.assert_allclose(rough.astype(np.float32), found, atol=0.05)


def test_dropout_in_training_only():
  x = signals()
  model = Recurrent(features=8, bidirectional=False, dropout=0.5, hidden=8)
  variables, found = both(model, x)

  @jax.jit
  def training(key):
    return model.apply(variables, x, train=True, rngs={'dropout': key})

  one, other = (training(jax.random.key(i)) for i in range(2))
  assert np.abs(one - other).max() > 1e-3
  assert np.abs(one - found).max() > 1e-3


def test_outputs_for_every_place_need_steps_of_one_place():
  with pytest.raises(ValueError, match="pool='none' needs steps of one place, and frame is 4"):
    Recurrent(pool='none', frame=4).init(jax.random.key(0), jnp.ones((1, 8, 1)))
