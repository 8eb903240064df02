"""Settings that packages of data share: the same names, defaults and texts in each."""

import dataclasses
import pathlib

import pytest

from medjax import config as config_lib
from medjax.data import images, residues, sequences, settings, signals, tabular
from medjax.errors import UserError

PACKAGES = (images, tabular, sequences, residues, signals)


@pytest.mark.parametrize('package', PACKAGES)
def test_every_package_has_seed_folds_and_overlap(package):
  shared = {leaf.name: leaf for leaf in config_lib.leaves(settings.Settings())}
  own = {leaf.name: leaf for leaf in config_lib.leaves(package.Config())}
  for name in ('seed', 'folds', 'fold'):
    assert (own[name].value, own[name].meaning) == (shared[name].value, shared[name].meaning)
    assert config_lib.allowed(own[name]) == config_lib.allowed(shared[name])
  assert own['source'].value == 'simulated'
  assert own['source'].meaning != shared['source'].meaning
  assert own['allow_group_overlap'].value is False


@pytest.mark.parametrize('package', PACKAGES)
def test_what_is_stored_is_kept_by_copies_and_is_no_setting(package):
  config = package.Config()
  assert config.stored is None
  config.stored = {'source': 'x'}
  assert dataclasses.replace(config, seed=3).stored == {'source': 'x'}
  assert 'stored' not in [leaf.name for leaf in config_lib.leaves(config)]
  assert 'stored' not in config_lib.to_dict(config)


@pytest.mark.parametrize('package', [sequences, signals])
def test_a_test_file_and_folds_exclude_each_other(package):
  with pytest.raises(UserError, match=r'config\.data\.test and config\.data\.folds'):
    package.Config(test='a', folds=3).validate()


def test_files_joined_by_commas():
  home = pathlib.Path('~').expanduser()
  assert settings.paths(' a/b.fa,, ~/c.fa') == [pathlib.Path('a/b.fa'), home / 'c.fa']
  assert settings.file_names('a/b.fa,c.fa') == 'b.fa, c.fa'
