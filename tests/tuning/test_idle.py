"""Settings that change nothing are told from those that do, without reading examples."""

import dataclasses

import pytest

from experiments import breast_logistic, diabetes_linear, drug_activity, lung_cnn, survival
from medjax import space
from medjax.space import Choices, Integers, Log, Uniform
from medjax.tuning.idle import idle

pytest.importorskip('rdkit')


def described(module):
  """Makes the module's experiment from what data.json would say of its data."""
  config = module.Config()
  for name in ('simulated', 'simulated_train', 'simulated_val', 'simulated_test', 'simulated_rows'):
    if hasattr(config.data, name):
      setattr(config.data, name, 60)
  about = module.build(config).data.summary()

  def build(config):
    config = dataclasses.replace(config, data=dataclasses.replace(config.data))
    config.data.stored = about
    return module.build(config)

  return build


@pytest.mark.parametrize('module', [breast_logistic, diabetes_linear, survival])
def test_everything_that_these_experiments_search_changes_them(module):
  assert idle(module.SPACE, module.Config(), described(module)) == []


def test_without_choices_of_layers_the_step_size_of_their_optimiser_changes_nothing():
  given = {'learning_rate': Log(1e-3, 1.0), 'model': Choices(('cox', 'discrete'))}
  assert idle(given, survival.Config(), described(survival)) == ['learning_rate']


def test_settings_of_the_other_network_change_nothing():
  config = drug_activity.Config()
  found = idle(space.usual(config), config, described(drug_activity))
  assert found == ['hidden']  # which is of graphs
  both = {'hidden': Choices((100, 300)), 'network': Choices(('fingerprint', 'dmpnn'))}
  assert idle(both, config, described(drug_activity)) == []


def test_what_training_itself_reads_always_counts():
  config = lung_cnn.Config(network='resnet18')
  given = {'batch_size': Integers(8, 64, 8), 'hidden': Choices((256, 512)), **_rate()}
  assert idle(given, config, described(lung_cnn)) == ['hidden']


def _rate():
  return {'learning_rate': Log(1e-4, 1e-2)}


def test_where_two_builds_differ_anyway_nobody_can_tell():
  build = described(survival)

  def odd(config):
    return dataclasses.replace(build(config), penalty=object())

  assert idle({'dropout': Uniform(0.0, 0.5)}, survival.Config(), odd) == []


def test_descriptions_hold_no_examples():
  assert described(survival)(survival.Config()).data.splits == {}
