"""Networks of an attack are those that a training gives."""

import pytest

pytest.importorskip('rdkit')

import numpy as np
from sklearn.metrics import roc_auc_score

from experiments import drug_activity
from medjax import config as config_lib
from medjax import runtime
from medjax.attack.networks import Networks, taken


def test_trees_are_grown_on_what_a_network_sees():
  settings = {
    'data.simulated_molecules': 120, 'data.bits': 128, 'features': (8,), 'batch_size': 16,
    'num_epochs': 1, 'trees': 'extra',
  }  # fmt: skip
  config = config_lib.changed(drug_activity.Config(), settings)
  experiment = drug_activity.build(config)
  train = experiment.data.splits['train']
  seen = np.arange(len(train)) % 2 == 0
  networks = Networks(experiment, config, runtime.devices(1), int(seen.sum()))
  scores = networks.scores(taken(train, np.flatnonzero(seen)), train, seed=3)
  assert roc_auc_score(seen, scores) > 0.9  # trees know their cases by heart
