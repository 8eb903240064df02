"""``tune`` as a user runs it, on a small table."""

import dataclasses
import json
import math
import re
import types

import numpy as np
import pytest

import medjax
from experiments import diabetes_linear, tabular_mlp
from medjax import optimizers, sealed
from medjax.errors import UserError
from medjax.tuning import storage
from medjax.workdir import Workdir

SMALL = ('--config.num_epochs=3', '--config.data.simulated_rows=240')
SPACE = '--space=learning_rate=log:1e-3:1e-1 dropout=0:0.5'


def call(*given, code=0, module=tabular_mlp):
  with pytest.raises(SystemExit) as done:
    medjax.main(module.Config(), module.build, given)
  assert done.value.code == code


@pytest.fixture(scope='module')
def tuned(tmp_path_factory):
  """A tuning of three trials."""
  folder = tmp_path_factory.mktemp('tuned') / 'of a table'
  with pytest.MonkeyPatch.context() as patch:
    patch.delenv(storage.VARIABLE, raising=False)
    call('tune', '--trials=3', *SMALL, SPACE, f'--workdir={folder}')
  return folder


def test_what_tuning_was_worth_is_told(tuned):
  about, _ = sealed.read(tuned / 'tune.json')
  trials = about['trials']
  assert [trial['state'] for trial in trials] == ['complete'] * 3
  assert about['best'] == max(trials, key=lambda trial: trial['score'])['number']
  for who, number in (('default', 0), ('winner', about['best'])):
    for split in ('val', 'test'):
      of = about['worth'][who][split]
      found = []
      for seed in range(3):
        run = Workdir(tuned / f'trial-{number:04d}-seed-{seed}')
        found.append(run.read(run.evaluation)[split]['auroc'])
      assert of['runs'] == found
      assert of['mean']['value'] == pytest.approx(sum(one['value'] for one in found) / 3)
      assert of['mean']['low'] < of['mean']['value'] < of['mean']['high']
  worth = about['worth']
  gains = [
    w['value'] - d['value']
    for w, d in zip(worth['winner']['test']['runs'], worth['default']['test']['runs'], strict=True)
  ]
  assert [pair['value'] for pair in worth['difference']['runs']] == pytest.approx(gains)
  assert worth['difference']['mean']['value'] == pytest.approx(sum(gains) / 3)


def test_tested_runs_have_seeds_that_no_trial_had(tuned):
  about, _ = sealed.read(tuned / 'tune.json')
  seeds = [
    json.loads(path.read_text())['seed'] for path in tuned.glob('trial-*-seed-*/config.json')
  ]
  assert set(seeds) == {10_000, 20_000, 30_000}
  best = about['trials'][about['best']]['values']
  config = json.loads((tuned / f'trial-{about["best"]:04d}-seed-1' / 'config.json').read_text())
  assert {name: config[name] for name in best} == best


def test_the_page_shows_it_all(tuned):
  page = (tuned / 'tune.html').read_text()
  about, _ = sealed.read(tuned / 'tune.json')
  assert 'SIMULATED DATA' in page
  assert 'optimistic' in page
  assert page.count('<svg') >= 4
  for trial in about['trials']:
    assert f'{trial["score"]:.4g}' in page
  assert '--config.num_epochs=3 --config.data.simulated_rows=240 --config.learning_rate=' in page
  assert 'http' not in re.sub(r'http://www\.w3\.org\S*', '', page)


def test_the_best_command_line_has_the_settings_of_the_best_trial(tuned):
  about, _ = sealed.read(tuned / 'tune.json')
  values = about['trials'][about['best']]['values']
  assert about['command'] == (
    'python -m experiments.tabular_mlp --config.num_epochs=3 --config.data.simulated_rows=240 '
    f'--config.learning_rate={values["learning_rate"]} --config.dropout={values["dropout"]}'
  )


def test_in_a_moved_folder_the_same_command_computes_nothing_and_more_adds_to_it(
  tuned, tmp_path, capsys
):
  import shutil

  folder = tmp_path / 'of a table'
  shutil.copytree(tuned, folder)
  before, _ = sealed.read(folder / 'tune.json')
  call('tune', '--trials=3', *SMALL, SPACE, f'--workdir={folder}')
  out = capsys.readouterr().out
  assert 'validation AUROC' not in out
  assert sealed.read(folder / 'tune.json')[0] == before
  call('tune', '--trials=4', *SMALL, SPACE, f'--workdir={folder}')
  assert 'trial-0003: validation AUROC' in capsys.readouterr().out
  after, _ = sealed.read(folder / 'tune.json')
  assert after['trials'][:3] == before['trials']
  assert len(after['trials']) == 4


@pytest.mark.parametrize(
  ('given', 'line'),
  [
    (['--space=dropout=0:0.4'], "holds a tuning with another space: {'learning_rate': '0.001 to 0"),
    ([SPACE, '--pruner=none'], 'holds a tuning with another pruner: median; expected that'),
    (
      [SPACE, '--storage=sqlite:////tmp/other.db'],
      'holds a tuning with another storage: tune.db; expected that',
    ),
    ([SPACE, '--config.batch_size=8'], 'holds a run with config.batch_size=32, not 8'),
  ],
)
def test_another_tuning_is_refused_in_the_folder(tuned, capsys, given, line):
  call('tune', '--trials=3', *SMALL, *given, f'--workdir={tuned}', code=2)
  err = capsys.readouterr().err.splitlines()[-1]
  assert err.startswith('error: ')
  assert line in err


@pytest.mark.parametrize('verb', [[], ['evaluate'], ['predict', 'new.csv']])
def test_other_verbs_ask_for_one_of_its_runs(tuned, capsys, verb):
  call(*verb, *SMALL, f'--workdir={tuned}', code=2)
  assert 'holds a tuning; expected the folder of one of its runs' in capsys.readouterr().err


def test_other_verbs_and_tunings_keep_out_of_each_others_folders(tuned, capsys, tmp_path):
  call('crossval', *SMALL, f'--workdir={tuned}', code=2)
  assert 'holds another kind of run' in capsys.readouterr().err
  run = Workdir(tmp_path / 'run')
  call(*SMALL, f'--workdir={run.folder}')
  capsys.readouterr()
  call('tune', *SMALL, SPACE, f'--workdir={run.folder}', code=2)
  assert 'holds another kind of run; choose another' in capsys.readouterr().err


@pytest.mark.parametrize(
  ('given', 'line'),
  [
    (['--pruner=sha'], '--pruner=sha: expected one of median, hyperband, none'),
    (['--space=droput=0:1'], '--space: droput: no such setting; did you mean dropout?'),
    (['--space=dropout=0.5:0'], 'space: dropout: 0.5 to 0: expected low below high'),
    (['--storage=mysql://a:b@c/d'], '--storage=mysql://a:***@c/d: expected sqlite:///FILE or post'),
    (['--storage=sqlite:////nowhere/a.db'], 'its folder /nowhere is not there'),
    (['--storage=sqlite:///'], '--storage=sqlite:///: names no file'),
    (['--trials=0'], '--trials=0'),
    (['--config.seed=2147483647'], 'config.seed=2147493647: expected a whole number from 0'),
    ([SPACE, '--config.dropout=0.1', '--config.learning_rate=0.1'], 'tune: there is nothing to s'),
    (['--minutes=0'], 'tune: no trial was completed: the time was over'),
  ],
)
def test_mistakes_are_one_line(capsys, tmp_path, given, line):
  call('tune', *SMALL, *given, f'--workdir={tmp_path / "t"}', code=2)
  err = capsys.readouterr().err.splitlines()[-1]
  assert err.startswith('error: ') or line.startswith('--trials')
  assert line in err
  assert 'a:b' not in err


def test_without_optuna_one_line_says_what_to_install(capsys, tmp_path, monkeypatch):
  import sys

  monkeypatch.setitem(sys.modules, 'optuna', None)
  call('tune', *SMALL, f'--workdir={tmp_path / "t"}', code=2)
  assert 'tune needs the package optuna' in capsys.readouterr().err
  assert not (tmp_path / 't').exists()


def test_a_given_setting_and_one_that_changes_nothing_are_not_searched(capsys, tmp_path):
  call('tune', *SMALL, '--minutes=0', '--config.dropout=0.1', f'--workdir={tmp_path / "a"}', code=2)
  said = capsys.readouterr()
  assert 'space: dropout is given and is not searched' in said.err
  assert 'space: learning_rate: 0.0001 to 0.01, on a scale of powers' in said.out
  assert 'space: dropout:' not in said.out
  given = ['--minutes=0', '--space=l2=log:1e-3:1 learning_rate=log:1e-3:1']
  call('tune', *given, f'--workdir={tmp_path / "b"}', code=2, module=diabetes_linear)
  said = capsys.readouterr()
  assert 'space: learning_rate changes nothing here and is not searched' in said.err
  assert 'space: l2: 0.001 to 1' in said.out


def test_the_space_in_the_file_of_an_experiment_is_taken(capsys, tmp_path):
  call('tune', '--minutes=0', f'--workdir={tmp_path / "b"}', code=2, module=diabetes_linear)
  said = capsys.readouterr()
  assert 'space: l2: 1e-05 to 10, on a scale of powers' in said.out
  assert 'space: learning_rate' not in said.out + said.err


def test_where_no_trial_beats_the_default_that_is_said(capsys, tmp_path):
  folder = tmp_path / 'one'
  call('tune', '--trials=1', '--seeds=1', *SMALL, SPACE, f'--workdir={folder}')
  out = capsys.readouterr().out
  assert 'no trial was better on validation than the default settings' in out
  assert 'tuning was worth nothing here' in (folder / 'tune.html').read_text()
  assert 'Importance of settings is not told' in (folder / 'tune.html').read_text()
  assert len(list(folder.glob('trial-*-seed-*'))) == 1


def test_every_look_at_test_is_told_of(tuned, tmp_path, capsys):
  import shutil

  folder = tmp_path / 'of a table'
  shutil.copytree(tuned, folder)
  (first,) = sealed.read(folder / 'tune.json')[0]['looks']
  worth = sealed.read(folder / 'tune.json')[0]['worth']
  assert (first['trials'], first['seeds']) == (3, 3)
  assert first['test'] == {
    'default': worth['default']['test']['mean'],
    'winner': worth['winner']['test']['mean'],
    'difference': worth['difference']['mean'],
  }
  assert 'was looked at' not in (folder / 'tune.html').read_text()
  # The winner stays, and no other trial is evaluated on test.
  call('tune', '--trials=3', '--seeds=1', *SMALL, SPACE, f'--workdir={folder}')
  looks = sealed.read(folder / 'tune.json')[0]['looks']
  assert looks[0] == first
  assert [(look['trials'], look['seeds']) for look in looks] == [(3, 3), (3, 1)]
  page = (folder / 'tune.html').read_text()
  assert 'The test cases were looked at 2 times: whoever went on' in page
  assert first['time'] in page
  assert 'with fewer trials' not in page


def csv_without_test(path):
  rng = np.random.default_rng(0)
  lines = ['id,patient,split,a,b,label']
  for i in range(120):
    a, b = rng.normal(size=2)
    label = 'ill' if a + 0.5 * rng.normal() > 0 else 'well'
    lines.append(f'{i},{i},{"val" if i % 3 == 0 else "train"},{a:.3f},{b:.3f},{label}')
  path.write_text('\n'.join(lines))
  return f'--config.data.source={path}', '--config.data.positive=ill'


def test_without_a_test_split_what_tuning_was_worth_is_told_of_validation(capsys, tmp_path):
  folder, given = tmp_path / 'tuned', csv_without_test(tmp_path / 'a.csv')
  call('tune', '--trials=2', '--config.num_epochs=2', *given, SPACE, f'--workdir={folder}')
  out = capsys.readouterr().out
  assert re.search(r'trial-0000-seed-2: val AUROC: 0\.\d.*; there is no test split\n', out)
  assert re.search(r'default: val AUROC: 0\.\d', out)
  about, _ = sealed.read(folder / 'tune.json')
  assert about['looks'] == []
  assert about['worth']['winner']['test']['mean']['reason'] == 'there is no test split'
  assert len(about['worth']['winner']['val']['runs']) == 3
  page = (folder / 'tune.html').read_text()
  assert 'The test score is undefined: there is no test split' in page
  assert 'Validation, 3 new seeds' in page
  assert 'evaluated on test once' not in page
  assert 'Looks at the test cases' not in page


def diverging(config):
  """The default settings have no finite loss."""
  made = tabular_mlp.build(config)
  default = config.learning_rate == tabular_mlp.Config.learning_rate
  return dataclasses.replace(made, optimizer=optimizers.Adam(math.inf)) if default else made


def unlucky(config):
  """They fail with one of the seeds that are tested."""
  default = config.learning_rate == tabular_mlp.Config.learning_rate
  if default and config.seed == 20_000:
    raise UserError('step 3: loss is nan')
  made = tabular_mlp.build(config)
  # So slow that another one wins.
  return dataclasses.replace(made, optimizer=optimizers.Adam(1e-9)) if default else made


@pytest.mark.parametrize(
  ('build', 'start'),
  [
    (diverging, 'trial-0000 failed: step 1: loss is '),
    (unlucky, 'trial-0000-seed-1 failed: step 3: loss is nan'),
  ],
)
def test_where_the_default_fails_the_winner_is_told_of_all_the_same(capsys, tmp_path, build, start):
  folder = tmp_path / 'tuned'
  module = types.SimpleNamespace(Config=tabular_mlp.Config, build=build)
  given = '--trials=3', '--seeds=2', *SMALL, '--space=learning_rate=log:1e-2:1e-1'
  call('tune', *given, f'--workdir={folder}', module=module)
  out = capsys.readouterr().out
  about, _ = sealed.read(folder / 'tune.json')
  line = about['worth']['problem']
  assert line.startswith(start)
  assert f'default: {line}\n' in out
  assert re.search(r'winner: test AUROC: 0\.\d', out)
  assert about['worth']['winner']['test']['mean']['value'] > 0
  assert about['worth']['difference']['mean'] == about['worth']['default']['test']['mean']
  page = (folder / 'tune.html').read_text()
  assert f'nothing to compare the winner with: of the default settings {line}' in page
  assert 'whether the winner is better on test: the default settings failed.' in page
  assert not (folder / 'trial-0000-seed-0').exists() or build is unlucky
  call('tune', *given, f'--workdir={folder}', module=module)  # nor does it fail then


def test_urls_of_storages(tmp_path, monkeypatch):
  monkeypatch.setenv(storage.VARIABLE, 'postgresql://me:secret@host/db')
  assert storage.url('', tmp_path) == 'postgresql+psycopg://me:secret@host/db'
  assert storage.url('sqlite:////a/b.db', tmp_path) == 'sqlite:////a/b.db'
  monkeypatch.delenv(storage.VARIABLE)
  assert storage.url('', tmp_path) == f'sqlite:///{tmp_path}/tune.db'


def test_a_storage_that_cannot_be_reached_is_one_line_without_its_password():
  where = storage.url('postgresql://me:secret@127.0.0.1:1/db', None)
  with pytest.raises(UserError) as error:
    storage.opened(where)
  assert str(error.value).startswith('--storage=postgresql+psycopg://me:***@127.0.0.1:1/db: ')
  assert 'refused' in str(error.value)
  assert 'secret' not in str(error.value)


def test_a_file_that_is_no_storage_is_one_line(tmp_path):
  (tmp_path / 'a.db').write_text('no database' * 100)
  with pytest.raises(UserError, match=r'^--storage=sqlite:///.*a\.db: file is not a database'):
    storage.opened(f'sqlite:///{tmp_path}/a.db')
