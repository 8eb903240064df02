"""A new kind of data and of label, as the README adds them: every verb works with both."""

import csv
import dataclasses
import importlib
import pathlib
import re
import sys

import numpy as np
import pytest

import medjax
from medjax import evaluation

README = pathlib.Path(__file__).resolve().parents[1] / 'README.md'


@pytest.fixture(scope='module')
def modules(tmp_path_factory):
  """The README's files as modules: clouds and grades."""
  folder = tmp_path_factory.mktemp('extension')
  blocks = re.findall(r'```python\n(.*?)```', README.read_text(), re.DOTALL)
  for name in ('clouds', 'grades'):
    (code,) = (block for block in blocks if f'`{name}.py`' in block.split('\n')[0])
    (folder / f'{name}.py').write_text(code)
  sys.path.insert(0, str(folder))
  yield {name: importlib.import_module(name) for name in ('clouds', 'grades')}
  sys.path.remove(str(folder))
  for name in ('clouds', 'grades'):
    del sys.modules[name]


@pytest.fixture(scope='module')
def source(tmp_path_factory):
  """90 clouds of 45 patients in three grades: the higher, the wider."""
  folder = tmp_path_factory.mktemp('clouds')
  lines, random = ['file,label,patient'], np.random.default_rng(0)
  for i in range(90):
    grade = i % 3
    np.save(folder / f'{i}.npy', random.normal(size=(20, 3)) * (0.6, 1.0, 1.6)[grade])
    lines.append(f'{i}.npy,{"I" * (grade + 1)},p{i // 2}')
  (folder / 'labels.csv').write_text('\n'.join(lines))
  return folder


@pytest.fixture(scope='module')
def study(modules):
  """An experiment of both, whose grades can also be compared and graded."""
  clouds, grades = modules['clouds'], modules['grades']

  class Compared(grades.Grades):
    def rightly_called(self, table, decision, what):
      return decision.grades(table.prediction) == table.label

    def compare(self, tables, decisions):
      off = [
        np.abs(decision.grades(table.prediction) - table.label)
        for table, decision in zip(tables, decisions, strict=True)
      ]
      change = float((off[0] - off[1]).mean())
      return {'off': evaluation.Difference(change, None, None, None, 'a few cases')}

  @dataclasses.dataclass
  class Config(medjax.ExplanationSettings, medjax.Config):
    data: clouds.CloudSettings = dataclasses.field(default_factory=clouds.CloudSettings)

  def build(config):
    data = clouds.load(config.data)
    task = grades.Ordered(len(data.classes) - 1, Compared())
    optimizer = clouds.optax.adam(config.learning_rate)
    return medjax.Experiment(data, clouds.PointNet(task.outputs), task, optimizer)

  return Config, build


@pytest.fixture(scope='module')
def command(study, source):
  Config, build = study

  def run(*arguments, code=0):
    settings = [f'--config.data.source={source}', '--config.data.points=16',
                '--config.learning_rate=0.01']  # fmt: skip
    with pytest.raises(SystemExit) as done:
      medjax.main(Config(), build, [*arguments, *settings])
    assert done.value.code == code

  return run


@pytest.fixture(scope='module')
def trained(command, tmp_path_factory):
  run = tmp_path_factory.mktemp('runs') / 'run'
  command(f'--workdir={run}', '--config.num_epochs=12', '--config.batch_size=16')
  return run


def test_train_and_evaluate_write_a_report_and_a_card(trained, command, capsys):
  command('evaluate', f'--workdir={trained}')
  out = capsys.readouterr().out
  kappa = float(re.search(r'test KAPPA: (-?[\d.]+) \(95% interval', out)[1])
  assert kappa > 0.5
  page = (trained / 'report.html').read_text()
  assert 'Weighted kappa' in page
  assert 'Grades off' in page
  card = (trained / 'card.md').read_text()
  assert 'float32[16,3]' in card
  assert '| off |' in card


def test_predict_gives_every_case_a_row(trained, command, source, tmp_path, capsys):
  out = tmp_path / 'out.csv'
  names = [str(source / '0.npy'), str(source / '2.npy'), 'none.npy']
  command('predict', *names, f'--workdir={trained}', f'--output={out}')
  with open(out, newline='') as file:
    rows = list(csv.DictReader(file))
  assert [row['grade'] for row in rows] == ['I', 'III', '']
  assert 'is no point cloud' in rows[2]['error']
  assert '2 predicted, 1 could not be read' in capsys.readouterr().out
  command('predict', str(source / 'nothing.npy'), f'--workdir={trained}', f'--output={out}')
  assert '0 predicted, 1 could not be read' in capsys.readouterr().out


def test_explain_draws_cases_and_grades_methods(trained, command, source, tmp_path, capsys):
  command('explain', str(source / '5.npy'), f'--workdir={trained}', f'--output={tmp_path}/x')
  with open(tmp_path / 'x' / 'explanations.csv', newline='') as file:
    (row,) = csv.DictReader(file)
  assert pathlib.Path(row['picture']).read_text().count('<circle') == 16
  assert np.load(row['array']).shape == (16,)
  assert float(row['prediction']) > 1
  assert abs(float(row['completeness_gap'])) < 0.1
  command('explain', '--grade', '--cases=3', f'--workdir={trained}')
  assert 'deletion area' in capsys.readouterr().out
  assert (trained / 'grades-integrated_gradients.json').exists()
  command('explain', 'x.npy', '--method=lime', f'--workdir={trained}', code=2)
  assert '--method=lime: expected one of integrated_gradients' in capsys.readouterr().err


def test_compare_crossval_and_bench(trained, command, tmp_path, capsys):
  command('compare', str(trained), str(trained))
  assert '+0.000' in capsys.readouterr().out
  command('crossval', f'--workdir={tmp_path}/cv', '--config.data.folds=2', '--config.num_epochs=1')
  assert (tmp_path / 'cv' / 'crossval.json').exists()
  assert 'kappa' in capsys.readouterr().out
  command('bench', f'--output={tmp_path}/bench.json')
  assert (tmp_path / 'bench.json').exists()


def test_what_is_for_other_data_is_refused_in_one_line(trained, command, source, capsys):
  run = f'--workdir={trained}'
  for arguments, line in (
    (['motifs', run], 'motifs: reads networks on sequences, and these data are clouds'),
    (['--preview'], '--preview: shows images, and these data are clouds'),
    (['predict', 'x', '--variants=y', run], '--variants: changes sequences, and these data'),
    (['--repeats=2'], '--repeats: is a flag of crossval, not of train'),
    (['--config.coverage=0.8'], 'no such setting'),  # is of classes and numbers
  ):
    command(*arguments, code=2)
    errors = [e for e in capsys.readouterr().err.splitlines() if e.startswith('error')]
    assert len(errors) == 1
    assert line in errors[0]


def test_devices_and_stops_do_not_matter(study, source, tmp_path, monkeypatch):
  sys.path.insert(0, str(pathlib.Path(__file__).parent / 'training'))
  import same

  Config, build = study
  config = Config()
  config.data.source, config.data.points = str(source), 16
  experiment = build(config)
  straight = same.devices_do_not_matter(experiment, tmp_path)
  same.stops_do_not_matter(experiment, tmp_path, straight, monkeypatch)
