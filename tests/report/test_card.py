"""The model card: every figure from the run's files, everything else left to the author."""

import dataclasses
import functools
import json
import re

import numpy as np
import pytest
import reseal
from made_run import IMAGES, SEVERAL, write_run

from medjax import models
from medjax.errors import UserError
from medjax.outcomes import Classes
from medjax.outcomes.card import imbalance
from medjax.report import card
from medjax.workdir import Workdir

NETWORK = card.Network('CNN (features (32, 64))', 1234567)


def lines(text):
  return {
    cells[1].strip(): cells[2].strip()
    for cells in (re.split(r'(?<!\\)\|', line) for line in text.splitlines() if line[:1] == '|')
  }


def test_figures_are_those_of_the_run(tmp_path):
  table = write_run(tmp_path)
  config = {'learning_rate': 0.001, 'operating_point': 'youden'}
  (tmp_path / 'config.json').write_text(json.dumps(config))
  reseal.run_folder(tmp_path)
  weighted = dataclasses.replace(NETWORK, weights=(0.5, 2.0))
  path = card.write(Workdir(tmp_path), Classes(), IMAGES, {'test': table}, weighted)
  text = path.read_text()
  assert path.name == 'card.md'
  assert text.index('SIMULATED DATA') < text.index('## Purpose')
  found = lines(text)
  auroc = json.loads((tmp_path / 'evaluation.json').read_text())['test']['auroc']
  assert found['auroc'] == f'{auroc["value"]:.3f} ({auroc["low"]:.3f} to {auroc["high"]:.3f})'
  assert 'fingerprint abc123' in found['Source (5a; data sources)']
  assert found['Partitions (12a; level at which they are disjoint)'].startswith('0 groups')
  assert 'called at' in found['Output and threshold (15)']
  assert 'sensitivity' in found['sex: f, 30 cases (few cases)']
  assert found['Type and structure (12c, 22; model)'].startswith(
    'CNN (features (32, 64)), 1,234,567 parameters; input '
  )
  said = (
    'the loss weighs a case by its class: normal 0.5, cancer 2; every case is seen once an epoch'
  )
  assert found['Class imbalance (13)'].endswith(said)
  assert found['Weights before training (12c; initialization)'] == 'random'
  # How evaluation decides may have been changed since: that is said from decision.json.
  assert found['Training (12c; hyperparameters)'] == 'learning_rate 0.001'


def test_weights_that_training_began_from_are_named(tmp_path):
  table = write_run(tmp_path)
  workdir = Workdir(tmp_path)
  about = {'source': 'a|b.pth', 'digest': 'sha256:12', 'pixels': 'unit', 'notes': ['outputs new']}
  workdir.write(workdir.weights, about)
  text = card.write(workdir, Classes(), IMAGES, {'test': table}, NETWORK).read_text()
  found = lines(text)['Weights before training (12c; initialization)']
  assert found == 'of a\\|b.pth (sha256:12); outputs new'
  workdir.weights.write_text('{}')
  with pytest.raises(UserError, match=r'weights\.json'):
    card.write(workdir, Classes(), IMAGES, {'test': table}, NETWORK)


def test_what_a_run_cannot_know_is_left_to_the_author(tmp_path):
  table = write_run(tmp_path, simulated=False)
  text = card.write(Workdir(tmp_path), Classes(), IMAGES, {'test': table}, NETWORK).read_text()
  assert 'SIMULATED' not in text
  found = lines(text)
  for item in ('Ethical approval (17)', 'Limitations (26)', 'Interpretation (25)'):
    assert found[item] == card.TO_FILL


def test_several_classes_and_names_that_break_tables(tmp_path):
  table = write_run(tmp_path, ('a|b', '<i>', *SEVERAL[2:]))
  text = card.write(Workdir(tmp_path), Classes(), IMAGES, {'test': table}, NETWORK).read_text()
  assert 'the most probable one is called' in text
  assert '<i>' not in text
  widths = {len(re.split(r'(?<!\\)\|', line)) for line in text.splitlines() if line[:1] == '|'}
  assert widths == {4}


def test_damaged_run(tmp_path):
  table = write_run(tmp_path)
  (tmp_path / 'data.json').write_text('{}')
  reseal.run_folder(tmp_path)
  with pytest.raises(UserError, match='damaged'):
    card.write(Workdir(tmp_path), Classes(), IMAGES, {'test': table}, NETWORK)


def test_a_network_is_told_by_its_settings():
  model = models.Ensemble(functools.partial(models.MLP, features=(8, 4), outputs=2), 3)
  found = card.Network.of(model, {'a': np.zeros((3, 2)), 'b': {'c': np.zeros(5)}}, ())
  assert found.structure.startswith('Ensemble (count 3: MLP (features (8, 4), outputs 2')
  assert (found.parameters, found.weights) == (11, ())
  assert card.Network.of(models.MLP((8, 4)), {}, ()).structure.startswith('MLP (features (8, 4), ')
  makes = (functools.partial(models.MLP, (5,)), functools.partial(models.MLP, ()))
  several = models.Ensemble(makes, 4)
  both = models.Beside(several, models.Trees(outputs=1, count=7, leaves=9, link='logit'))
  told = card.Network.of(both, {}, ()).structure
  assert told.startswith('Beside (network Ensemble (count 4: MLP (features (5,), ')
  assert told.count('MLP (') == 2
  assert told.endswith('trees Trees (outputs 1, count 7, leaves 9, link logit))')
  on_fingerprint = models.OnFingerprint(makes[0])
  assert card.Network.of(on_fingerprint, {}, ()).structure == 'OnFingerprint (make MLP ((5,)))'
  alike = imbalance({'splits': {}, 'weights': ()})[1]
  assert 'weighs every case alike; every case is seen once an epoch' in alike
  balanced = imbalance({'splits': {}, 'balance': 0.75})[1]
  assert 'a class of n cases is seen in proportion to n to the power 0.25 (balanced' in balanced
