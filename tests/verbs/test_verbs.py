"""Verbs own their flags, help is made of them, and runs of earlier versions are refused."""

import json

import pytest
import reseal

import medjax
from experiments import ecg_rnn, tabular_mlp
from medjax import arguments, sealed
from medjax.errors import UserError
from medjax.verbs import VERBS
from medjax.verbs import bench as bench_verb

OWN = [(verb.name, flag) for verb in VERBS for flag in verb.flags]


def parsed(*given):
  values = arguments.define(tabular_mlp.Config(), VERBS)
  return arguments.command(values, arguments.parse(values, list(given)), VERBS)


def spelled(flag):
  if flag.default is False:
    return f'--{flag.name}'
  return f'--{flag.name}=3' if flag.default is None else f'--{flag.name}={flag.default or "x"}'


@pytest.mark.parametrize('verb', VERBS, ids=lambda verb: verb.name)
def test_a_flag_is_taken_by_its_verbs_and_refused_by_others(verb):
  own = {flag.name for flag in verb.flags}
  for _, flag in OWN:
    if flag.name in own:
      assert parsed(verb.name, spelled(flag))[0] is verb
      continue
    with pytest.raises(UserError, match=f'--{flag.name}: is a flag of .*, not of {verb.name}$'):
      parsed(verb.name, spelled(flag))


def test_the_owners_of_a_refused_flag_are_named():
  with pytest.raises(UserError, match=r'^--cases: is a flag of explain and motifs, not of train$'):
    parsed('--cases=3')
  with pytest.raises(UserError, match=r'^--output: is a flag of train, validate, bench, predict,'):
    parsed('compare', 'a', 'b', '--output=x')


def test_without_a_verb_train_is_meant_and_its_flags_work():
  verb, words = parsed('--preview', '--output=x.png')
  assert (verb.name, words) == ('train', [])


def test_a_wrong_verb_and_words_after_one_that_takes_none():
  with pytest.raises(UserError, match=r'tran: no such verb; expected one of train, .* mean train'):
    parsed('tran')
  with pytest.raises(
    UserError, match='bench x: only validate, compare, predict, explain, motifs and audit take'
  ):
    parsed('bench', 'x')


def test_help_lists_every_flag_under_its_verb():
  lines = arguments.help_text('tabular_mlp', tabular_mlp.Config(), VERBS).splitlines()
  for verb in VERBS:
    (start,) = (i for i, line in enumerate(lines) if line.startswith(f'  {verb.name} '))
    below = lines[start + 1 : start + 1 + len(verb.flags)]
    for flag, line in zip(verb.flags, below, strict=True):
      assert line.strip().startswith(f'--{flag.name}')
      assert flag.meaning in line
  assert any(line.strip().startswith('--workdir=FOLDER') for line in lines)


def test_settings_of_classes_are_not_those_of_every_experiment():
  listed = '\n'.join(arguments.settings_help(medjax.Config()))
  for name in ('coverage', 'calibration', 'operating_point', 'conformal', 'explanation'):
    assert f'--config.{name}=' not in listed
  assert '--config.explanation=' not in '\n'.join(arguments.settings_help(ecg_rnn.Config()))
  assert '--config.calibration=' in '\n'.join(arguments.settings_help(ecg_rnn.Config()))


@pytest.fixture(scope='module')
def run(tmp_path_factory):
  folder = tmp_path_factory.mktemp('runs') / 'run'
  call('--config.num_epochs=1', '--config.data.simulated_rows=120', f'--workdir={folder}')
  return folder


def call(*given, code=0):
  with pytest.raises(SystemExit) as done:
    medjax.main(tabular_mlp.Config(), tabular_mlp.build, given)
  assert done.value.code == code


def test_a_run_of_an_earlier_version_is_refused_in_one_line(run, capsys, tmp_path):
  for name in ('config.json', 'data.json'):
    (tmp_path / name).write_text((run / name).read_text())
  about = json.loads((run / 'data.json').read_text())
  del about['example']
  (tmp_path / 'data.json').write_text(json.dumps(about | {'kind': 'table', 'input_shape': [17]}))
  reseal.run_folder(tmp_path)
  settings = ['--config.num_epochs=1', '--config.data.simulated_rows=120']
  for verb in (['predict', 'new.csv'], ['explain', 'new.csv'], ['evaluate'], settings):
    call(*verb, f'--workdir={tmp_path}', code=2)
    (line,) = (e for e in capsys.readouterr().err.splitlines() if e.startswith('error'))
    assert 'data.json: an earlier version of medjax wrote this run' in line
  config = json.loads((run / 'config.json').read_text())
  (tmp_path / 'config.json').write_text(json.dumps(config | {'optimizer': 'sgd'}))
  reseal.run_folder(tmp_path)
  call('evaluate', f'--workdir={tmp_path}', code=2)
  assert 'has no setting optimizer' in capsys.readouterr().err


def test_a_flag_that_would_do_nothing_is_refused(run, capsys):
  for given, line in (
    (['explain', 'x.csv', '--cases=3'], '--cases: says how many cases --grade grades'),
    (['explain', '--grade', '--output=x'], '--output: --grade writes into the run folder'),
    (['train', '--output=x'], '--output: says where --preview writes'),
  ):
    call(*given, f'--workdir={run}', code=2)
    assert line in capsys.readouterr().err


def test_the_source_of_a_stored_description_is_no_setting(run, capsys, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)  # where no other run is
  call('--config.data.source=described:' + str(run / 'data.json'), code=2)
  assert 'described:' in capsys.readouterr().err
  assert not list(tmp_path.rglob('checkpoints'))


def test_bench_compares_with_measurements_of_the_same_settings_alone(tmp_path):
  path = tmp_path / 'before.json'
  about = {'experiment': 'toy', 'config': {'batch_size': 32}}
  sealed.write(path, {**about, 'step_s': 1})
  assert bench_verb._read(path, about)['step_s'] == 1
  other = about | {'config': {'batch_size': 8}}
  with pytest.raises(
    UserError, match=r'^--baseline=.*before\.json: is of another config; expected'
  ):
    bench_verb._read(path, other)
