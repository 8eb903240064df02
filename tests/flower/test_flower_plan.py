"""The configuration of a run and of a site, what travels, and what sites agree on."""

import copy
import importlib
import pathlib
import pkgutil
import tomllib

import numpy as np
import pytest

pytest.importorskip('flwr', reason='needs medjax[federated]')

import three_tables
from flwr.cli.config_utils import load_and_validate
from flwr.common.config import flatten_dict, parse_config_args

import experiments
from experiments import tabular_mlp
from medjax import config as config_lib
from medjax.data import agreement
from medjax.errors import UserError
from medjax.federated import app
from medjax.federated.settings import Settings
from medjax.flower import agree, plan, wire

DEFAULTS = tabular_mlp.Config()


def modules():
  for found in pkgutil.iter_modules(experiments.__path__):
    path = pathlib.Path(experiments.__path__[0]) / f'{found.name}.py'
    if 'medjax.main(' in path.read_text():
      yield found.name


def written(folder, config=DEFAULTS, settings=None, **changed):
  values = {'workdir': '/srv/run', 'fewest': 3, 'round_seconds': 90.0} | changed
  app.write(folder, 'experiments.tabular_mlp', 'Config', config, settings or Settings(), **values)
  return flatten_dict(
    tomllib.loads((folder / 'pyproject.toml').read_text())['tool']['flwr']['app']['config']
  )


@pytest.mark.parametrize('name', modules())
def test_settings_travel_as_they_are(tmp_path, name):
  module = importlib.import_module(f'experiments.{name}')
  config = (getattr(module, 'config', None) or module.Config)()
  if not hasattr(config.data, 'source'):
    pytest.skip('the data of this experiment have no source of their own')
  given = written(tmp_path, config_lib.changed(config, {'seed': 7}))
  found = plan.Plan.of(config, given)
  assert config_lib.difference(config_lib.changed(config, {'seed': 7}), found.config) == ''
  assert (found.workdir, found.fewest, found.round_seconds) == ('/srv/run', 3, 90.0)


def test_flower_takes_the_app(tmp_path):
  settings = Settings('fedprox', proximal=0.25, clip=2.0, combine='median')
  given = written(tmp_path, settings=settings, workdir='/srv/ü "x"')
  load_and_validate(tmp_path / 'pyproject.toml')  # raises for what Flower does not take
  found = plan.Plan.of(DEFAULTS, given)
  assert found.settings == settings
  assert found.workdir == '/srv/ü "x"'
  assert 'import experiments.tabular_mlp as experiment' in (tmp_path / 'federation.py').read_text()
  written(tmp_path)  # once more over it


def test_a_folder_with_something_else_stays(tmp_path):
  (tmp_path / 'notes.txt').write_text('mine')
  with pytest.raises(UserError, match='holds something else; expected a new folder'):
    written(tmp_path)
  with pytest.raises(UserError, match=r'notes.txt: cannot be written'):
    written(tmp_path / 'notes.txt')


@pytest.mark.parametrize(
  ('name', 'value', 'message'),
  [
    ('federation.strategy', 'fedsgd', '--strategy=fedsgd: expected one of'),
    ('federation.strategy', None, r'federation.strategy=None: expected str'),
    ('server.fewest', 'two', "server.fewest='two': expected int"),
    ('server.fewest', True, 'server.fewest=True: expected int'),
    ('config.batch_sise', '3', 'config.batch_sise: no such setting; did you mean'),
    ('config.batch_size', 'x', 'config.batch_size=x: expected a whole number'),
    ('config.data.source', '/etc/passwd', 'config.data.source: cannot be set here'),
  ],
)  # fmt: skip
def test_a_wrong_configuration_is_said(name, value, message):
  with pytest.raises(UserError, match=message):
    plan.Plan.of(DEFAULTS, three_tables.run_config('run', **{name: value}))


def test_a_site_says_where_its_cases_are_and_how_they_are_read():
  text = 'source="/data/a.csv" workdir="/runs" config.data.group_column="mrn" config.num_devices=1'
  node = parse_config_args([text])
  found = plan.of_site(DEFAULTS, node)
  assert (found.data.source, found.data.group_column, found.num_devices) == (
    '/data/a.csv',
    'mrn',
    1,
  )
  assert DEFAULTS.data.source != '/data/a.csv'


@pytest.mark.parametrize(
  ('node', 'message'),
  [
    ({'workdir': 'b'}, '--node-config: source="..." is missing'),
    ({'source': 'a'}, '--node-config: workdir="..." is missing'),
    ({'source': 1, 'workdir': 'b'}, '--node-config: source="..." is missing'),
    ({'source': 'a', 'workdir': 'b', 'sauce': 'c'}, 'sauce: expected one of source, workdir'),
    (
      {'source': 'a', 'workdir': 'b', 'config.learning_rate': '1'},
      'config.learning_rate: cannot be set here',
    ),
  ],
)
def test_what_is_not_a_sites_to_say_is_refused(node, message):
  with pytest.raises(UserError, match=message):
    plan.of_site(DEFAULTS, node)


def test_messages_carry_values_and_arrays():
  tree = {'a': np.arange(6, dtype=np.float32).reshape(2, 3), 'b': {'c': np.int32(4)}}
  about, arrays = wire.unpacked(wire.packed({'x': [1, None, 'ü']}, tree))
  assert about == {'x': [1, None, 'ü']}
  back = wire.tree(arrays, tree)
  np.testing.assert_array_equal(back['a'], tree['a'])
  assert back['b']['c'].dtype == np.int32
  with pytest.raises(ValueError, match='other parameters than the network'):
    wire.tree({'a': tree['a']}, tree)
  with pytest.raises(ValueError):
    wire.packed({'x': float('nan')})
  assert [wire.number(value) for value in (1, None, np.nan, np.inf)] == [1.0, None, None, None]
  assert wire.digest(tree) == wire.digest(copy.deepcopy(tree))
  assert wire.digest(tree) != wire.digest({'a': tree['a'], 'b': {'c': np.int32(5)}})


KNOWN = {
  'classes': ['no', 'yes'],
  'splits': {'train': {'examples': 10, 'groups': 9, 'classes': {}}},
  'modality': 'medjax.data.images.modality.Images',
  'told': {},
  'shapes': {'image': 'uint8[4,4,1]'},
  'monitor': 'auroc',
}


@pytest.mark.parametrize(
  ('changed', 'message'),
  [
    ({'classes': ['yes', 'no']}, 'b and a cannot train together: their classes are'),
    ({'shapes': {'image': 'uint8[8,8,1]'}}, 'their shapes are'),
    ({'monitor': 'f1'}, 'their monitor are'),
    ({'splits': {'train': KNOWN['splits']['train'], 'test': {}}}, 'their splits are'),
    ({'told': {'leads': {agreement.DIGEST: 'x'}}}, 'leads, which is fitted to training cases'),
  ],
)
def test_sites_that_differ_are_named(changed, message):
  from medjax.data import images

  kind = f'{images.Images.__module__}.{images.Images.__qualname__}'
  one = KNOWN | {'modality': kind, 'told': {'leads': {agreement.DIGEST: 'y'}}}
  assert agree.agreed({'a': one, 'b': one})[0] == one['told']
  with pytest.raises(UserError, match=message):
    agree.agreed({'a': one, 'b': one | changed})


def test_a_kind_of_data_is_looked_up_and_never_imported():
  odd = KNOWN | {'modality': 'os.path'}
  with pytest.raises(UserError, match=r'its kind of data, os\.path, is not known here'):
    agree.agreed({'a': odd, 'b': odd})


def test_statistics_that_cannot_be_read_are_said():
  from medjax.data import tabular

  kind = f'{tabular.Table.__module__}.{tabular.Table.__qualname__}'
  broken = KNOWN | {'modality': kind, 'told': {'preprocessing': {'columns': [{}]}}}
  with pytest.raises(UserError, match='the statistics that sites told cannot be read'):
    agree.agreed({'a': broken, 'b': broken})
