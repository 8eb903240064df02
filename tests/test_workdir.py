"""The run folder: claimed by one config, never half written."""

import pytest

from medjax import workdir
from medjax.config import Config
from medjax.errors import UserError
from medjax.workdir import Workdir


def test_the_same_config_may_come_back_and_another_may_not(tmp_path):
  folder = Workdir(tmp_path / 'run')
  folder.claim(Config())
  folder.claim(Config())
  with pytest.raises(UserError, match=r'holds a run with config.seed=0, not 1'):
    folder.claim(Config(seed=1))


def test_folders_that_are_no_run_are_refused(tmp_path):
  (tmp_path / 'thesis.txt').write_text('mine')
  with pytest.raises(UserError, match='holds files that are not of a run'):
    Workdir(tmp_path).claim(Config())
  with pytest.raises(UserError, match='is a file; expected a folder'):
    Workdir(tmp_path / 'thesis.txt').claim(Config())
  with pytest.raises(UserError, match='no run here'):
    Workdir(tmp_path).stored_config()


def test_json_is_replaced_whole_or_not_at_all(tmp_path):
  path = tmp_path / 'a.json'
  workdir.write_json(path, {'a': 1})
  with pytest.raises(ValueError):
    workdir.write_json(path, {'a': float('nan')})
  assert workdir.read_json(path) == {'a': 1}
  path.write_text('{"a": ')
  with pytest.raises(UserError, match=r'a.json: cannot be read as JSON'):
    workdir.read_json(path)
