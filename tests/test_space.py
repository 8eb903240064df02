"""What is searched: typed ranges of settings, checked against the config."""

import importlib
import pathlib

import pytest

from experiments import drug_activity, genome_regulation, lung_cnn, survival, tabular_mlp
from medjax import config as config_lib
from medjax import space
from medjax.config import Config
from medjax.errors import UserError
from medjax.space import Choices, Integers, Log, Uniform

EXPERIMENTS = sorted(
  path.stem
  for path in pathlib.Path(genome_regulation.__file__).parent.glob('[!_]*.py')
  if 'medjax.main(' in path.read_text()
)


class Drawn:
  """Stands for a trial: gives the low end of whatever it is asked for, and notes the question."""

  def __init__(self, share=0.0):
    self.share, self.asked = share, []

  def suggest_float(self, name, low, high, log=False):
    self.asked.append((name, low, high, log))
    return low + self.share * (high - low)

  def suggest_int(self, name, low, high, step=1, log=False):
    self.asked.append((name, low, high, step, log))
    return low

  def suggest_categorical(self, name, choices):
    self.asked.append((name, *choices))
    return choices[-1]


def leaf(config, name):
  return next(one for one in config_lib.leaves(config) if one.name == name)


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_every_experiment_has_a_space_that_fits_it(name):
  module = importlib.import_module(f'experiments.{name}')
  config = (vars(module).get('config') or module.Config)()
  found = vars(module).get('SPACE') or space.usual(config)
  assert found
  space.check(found, config)
  for setting, range_ in found.items():
    (default,) = (one for one in config_lib.leaves(config) if one.name == setting)
    for other in range_.others(default.value):
      config_lib.changed(config, {setting: other})


def test_the_experiments_are_those_of_the_folder():
  assert {'lung_cnn', 'survival', 'genome_regulation', 'drug_activity'} <= set(EXPERIMENTS)


def test_the_usual_rules():
  found = space.usual(lung_cnn.Config())
  assert found['learning_rate'] == Log(1e-4, 1e-2)
  assert found['optimizer.weight_decay'] == Log(1e-6, 0.1)  # the default is 0
  assert found['dropout'] == Uniform(0.0, 0.5)
  assert found['features'] == Choices(((16, 32, 64), (32, 64, 128), (64, 128, 256)))
  assert found['hidden'] == Choices((256, 512, 1024))
  assert not any(name.startswith('data.') for name in found)
  assert space.usual(tabular_mlp.Config(weight_decay=0.1))['weight_decay'] == Log(1e-3, 1.0)
  assert 'features' not in space.usual(survival.Config())  # which has no layers to widen
  assert space.usual(tabular_mlp.Config(dropout=0.9))['dropout'] == Uniform(0.0, 0.9)


def test_ranges_ask_and_answer_in_the_types_of_the_settings():
  config, trial = drug_activity.Config(), Drawn(share=1 / 3)
  assert Uniform(0, 1).suggest(trial, leaf(config, 'dropout')) == 0.3333  # four digits
  assert trial.asked == [('dropout', 0, 1, False)]
  assert Log(32, 512).suggest(trial, leaf(config, 'hidden')) == 32
  assert trial.asked[-1] == ('hidden', 32, 512, 1, True)
  assert Choices(((64,), (512, 128))).suggest(trial, leaf(config, 'features')) == (512, 128)
  assert trial.asked[-1] == ('features', '64', '512,128')
  # Rounding leaves no range.
  assert Uniform(0.0, 0.33336).suggest(Drawn(1.0), leaf(config, 'dropout')) == 0.33336


def test_what_lies_outside_a_range_has_a_nearest_value():
  assert Log(1e-4, 1e-1).nearest(0.0) == 1e-4
  assert Uniform(0.0, 0.5).nearest(0.7) == 0.5
  assert [Integers(1, 9, 4).nearest(n) for n in (0, 2, 4, 6, 12)] == [1, 1, 5, 5, 9]
  assert Choices(('a', 'b')).nearest('b') == 'b'


@pytest.mark.parametrize(
  ('text', 'expected'),
  [
    ('learning_rate=log:1e-4:1e-1', {'learning_rate': Log(1e-4, 1e-1)}),
    ('config.dropout=0:0.5', {'dropout': Uniform(0.0, 0.5)}),
    ('depth=1:5:2 hidden=64:256', {'depth': Integers(1, 5, 2), 'hidden': Integers(64, 256)}),
    ('hidden=log:32:512', {'hidden': Log(32, 512)}),
    ('features=64|512,128', {'features': Choices(((64,), (512, 128)))}),
    ('network=fingerprint|gine', {'network': Choices(('fingerprint', 'gine'))}),
  ],
)
def test_a_space_is_read_from_text(text, expected):
  config = drug_activity.Config()
  found = space.read(text, config)
  assert found == expected
  space.check(found, config)


@pytest.mark.parametrize(
  ('text', 'line'),
  [
    ('', '--space: is empty'),
    ('dropout', '--space: dropout: expected NAME=log:LOW:HIGH'),
    ('drop_out=0:1', '--space: drop_out: no such setting; did you mean dropout?'),
    ('dropout=0:x', '--space: dropout=0:x: expected NAME=log'),
    ('dropout=0', '--space: dropout=0: expected NAME=log'),
    ('dropout=0:0.5:0.1', '--space: dropout=0:0.5:0.1: expected NAME=log'),
    ('hidden=1|x', 'config.hidden=x: expected a whole number of at least 1'),
  ],
)
def test_texts_that_spell_no_space(text, line):
  with pytest.raises(UserError) as error:
    space.read(text, drug_activity.Config())
  assert str(error.value).startswith(line)


@pytest.mark.parametrize(
  ('given', 'line'),
  [
    ({'droput': Uniform(0, 1)}, 'space: droput: no such setting; did you mean dropout?'),
    ({'dropout': Uniform(0, 2)}, 'config.dropout=2.0: expected a number from 0.0 to 0.95'),
    ({'dropout': Uniform(0.5, 0.5)}, 'space: dropout: 0.5 to 0.5: expected low below high'),
    ({'dropout': Log(0.0, 0.5)}, 'space: dropout: 0 to 0.5, on a scale of powers: expected ends'),
    ({'dropout': Integers(0, 1)}, 'space: dropout: whole numbers from 0 to 1: is a number from'),
    ({'dropout': (0, 1)}, 'space: dropout: expected Log, Uniform, Integers or Choices, found'),
    ({'dropout': Uniform(0, float('nan'))}, 'space: dropout: 0 to nan: expected two numbers'),
    ({'depth': Uniform(1, 3)}, 'space: depth: 1 to 3: is a whole number; expected Integers'),
    ({'depth': Integers(1, 4, 2)}, 'space: depth: whole numbers from 1 to 4, every 2: expected a'),
    ({'depth': Integers(1, 4.5)}, 'space: depth: whole numbers from 1 to 4.5: expected whole num'),
    (
      {'network': Uniform(0, 1)},
      'space: network: 0 to 1: is fingerprint|dmpnn|gine|both|graphs; expected',
    ),
    ({'features': Log(1, 9)}, 'space: features: 1 to 9, on a scale of powers: is'),
    ({'network': Choices(('gine', 'gcn'))}, 'config.network=gcn: expected one of fingerprint'),
    ({'network': Choices(('gine', 'dmpnn'))}, 'space: network: gine | dmpnn: expected the default'),
    ({'network': Choices(('gine',))}, 'space: network: gine: expected two or more values'),
    ({'seed': Integers(0, 9)}, 'space: seed: cannot be searched'),
    ({'data.seed': Integers(0, 9)}, 'space: data.seed: cannot be searched'),
    ({'data.fold': Integers(0, 4)}, 'space: data.fold: cannot be searched: it may change which'),
    ({'data.allow_group_overlap': Choices((True, False))}, 'space: data.allow_group_overlap: can'),
    ({'accumulate': Integers(1, 2)}, 'space: accumulate: cannot be searched'),
  ],
)
def test_spaces_that_do_not_fit(given, line):
  with pytest.raises(UserError) as error:
    space.check(given, drug_activity.Config())
  assert str(error.value).startswith(line)


# Of data, what the network sees of a case. All else may move cases between splits or change labels.
OF_INPUTS = {
  'after', 'before', 'bits', 'categorical', 'channels', 'counts', 'descriptors', 'drop',
  'image_size', 'keep', 'leads', 'length', 'max_residues', 'radius', 'rate', 'resize', 'varying',
}  # fmt: skip


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_of_data_only_what_the_network_sees_may_be_searched(name):
  module = importlib.import_module(f'experiments.{name}')
  config = (vars(module).get('config') or module.Config)()
  for one in config_lib.leaves(config):
    if not one.name.startswith('data.') or one.name == 'data.seed':
      continue
    with pytest.raises(UserError) as error:
      space.check({one.name: Choices((one.value,))}, config)
    refused = 'cannot be searched: it may change which cases train and val' in str(error.value)
    kept_beats = type(config.data).__module__ == 'medjax.data.signals.config'
    may = one.name.removeprefix('data.') in OF_INPUTS - ({'keep'} if kept_beats else set())
    assert refused != may, one.name
    assert refused or 'expected two or more values' in str(error.value)


def test_a_changed_config_is_a_checked_copy():
  config = Config()
  assert config_lib.changed(config, {'batch_size': 8}).batch_size == 8
  assert config.batch_size == 32
  with pytest.raises(UserError, match=r'^config\.batch_size=0: expected a whole number of at'):
    config_lib.changed(config, {'batch_size': 0})
