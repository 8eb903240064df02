"""Pretraining on molecules without labels, shrunk, and what starts from it."""

import csv
import functools
import json

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip('rdkit')

from experiments import drug_activity, drug_pretrain
from medjax import models, sealed
from medjax.data.simulate import assay
from medjax.training import weights
from medjax.transfer import fit as transfer_fit
from medjax.transfer import graphs

SMALL = (
  '--config.hidden=16',
  '--config.depth=2',
  '--config.data.bits=128',
  '--config.batch_size=16',
  '--config.num_devices=1',
)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  """Molecules alone, and the same with what is known of them."""
  folder = tmp_path_factory.mktemp('drug_pretrain')
  rows = assay.simulate(0, 120)
  (folder / 'library.smi').write_text('\n'.join(row['smiles'] for row in rows))
  with open(folder / 'known.csv', 'w', newline='') as file:
    csv.writer(file).writerows(
      [['smiles', 'label'], *([row['smiles'], row['label']] for row in rows)]
    )
  return folder


@pytest.fixture(scope='module')
def trained(run_in, folder):
  arguments = ('--config.data.source=library.smi', '--config.num_epochs=4', '--workdir=start')
  assert run_in(folder, drug_pretrain, *SMALL, *arguments) == 0
  return folder / 'start'


STARTED = (
  *SMALL,
  '--config.data.source=known.csv',
  '--config.network=dmpnn',
  '--config.num_epochs=1',
  '--config.explanation=none',
  '--config.model.weights=start',
)


def test_masked_atoms_are_named(trained):
  found = json.loads((trained / 'evaluation.json').read_text())['val']
  assert 0 < found['common']['value'] < 1
  assert found['named']['low'] <= found['named']['value'] <= found['named']['high']
  assert found['log_likelihood']['value'] > -np.log(38)  # better than guessing
  page = (trained / 'report.html').read_text()
  assert 'Masked atoms of the most common element' in page
  assert 'an embedding of each molecule' in (trained / 'card.md').read_text()


def test_an_activity_starts_from_it(trained, folder, run_in, capsys):
  assert run_in(folder, drug_activity, *STARTED, '--workdir=run') == 0
  assert 'layers behind the atoms are new: Dense_0, Dense_1' in capsys.readouterr().err
  notes = json.loads((folder / 'run' / 'weights.json').read_text())
  assert notes['source'] == 'start'


@pytest.mark.parametrize(
  ('changed', 'problem'),
  [
    ('--config.hidden=8', 'has config.hidden=16, not 8'),
    ('--config.depth=3', 'has config.depth=2, not 3'),
    ('--config.network=gine', 'has config.network=dmpnn, not gine'),
    ('--config.network=fingerprint', 'expected config.network=dmpnn, gine or both'),
    ('--config.model.weights=nowhere', 'expected a run folder'),
    ('--config.data.labels=none', 'expected labels'),
  ],
)
def test_another_start_is_refused_in_one_line(changed, problem, trained, folder, run_in, capsys):
  assert run_in(folder, drug_activity, *STARTED, changed, '--workdir=other') == 2
  errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith('error:')]
  assert len(errors) == 1
  assert problem in errors[0]
  assert not (folder / 'other').exists()


def test_a_network_gets_every_layer_before_the_pooled_atoms(trained):
  given = weights._read(trained).tensors
  network = models.DMPNN(hidden=16, depth=2, head=(16,))
  graph = {
    'atoms': jnp.ones((1, 2, 72)),
    'bonds': jnp.ones((1, 1, 14)),
    'ends': jnp.array([[[0, 1]]]),
    'incoming': jnp.array([[[2], [1]]]),
  }
  shapes = jax.eval_shape(network.init, jax.random.key(0), graph)
  empty = jax.tree.map(lambda leaf: np.full(leaf.shape, 7, leaf.dtype), shapes)
  taken, _ = graphs.fit(network, empty, given)
  for name in ('input', 'message', 'readout'):
    kernel = given.found[f'encoder/{name}/kernel']
    np.testing.assert_array_equal(taken['params'][name]['kernel'], kernel)
  assert (taken['params']['Dense_0']['kernel'] == 7).all()
  assert set(taken['params']) - {'input', 'message', 'readout', 'readout_bias'} == set(
    network.head_layers
  )


def test_all_networks_on_graphs_begin_with_it(trained):
  given = weights._read(trained).tensors
  kinds = (
    functools.partial(models.OnFingerprint, functools.partial(models.MLP, (4,))),
    functools.partial(models.DMPNN, hidden=16, depth=2, head=(16,)),
  )
  network = models.Ensemble(kinds, 4)
  graph = {
    'atoms': jnp.ones((1, 2, 72)),
    'bonds': jnp.ones((1, 1, 14)),
    'ends': jnp.array([[[0, 1]]]),
    'incoming': jnp.array([[[2], [1]]]),
    'fingerprint': jnp.ones((1, 8)),
  }
  random = network.init(jax.random.key(0), graph)
  taken, notes = graphs.fit(network, random, given)
  assert notes == ['layers behind the atoms are new: Dense_0, Dense_1']
  assert jax.tree.map(jnp.shape, taken) == jax.tree.map(jnp.shape, random)
  of = taken['params']
  for name in ('member_1', 'member_3'):
    kernel = given.found['encoder/message/kernel']
    np.testing.assert_array_equal(of[name]['message']['kernel'], kernel)
  heads = [of[name]['Dense_0']['kernel'] for name in ('member_1', 'member_3')]
  assert not np.array_equal(*heads)
  for name in ('member_0', 'member_2'):
    jax.tree.map(np.testing.assert_array_equal, of[name], random['params'][name])

  beside = models.Beside(network, models.Trees(outputs=1, count=2, leaves=2))
  random = beside.init(jax.random.key(0), graph)
  with_trees, _ = graphs.fit(beside, random, given)
  assert jax.tree.map(jnp.shape, with_trees) == jax.tree.map(jnp.shape, random)
  kernel = given.found['encoder/message/kernel']
  found = with_trees['params']['network']['member_1']['message']['kernel']
  np.testing.assert_array_equal(found, kernel)


def test_several_networks_start_from_it_in_training(trained, folder, run_in, capsys):
  words = ('--config.members=2', '--config.network=both', '--workdir=several')
  arguments = [one for one in STARTED if 'network' not in one]
  assert run_in(folder, drug_activity, *arguments, *words) == 0
  assert 'layers behind the atoms are new: Dense_0, Dense_1' in capsys.readouterr().err
  again = ('--config.model.weights=several', '--workdir=other')
  assert run_in(folder, drug_activity, *STARTED, *again) == 2
  assert 'weights=several: that run has several networks; expected a run' in capsys.readouterr().err
  folder.joinpath('pair').mkdir()
  stored = json.loads((folder / 'several' / 'config.json').read_text())
  stored |= {'members': 1, 'network': 'graphs'}
  identity = stored.pop('seal')['run']
  sealed.write(folder / 'pair' / 'config.json', stored, run=identity)
  assert run_in(folder, drug_activity, *STARTED, '--config.model.weights=pair', '--workdir=o') == 2
  assert 'weights=pair: that run has several networks; expected a run' in capsys.readouterr().err


def test_networks_differ_though_the_source_has_all_their_layers():
  kind = functools.partial(models.DMPNN, hidden=8, depth=2, head=(4,))
  graph = {
    'atoms': jnp.ones((1, 2, 72)),
    'bonds': jnp.ones((1, 1, 14)),
    'ends': jnp.array([[[0, 1]]]),
    'incoming': jnp.array([[[2], [1]]]),
  }
  source = flax.traverse_util.flatten_dict(kind().init(jax.random.key(1), graph)['params'], sep='/')
  network = models.Ensemble(kind, 2)
  random = network.init(jax.random.key(0), graph)
  taken, _ = graphs.fit(network, random, transfer_fit.Tensors('source', source, ours=True))
  one, other = (taken['params'][f'member_{i}'] for i in range(2))
  np.testing.assert_array_equal(one['input']['kernel'], source['input/kernel'])
  np.testing.assert_array_equal(other['input']['kernel'], source['input/kernel'])
  assert not np.array_equal(one['Dense_1']['kernel'], other['Dense_1']['kernel'])
