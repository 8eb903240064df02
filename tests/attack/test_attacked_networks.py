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


def _scores(changed, **parts):
  """Which training cases a network has seen, and how sure it is of each."""
  config = config_lib.changed(drug_activity.Config(), SMALL | changed)
  experiment = dataclasses.replace(drug_activity.build(config), **parts)
  train = experiment.data.splits['train']
  seen = np.arange(len(train)) % 2 == 0
  networks = Networks(experiment, config, runtime.devices(1), int(seen.sum()))
  return seen, networks.scores(taken(train, np.flatnonzero(seen)), train, seed=3)


def test_trees_are_grown_on_what_a_network_sees():
  seen, scores = _scores({'trees': 'extra'})
  assert roc_auc_score(seen, scores) > 0.9  # trees know their cases by heart


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
