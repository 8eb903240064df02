"""Which atoms are masked, and what a network sees of them."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import evaluation, models, tasks

ELEMENTS = 5


class Seen(nn.Module):
  """An encoder that gives what it sees."""

  @nn.compact
  def __call__(self, graph, *, train=False):
    return graph['atoms']


def graph(atoms):
  return {'atoms': jnp.asarray(atoms, jnp.float32)}


def molecule(random, size, padding=0):
  atoms = np.zeros((size + padding, 8), np.float32)
  atoms[np.arange(size), random.integers(0, ELEMENTS, size)] = 1
  atoms[:size, 7] = 0.12
  return atoms


@pytest.fixture(scope='module')
def many():
  random = np.random.default_rng(0)
  return np.stack([molecule(random, 20, 5) for _ in range(300)])


def outputs(atoms, **arguments):
  model = models.MaskedAtoms(Seen(), ELEMENTS)
  variables = model.init(jax.random.key(0), graph(atoms))
  return model.apply(variables, graph(atoms), **arguments)


def test_a_seventh_is_masked_and_no_padding(many):
  masked = np.asarray(outputs(many)['masked'])
  assert 0.13 < masked[:, :20].mean() < 0.17
  assert not masked[:, 20:].any()
  assert len(np.unique(masked, axis=0)) > 200  # not the same places of every molecule


def test_what_is_masked_is_fixed_whatever_the_batch_and_its_padding(many):
  whole = np.asarray(outputs(many)['masked'])
  alone = np.asarray(outputs(many[7:8, :20])['masked'])
  np.testing.assert_array_equal(alone[0], whole[7, :20])


def test_training_draws_anew(many):
  first, second = (
    np.asarray(outputs(many, train=True, rngs={'dropout': jax.random.key(key)})['masked'])
    for key in (1, 2)
  )
  assert 0.13 < first[:, :20].mean() < 0.17
  assert (first & second).sum() < 0.3 * first.sum()


def test_a_masked_atom_is_an_unknown_one_and_no_padding(many, monkeypatch):
  seen = []
  monkeypatch.setattr(
    Seen, '__call__', lambda self, graph, *, train=False: seen.append(graph['atoms']) or seen[-1]
  )
  masked = np.asarray(outputs(many)['masked'])
  shown = np.asarray(seen[-2])  # before the whole molecule
  assert (shown[masked] == np.eye(8)[ELEMENTS - 1]).all()
  np.testing.assert_array_equal(shown[~masked], many[~masked])


def test_the_embedding_is_the_mean_of_atoms_that_are_seen(many):
  np.testing.assert_allclose(outputs(many)['embedding'], many.sum(axis=1) / 20, rtol=1e-5)


def test_head_layers_are_those_that_need_pooled_atoms():
  inputs = {
    'atoms': jnp.ones((1, 2, 72)),
    'bonds': jnp.ones((1, 1, 14)),
    'ends': jnp.array([[[0, 1]]]),
    'incoming': jnp.array([[[2], [1]]]),
  }
  for made in (functools.partial(models.DMPNN, share=False), models.GINE):
    whole, atoms = (
      jax.eval_shape(one.init, jax.random.key(0), inputs)['params']
      for one in (made(8, 3), made(8, 3, pool='none'))
    )
    assert set(whole) - set(atoms) == set(made(8, 3).head_layers)
    assert set(atoms) <= set(whole)


def test_loss_and_counts_are_of_masked_atoms_alone():
  logits = jnp.log(jnp.array([[[0.5, 0.25, 0.25], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1]]]))
  made = {'logits': logits, 'masked': jnp.array([[True, False, True]])}
  batch = {'atoms': jnp.array([[[1], [1], [3]]])}
  task = tasks.AtomNaming(3, typical=2.0)
  likely = np.log(0.5) + np.log(0.1)
  assert float(task.loss(made, batch)[0]) == pytest.approx(-likely / 2)
  counts = task.statistics(made, batch)
  assert counts['elements'].tolist() == [[1, 0, 1]]
  assert counts['right'].tolist() == [1]
  assert float(counts['log_likelihood'][0]) == pytest.approx(likely)


def test_metrics_are_shares_of_atoms_and_tables_are_read_back(tmp_path):
  names = np.array(['a', 'b', 'c'])
  statistics = {
    'elements': np.array([[3, 0], [1, 1], [0, 0]]),
    'right': np.array([2, 1, 0]),
    'log_likelihood': np.array([-1.0, -1.5, 0.0]),
  }
  outcome = tasks.AtomNaming(2).outcome
  table = outcome.table(
    statistics, None, id=names, group=names, split='val', metadata={'right': ['x', 'y', 'z']}
  )
  found = evaluation.naming_metrics(table)
  assert [found[name].value for name in ('named', 'common', 'log_likelihood')] == [0.6, 0.8, -0.5]
  assert outcome.score(table) == -0.5
  table.write_csv(tmp_path / 'val.csv')
  again = evaluation.NamedAtoms.read_csv(tmp_path / 'val.csv')
  assert again.common.tolist() == [3, 1, 0]
  assert again.metadata == {'column_right': ['x', 'y', 'z']}
