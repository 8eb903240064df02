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
    Workdir(tmp_path).stored(Config())


def test_a_run_may_go_on_with_other_means(tmp_path):
  Workdir(tmp_path).claim(Config())
  Workdir(tmp_path).check(Config(num_devices=3, feeding='streamed', checkpoint_steps=7))
  assert Workdir(tmp_path).stored(Config()) == Config()


def test_a_setting_added_since_has_its_default(tmp_path):
  folder = Workdir(tmp_path)
  folder.claim(Config())
  stored = workdir.read_json(folder.config)
  del stored['patience']
  workdir.write_json(folder.config, stored)
  folder.check(Config())
  with pytest.raises(UserError, match=r'config.patience=0, not 3'):
    folder.check(Config(patience=3))


def test_what_a_killed_process_left_hidden_is_no_obstacle(tmp_path):
  (tmp_path / '.config.json.1234').write_text('{')
  Workdir(tmp_path).claim(Config())
  assert Workdir(tmp_path).config.exists()


def test_check_writes_nothing(tmp_path):
  Workdir(tmp_path / 'new').check(Config())
  assert not (tmp_path / 'new').exists()


def test_home_is_expanded(tmp_path, monkeypatch):
  monkeypatch.setenv('HOME', str(tmp_path))
  assert Workdir('~/runs/a').folder == tmp_path / 'runs' / 'a'


def test_json_is_replaced_whole_or_not_at_all(tmp_path):
  path = tmp_path / 'a.json'
  workdir.write_json(path, {'a': 1})
  with pytest.raises(ValueError):
    workdir.write_json(path, {'a': float('nan')})
  assert workdir.read_json(path) == {'a': 1}
  path.write_text('{"a": ')
  with pytest.raises(UserError, match=r'a.json: cannot be read as JSON'):
    workdir.read_json(path)
  path.write_text('[]')
  with pytest.raises(UserError, match=r'a.json: expected a JSON object, found list'):
    workdir.read_json(path)
