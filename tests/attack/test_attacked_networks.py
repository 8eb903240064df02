"""Networks of an attack are those that a training gives."""

import dataclasses

import pytest

pytest.importorskip('rdkit')

import jax
import numpy as np
from sklearn.metrics import roc_auc_score

from experiments import drug_activity
from medjax import config as config_lib
from medjax import runtime, transfer
from medjax.attack.networks import Networks, taken
from medjax.training import weights

SMALL = {
  'data.simulated_molecules': 120,
  'data.bits': 128,
  'features': (8,),
  'batch_size': 16,
  'num_epochs': 1,
}


def _scores(changed, odd=0, **parts):
  """Which training cases, every second, a network has seen, and how sure it is of each."""
  config = config_lib.changed(drug_activity.Config(), SMALL | changed)
  experiment = dataclasses.replace(drug_activity.build(config), **parts)
  train = experiment.data.splits['train']
  seen = np.arange(len(train)) % 2 == odd
  networks = Networks(experiment, config, runtime.devices(1), int(seen.sum()))
  return seen, networks.scores(taken(train, np.flatnonzero(seen)), train, seed=3)


@pytest.mark.parametrize('beside', [{'trees': 'extra'}, {'gaussian_process': True}])
def test_what_is_beside_is_fitted_to_what_a_network_sees(beside):
  still = {**beside, 'learning_rate': 0.0}  # so that the network is the same
  seen, scores = _scores(still)
  others, without = _scores(still, odd=1)
  assert (others != seen).all()
  surer = np.where(seen, scores - without, without - scores)
  assert surer.mean() > 0.01  # if nothing were fitted, all would be 0


def test_trees_know_their_cases_by_heart():
  seen, scores = _scores({'trees': 'extra'})
  assert roc_auc_score(seen, scores) > 0.9


def test_weights_to_start_from_are_taken(monkeypatch):
  def zeros(experiment, source, created):
    assert source.path == 'some.weights'
    params = jax.tree.map(np.zeros_like, created.params)
    return dataclasses.replace(created, params=params), '', []

  monkeypatch.setattr(weights, '_fit', zeros)
  start = transfer.Source('some.weights', None)
  _, scores = _scores({'learning_rate': 0.0}, start=start)
  np.testing.assert_allclose(scores, 0, atol=1e-6)  # one half
  assert np.ptp(_scores({'learning_rate': 0.0})[1]) > 0.01
