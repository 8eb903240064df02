"""Settings: typed overrides, checks, stored form."""

import dataclasses
import functools
from typing import Literal

import pytest

from medjax import config as config_lib
from medjax.config import Config, setting
from medjax.data import images
from medjax.errors import UserError


@dataclasses.dataclass
class Study(Config):
  data: images.Config = dataclasses.field(default_factory=images.Config)
  features: tuple[int, ...] = setting((32, 64), 'Channels.')
  rate: float = setting(0.5, 'Rate.', low=0.0, high=1.0)
  kind: Literal['a', 'b'] = setting('a', 'Kind.')


def _override(*arguments, config=None):
  from absl import flags

  values = flags.FlagValues()
  config = config or Study()
  config_lib.declare(config, values)
  values(['program', *arguments])
  return config_lib.override(config, values)


def test_overrides_get_the_type_of_their_field():
  study = _override(
    '--config.batch_size=64',
    '--config.learning_rate=1e-4',
    '--config.xla_tuning=false',
    '--config.features=8,16,32',
    '--config.kind=b',
    '--config.data.source=/some/where',
    '--config.data.image_size=64',
  )
  assert (study.batch_size, study.learning_rate, study.xla_tuning) == (64, 1e-4, False)
  assert (study.features, study.kind) == ((8, 16, 32), 'b')
  assert (study.data.source, study.data.image_size) == ('/some/where', 64)


def test_the_default_is_not_changed():
  study = Study()
  _override('--config.data.image_size=64', config=study)
  assert study.data.image_size == 224


@pytest.mark.parametrize(
  ('argument', 'message'),
  [
    ('--config.batch_size=many', 'config.batch_size=many: expected a whole number of at least 1'),
    ('--config.batch_size=3.5', 'config.batch_size=3.5: expected a whole number'),
    ('--config.batch_size=0', 'config.batch_size=0: expected a whole number of at least 1'),
    ('--config.learning_rate=-1', 'config.learning_rate=-1.0: expected a number of at least 0'),
    ('--config.learning_rate=nan', 'config.learning_rate=nan: expected a number'),
    ('--config.rate=1.5', 'config.rate=1.5: expected a number from 0.0 to 1.0'),
    ('--config.kind=c', 'config.kind=c: expected one of a, b'),
    ('--config.xla_tuning=maybe', 'config.xla_tuning=maybe: expected true or false'),
    ('--config.features=8,x', 'config.features=8,x: expected comma-separated int values'),
    ('--config.features=', 'config.features='),
    ('--config.data.channels=2', 'config.data.channels=2: expected 1 (grey) or 3 (RGB)'),
    ('--config.data.source=', "config.data.source=: expected 'simulated'"),
  ],
)
def test_wrong_values_name_the_field_the_value_and_what_is_allowed(argument, message):
  with pytest.raises(UserError) as caught:
    _override(argument)
  assert str(caught.value).startswith(message)
  assert '\n' not in str(caught.value)


def test_every_setting_changes_the_hash():
  default = config_lib.short_hash(Study())
  seen = {default}
  for leaf in config_lib.leaves(Study()):
    changed = Study()
    other = {bool: lambda v: not v, str: lambda v: v + 'x', tuple: lambda v: (*v, 1)}
    owner = functools.reduce(getattr, leaf.name.split('.')[:-1], changed)
    new = other.get(type(leaf.value), lambda v: v + 1)(leaf.value)
    setattr(owner, leaf.field.name, new)
    seen.add(config_lib.short_hash(changed))
  assert len(seen) == 1 + len(list(config_lib.leaves(Study())))
  assert config_lib.short_hash(Study()) == default


def test_stored_form_comes_back():
  study = _override('--config.features=1,2', '--config.data.label_column=x')
  assert config_lib.from_dict(Study(), config_lib.to_dict(study)) == study
  with pytest.raises(UserError, match=r'no setting batch_sizes; did you mean batch_size\?'):
    config_lib.from_dict(Study(), {'batch_sizes': 3})


@pytest.mark.parametrize(
  ('wrong', 'right'),
  [
    ('config.batchsize', 'config.batch_size'),
    ('config.image_size', 'config.data.image_size'),
    ('learning_rate', 'config.learning_rate'),
  ],
)
def test_nearest_name(wrong, right):
  names = [f'config.{leaf.name}' for leaf in config_lib.leaves(Study())]
  assert config_lib.nearest(wrong, names) == f'; did you mean {right}?'


def test_a_setting_of_a_kind_that_flags_cannot_give_is_refused():
  @dataclasses.dataclass
  class Odd(Config):
    table: dict = setting(None, 'A table.')

  with pytest.raises(TypeError, match='settings are bool, int, float'):
    config_lib.check(Odd())


def test_patience_and_the_last_checkpoint_contradict_each_other():
  with pytest.raises(UserError, match=r'config\.patience=2: waits for a better checkpoint'):
    config_lib.check(config_lib.Config(patience=2, select='last'))
