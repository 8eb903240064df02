"""A finished run is computed again only where something of it has changed."""

import json
import pathlib
import shutil

import pytest

import medjax
from experiments import tabular_mlp
from medjax.verbs import finished
from medjax.workdir import Workdir

UNCHANGED = 'nothing has changed since the last evaluation, which stands'


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
  folder = tmp_path_factory.mktemp('runs') / 'run'
  call('--config.num_epochs=1', '--config.data.simulated_rows=120', f'--workdir={folder}')
  return folder


@pytest.fixture
def run(trained, tmp_path):
  return pathlib.Path(shutil.copytree(trained, tmp_path / 'run'))


def call(*given, code=0):
  with pytest.raises(SystemExit) as done:
    medjax.main(tabular_mlp.Config(), tabular_mlp.build, given)
  assert done.value.code == code


def results(run):
  """When the files of an evaluation were written."""
  names = ('evaluation.json', 'predictions/test.csv', 'report.html', 'card.md')
  return [(run / name).stat().st_mtime_ns for name in names]


def test_a_finished_run_stands_and_says_the_same(run, capsys):
  before = results(run)
  call('evaluate', f'--workdir={run}')
  stood = capsys.readouterr().out
  call('--config.num_epochs=1', '--config.data.simulated_rows=120', f'--workdir={run}')
  trained_again = capsys.readouterr().out
  assert results(run) == before
  call('evaluate', '--again', f'--workdir={run}')
  repeated = capsys.readouterr().out
  assert UNCHANGED in stood
  assert UNCHANGED in trained_again
  assert UNCHANGED not in repeated
  assert stood.splitlines()[1:] == repeated.splitlines()
  assert all(new > old for new, old in zip(results(run), before, strict=True))
  # And what was computed again stands in its turn.
  call('evaluate', f'--workdir={run}')
  assert UNCHANGED in capsys.readouterr().out


@pytest.mark.parametrize(
  'name',
  ['predictions/test.csv', 'report.html', 'card.md', 'decision.json', 'baseline.json',
   'evaluation.json', 'environment.json', 'metrics.jsonl'],
)  # fmt: skip
@pytest.mark.parametrize('change', ['a byte', 'gone'])
def test_a_file_that_changed_or_went_is_noticed(run, name, change):
  workdir = Workdir(run)
  caused_by = json.loads(workdir.finished.read_text())['causes']
  assert finished.stands(workdir, caused_by)
  path = run / name
  if change == 'gone':
    path.unlink()
  else:
    path.write_bytes(path.read_bytes()[:-2] + b'\n\n')
  assert not finished.stands(workdir, caused_by)


def test_a_damaged_checkpoint_is_refused_as_ever(run, capsys):
  largest = max((run / 'checkpoints').rglob('*'), key=lambda path: path.stat().st_size)
  content = bytearray(largest.read_bytes())
  content[len(content) // 2] ^= 1
  largest.write_bytes(content)
  call('evaluate', f'--workdir={run}', code=2)
  assert 'is damaged' in capsys.readouterr().err


def test_a_new_file_other_settings_and_another_source_are_noticed(run, capsys, monkeypatch):
  (run / 'grades-lime.json').write_text('{}')
  call('evaluate', f'--workdir={run}')
  assert UNCHANGED not in capsys.readouterr().out
  call('evaluate', f'--workdir={run}', '--config.calibration=none')
  assert UNCHANGED not in capsys.readouterr().out
  workdir = Workdir(run)
  caused_by = json.loads(workdir.finished.read_text())['causes']
  config = tabular_mlp.Config(num_epochs=1, calibration='none')
  config.data.simulated_rows = 120
  built = tabular_mlp.build(config)
  assert finished.causes(built, config) == caused_by
  source = finished._source()
  monkeypatch.setattr(finished, '_source', lambda: [*source, 'a changed module'])
  assert finished.causes(built, config) != caused_by


def test_the_experiments_own_module_is_part_of_the_source(tmp_path, monkeypatch):
  helper = tmp_path / 'network_of_mine.py'
  helper.write_text('UNITS = 3\n')
  monkeypatch.syspath_prepend(tmp_path)
  before = finished._source()
  __import__('network_of_mine')
  one = finished._source()
  helper.write_text('UNITS = 4\n')
  assert len(one) == len(before) + 1
  assert finished._source() not in (before, one)
