"""The run folder: claimed by one config, and every file of it known again or refused."""

import shutil

import pytest

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
  stored = folder.read(folder.config)
  del stored['patience']
  folder.write(folder.config, stored)
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


@pytest.fixture
def run(tmp_path):
  """A run's folder with a file of each kind."""
  return _made(tmp_path / 'run')


def _made(folder, seed=0, fingerprint='f00'):
  workdir = Workdir(folder)
  workdir.claim(Config(seed=seed))
  workdir.claim_data({'fingerprint': fingerprint})
  workdir.write(workdir.environment, {'command': 'python'})
  workdir.write(workdir.decision, {'temperature': 0.05})
  workdir.predictions('test').parent.mkdir()
  workdir.predictions('test').write_text('id,label\na,1\n')
  covered = [workdir.decision, workdir.predictions('test')]
  workdir.write(workdir.evaluation, {'test': {}}, covers=covered)
  return workdir


def test_two_commands_cannot_write_into_a_folder_at_once(run):
  with (
    run.alone(),
    pytest.raises(UserError, match='another command is training or evaluating there'),
    Workdir(run.folder).alone(),
  ):
    pass
  with run.alone():
    pass
  run.check(Config())  # what is left is no obstacle


def test_a_new_folder_can_be_locked_and_then_claimed(tmp_path):
  folder = Workdir(tmp_path / 'new')
  with folder.alone():
    folder.claim(Config())


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
  (tmp_path / 'file').write_text('')
  with (
    pytest.raises(UserError, match=r'file/run: cannot be written: Not a directory'),
    Workdir(tmp_path / 'file' / 'run').alone(),
  ):
    pass


def test_files_are_read_as_they_were_written(run):
  assert run.read(run.decision) == {'temperature': 0.05}
  assert run.read(run.data) == {'fingerprint': 'f00'}
  assert run.verified(run.predictions('test')).read_text() == 'id,label\na,1\n'
  assert run.verified(run.decision) == run.decision


@pytest.mark.parametrize(
  ('name', 'remedy'),
  [
    ('config.json', r'restore it, or train again in another --workdir'),
    ('data.json', r'restore it, or train again in another --workdir'),
    ('environment.json', 'repeat the command that trained'),
    ('decision.json', 'run evaluate again'),
    ('evaluation.json', 'run evaluate again'),
  ],
)
def test_a_changed_digit_is_found_and_the_remedy_named(run, name, remedy):
  path = run.folder / name
  path.write_text(path.read_text().replace('"digest": "sha256:', '"digest": "sha256:0', 1))
  with pytest.raises(UserError, match=rf'{name}: is not what was written: .*; {remedy}$'):
    run.read(path)
  path.unlink()
  with pytest.raises(UserError, match=rf'{name}: no such file; {remedy}$'):
    run.read(path)


def test_a_temperature_of_another_digit_is_found(run):
  run.decision.write_text(run.decision.read_text().replace('0.05', '0.85'))
  with pytest.raises(UserError, match=r'decision.json: is not what was written'):
    run.read(run.decision)


@pytest.mark.parametrize('other', [{'seed': 1}, {'fingerprint': 'f01'}])
@pytest.mark.parametrize('name', ['environment.json', 'decision.json', 'evaluation.json'])
def test_a_file_of_another_run_is_not_taken_for_its_own(run, tmp_path, name, other):
  stranger = _made(tmp_path / 'other', **other)
  shutil.copy(stranger.folder / name, run.folder / name)
  with pytest.raises(UserError, match=rf'{name}: is of another run than config.json; '):
    run.read(run.folder / name)


def test_data_and_config_of_another_run_are_refused(run, tmp_path):
  stranger = _made(tmp_path / 'other', seed=1)
  shutil.copy(stranger.data, run.data)
  with pytest.raises(UserError, match=r'data.json: is of another run than config.json'):
    run.identity()
  shutil.copy(stranger.config, run.config)
  with pytest.raises(UserError, match=r'decision.json: is of another run than config.json'):
    run.read(run.decision)


def test_files_of_the_same_config_and_data_belong_together(run, tmp_path):
  again = _made(tmp_path / 'again')
  shutil.copy(again.decision, run.decision)
  assert run.read(run.decision) == {'temperature': 0.05}


def test_a_table_of_another_evaluation_is_refused(run):
  path = run.predictions('test')
  path.write_text(path.read_text().replace('1', '0'))
  with pytest.raises(UserError, match=r'test.csv: is not what the last evaluation wrote; run eval'):
    run.verified(path)
  path.unlink()
  with pytest.raises(UserError, match=r'test.csv: cannot be read: No such file or directory; run'):
    run.verified(path)
  run.write(run.decision, {'temperature': 1.0})  # of an evaluation that was stopped half-way
  with pytest.raises(UserError, match=r'decision.json: is not what the last evaluation wrote'):
    run.verified(run.decision)
