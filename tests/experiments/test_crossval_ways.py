"""Several runs of one command: every way gives the same, and one that fails keeps no other back."""

import csv
import json

import numpy as np
import pytest
from sklearn import datasets
from small_crossval import SMALL

from experiments import diabetes_linear, lung_cnn, survival, tabular_mlp
from medjax.errors import UserError
from medjax.evaluation import Calibration
from medjax.training import loop, ways
from medjax.verbs import several, way


def out_of_fold(folder):
  """Probability by member and case."""
  with open(folder / 'out_of_fold.csv', newline='') as file:
    return {(row['member'], row['id']): float(row['probability']) for row in csv.DictReader(file)}


@pytest.fixture
def in_turn(run_experiment, tmp_path):
  code, out, err = run_experiment(
    tabular_mlp, 'crossval', '--how=in_turn', '--seeds=2', *SMALL, '--workdir=in_turn'
  )
  assert code == 0, err
  return out, out_of_fold(tmp_path / 'in_turn')


def test_together_and_in_turn_say_the_same(in_turn, run_experiment, tmp_path):
  code, out, err = run_experiment(
    tabular_mlp, 'crossval', '--how=together', '--seeds=2', *SMALL, '--workdir=one'
  )
  assert code == 0, err
  assert 'trained 4 runs together' in out
  expected, found = in_turn[1], out_of_fold(tmp_path / 'one')
  assert found.keys() == expected.keys()
  assert len(found) == 600  # each case twice, by two seeds
  assert max(abs(found[key] - expected[key]) for key in found) < 1e-5
  for name in ('repeat-0-fold-0', 'repeat-0-fold-1-seed-1'):
    assert f'{name}: test AUROC: ' in out
    assert f'{name}: test AUROC: ' in in_turn[0]
  assert err.count('positive class') == 1  # notes on the data come once
  # The page of a run is written where it is asked for.
  run = tmp_path / 'one' / 'repeat-0-fold-1'
  assert not (run / 'report.html').exists()
  code, out, err = run_experiment(tabular_mlp, 'evaluate', f'--workdir={run}')
  assert code == 0, err
  assert (run / 'report.html').exists()
  # Nothing is trained again by the same command, which takes the same way.
  code, out, err = run_experiment(tabular_mlp, 'crossval', '--seeds=2', *SMALL, '--workdir=one')
  assert code == 0, err
  assert 'trained' not in out
  assert 'by measure' not in out


def test_parts_say_the_same(in_turn, run_experiment, tmp_path):
  words = ('crossval', '--seeds=2', *SMALL, '--workdir=parts')
  for number in range(2):
    code, out, err = run_experiment(tabular_mlp, *words, f'--part={number}/2')
    assert code == 0, err
    assert f'part {number}/2: 2 of 2 runs are done' in out
    assert not (tmp_path / 'parts' / 'crossval.json').exists()
  code, out, _ = run_experiment(tabular_mlp, *words)
  assert (code, 'trained' in out, 'by measure' in out) == (0, False, False)
  found = out_of_fold(tmp_path / 'parts')
  assert found.keys() == in_turn[1].keys()
  assert max(abs(found[one] - value) for one, value in in_turn[1].items()) < 1e-5


@pytest.mark.slow
def test_side_by_side_and_in_turn_say_the_same(in_turn, run_experiment, tmp_path):
  code, _out, err = run_experiment(
    tabular_mlp, 'crossval', '--how=side_by_side', '--seeds=2', '--pages', *SMALL, '--workdir=two'
  )
  assert code == 0, err
  expected, found = in_turn[1], out_of_fold(tmp_path / 'two')
  assert max(abs(found[key] - expected[key]) for key in found) < 1e-5
  assert (tmp_path / 'two' / 'repeat-0-fold-1' / 'report.html').exists()


def test_the_way_is_chosen_by_measuring(run_experiment, tmp_path):
  code, out, err = run_experiment(tabular_mlp, 'crossval', '--seeds=5', *SMALL, '--workdir=chosen')
  assert code == 0, err
  line = next(line for line in out.splitlines() if 'by measure' in line)
  assert line.startswith('updates of 10 runs by measure: in turn ')
  assert 'together (10 in one program) ' in line
  assert 'not side by side: they could not save what their start takes; ' in line
  chosen = json.loads((tmp_path / 'chosen' / 'way.json').read_text())
  assert line.endswith(f'; {chosen["way"]} it is')


def test_few_small_runs_are_done_before_ways_would_be_timed(run_experiment):
  code, out, err = run_experiment(tabular_mlp, 'crossval', *SMALL, '--workdir=few')
  assert code == 0, err
  line = next(line for line in out.splitlines() if 'by measure' in line)
  assert 'not together: it could not save what its measure takes' in line
  assert line.endswith('; in_turn it is')


@pytest.mark.parametrize(
  ('alone', 'together', 'side', 'chosen'),
  [
    (0.1, 0.2, 0.19, way.IN_TURN),  # two processes that take nearly twice as long
    (0.1, 0.2, 0.14, way.IN_TURN),  # one of them has two of three runs to train
    (0.1, 0.02, 0.19, way.TOGETHER),
    (0.1, 0.2, 0.11, way.SIDE_BY_SIDE),
    (0.1, None, 0.11, way.SIDE_BY_SIDE),
  ],
)
def test_the_fastest_way_is_taken(monkeypatch, tmp_path, make_runs, alone, together, side, chosen):
  measured = ways.Measured(together, 3, '' if together else 'no room')
  monkeypatch.setattr(ways, 'measure', lambda *given: measured)
  monkeypatch.setattr(ways, 'against', lambda *given: '')
  monkeypatch.setattr(ways, 'updates', lambda members: 100_000)
  monkeypatch.setattr(several.machine, 'cores', lambda: 2)
  monkeypatch.setattr(ways, 'free', lambda devices: 1e15)  # whatever this process has taken
  monkeypatch.setattr(several.runtime, 'since_start', lambda: 4.0)  # and however old it is
  closed = []

  class Processes:
    def __init__(self, count, *given):
      assert count == 2

    def times(self, tasks):
      assert all(task.only_times for task in tasks)
      return side

    def close(self):
      closed.append(True)

  monkeypatch.setattr(several, 'Workers', Processes)
  command, runs = make_runs
  clock = ways.Clock(lambda: True)
  clock.alone, clock.start = alone, 0.5
  found = several._AtWork(command, runs, ['a', 'b', 'c'], False)._measured(clock)
  assert found.way == chosen
  assert found.at_once == {'in_turn': 1, 'together': 3, 'side_by_side': 2}[chosen]
  assert closed == ([True] if chosen == way.IN_TURN else [])  # ended where they were tried


@pytest.fixture
def make_runs(tmp_path):
  """A command and three runs of it."""
  import dataclasses
  import types

  from medjax.verbs.run import Run
  from medjax.workdir import Workdir

  config = tabular_mlp.Config()
  config.data.simulated_rows, config.data.folds = 200, 3
  values = types.SimpleNamespace(again=False)
  command = Run('tabular_mlp', config, tabular_mlp.build, Workdir(tmp_path / 'c'), values)
  (tmp_path / 'c').mkdir()
  runs = []
  for fold in range(3):
    data = dataclasses.replace(config.data, fold=fold)
    own = dataclasses.replace(config, data=data)
    runs.append(command.other(own, Workdir(tmp_path / 'c' / str(fold))))
  return command, runs


def test_a_run_that_fails_keeps_no_other_back(run_experiment, tmp_path, monkeypatch):
  real = loop.train

  def train(experiment, config, *given, **others):
    if config.data.fold == 0:
      raise UserError('no luck')
    return real(experiment, config, *given, **others)

  monkeypatch.setattr(loop, 'train', train)
  words = ('crossval', '--how=in_turn', *SMALL, '--workdir=some')
  code, _, err = run_experiment(tabular_mlp, *words)
  assert code == 2
  assert 'error: crossval: 1 of 2 runs failed, first repeat-0-fold-0: no luck; the others' in err
  about = json.loads((tmp_path / 'some' / 'crossval.json').read_text())
  assert about['failed'] == {'repeat-0-fold-0': 'no luck'}
  assert about['runs'] == ['repeat-0-fold-1']
  monkeypatch.undo()
  monkeypatch.chdir(tmp_path)
  code, _out, err = run_experiment(tabular_mlp, *words)
  assert code == 0, err
  about = json.loads((tmp_path / 'some' / 'crossval.json').read_text())
  assert about['failed'] == {}
  assert np.isfinite(about['test']['auroc']['value'])


def test_a_fold_that_cannot_be_read_keeps_no_other_back(run_experiment, tmp_path, monkeypatch):
  real = tabular_mlp.build

  def build(config):
    if config.data.fold == 1:
      raise UserError('no case of a class')
    return real(config)

  monkeypatch.setattr(tabular_mlp, 'build', build)
  for how in ('auto', 'together'):
    folder = tmp_path / how
    code, out, err = run_experiment(
      tabular_mlp,
      'crossval',
      f'--how={how}',
      *SMALL[1:],
      '--config.data.folds=3',
      f'--workdir={folder}',
    )
    assert code == 2
    assert 'repeat-0-fold-1: failed: no case of a class' in out
    assert '1 of 3 runs failed, first repeat-0-fold-1: no case of a class; the others are' in err
    about = json.loads((folder / 'crossval.json').read_text())
    assert about['runs'] == ['repeat-0-fold-0', 'repeat-0-fold-2']
    assert about['test']['auroc']['reason'] == 'two folds: no interval, of 2 runs'
  # Who predicts with those that are there is told so.
  (tmp_path / 'new.csv').write_text('age\n50\n')
  _, _, err = run_experiment(tabular_mlp, 'predict', 'new.csv', f'--workdir={folder}')
  assert ': 1 runs failed and take no part: repeat-0-fold-1' in err


def test_one_run_and_several_do_not_share_a_folder(run_experiment, tmp_path):
  code, _, err = run_experiment(tabular_mlp, 'crossval', *SMALL, '--how=in_turn', '--workdir=cv')
  assert code == 0, err
  for verb in ('train', 'evaluate', 'explain'):
    words = ('new.csv',) if verb == 'explain' else ()
    code, _, err = run_experiment(tabular_mlp, verb, *words, *SMALL, '--workdir=cv')
    assert code == 2, verb
    assert 'holds a cross-validation; expected the folder of one of its runs, such as cv/rep' in err
  # More seeds go on with those that are there.
  code, out, err = run_experiment(
    tabular_mlp, 'crossval', *SMALL, '--seeds=2', '--how=in_turn', '--workdir=cv'
  )
  assert code == 0, err
  assert out.count('trained in') == 2
  code, _, err = run_experiment(tabular_mlp, *SMALL, '--workdir=one')
  assert code == 0, err
  code, _, err = run_experiment(tabular_mlp, 'crossval', *SMALL, '--workdir=one')
  assert (code, err) == (2, 'error: --workdir=one: holds another kind of run; choose another\n')


def test_what_cannot_be_asked_for(run_experiment):
  code, _, err = run_experiment(tabular_mlp, 'crossval', '--how=quickly', *SMALL)
  assert (code, err) == (
    2,
    'error: --how=quickly: expected one of auto, in_turn, together, side_by_side\n',
  )
  code, _, err = run_experiment(
    tabular_mlp, 'crossval', '--how=together', *SMALL, '--config.feeding=streamed'
  )
  assert code == 2
  assert 'error: --how=together: examples do not fit in memory' in err
  assert lung_cnn.Config().data.folds == 0


def test_all_runs_predict_together(in_turn, run_experiment, tmp_path):
  folder = tmp_path / 'in_turn'
  with open(folder / 'repeat-0-fold-0' / 'predictions' / 'test.csv', newline='') as file:
    rows = list(csv.DictReader(file))[:7]
  own = ('id', 'label', 'probability', 'negative', 'positive', 'group', 'split')
  columns = [name for name in rows[0] if name not in own]
  with open(tmp_path / 'new.csv', 'w', newline='') as file:
    writer = csv.DictWriter(file, columns, extrasaction='ignore')
    writer.writeheader()
    writer.writerows(rows)

  def predicted(workdir):
    code, _, err = run_experiment(
      tabular_mlp, 'predict', 'new.csv', f'--workdir={workdir}', '--output=out.csv'
    )
    assert code == 0, err
    with open(tmp_path / 'out.csv', newline='') as file:
      return list(csv.DictReader(file))

  found = predicted('in_turn')
  names = [f'repeat-0-fold-{fold}' + seed for seed in ('', '-seed-1') for fold in (0, 1)]
  each = [[float(row['probability']) for row in predicted(folder / name)] for name in names]
  # The decision of all: fitted to what runs say of cases that they were not trained on.
  of_case: dict[str, list[float]] = {}
  for (_, name), probability in in_turn[1].items():
    of_case.setdefault(name, []).append(probability)
  assert {len(values) for values in of_case.values()} == {2}
  decision = json.loads((folder / 'crossval-decision.json').read_text())
  mean = np.mean(each, axis=0)
  calibration = Calibration(
    **{
      name: tuple(value) if isinstance(value, list) else value
      for name, value in decision['calibration'].items()
    }
  )
  expected = calibration.apply(mean)
  assert [float(row['probability']) for row in found] == pytest.approx(expected, abs=2e-6)
  spread = np.std([calibration.apply(np.array(one)) for one in each], axis=0, ddof=1)
  assert [float(row['spread']) for row in found] == pytest.approx(spread, abs=1e-5)
  assert {row['call'] for row in found} <= {'healthy', 'disease'}


def test_numbers_of_all_runs_are_averaged_in_their_unit(run_experiment, tmp_path):
  words = ('--config.data.folds=2', '--config.num_epochs=4', '--config.num_devices=1')
  code, _, err = run_experiment(
    diabetes_linear, 'crossval', '--how=together', *words, '--workdir=two'
  )
  assert code == 0, err
  data = datasets.load_diabetes(scaled=False)
  with open(tmp_path / 'new.csv', 'w', newline='') as file:
    writer = csv.writer(file)
    writer.writerow(data.feature_names)
    writer.writerows(data.data[:5].tolist())

  def predicted(workdir):
    code, _, err = run_experiment(
      diabetes_linear, 'predict', 'new.csv', f'--workdir={workdir}', '--output=out.csv'
    )
    assert code == 0, err
    with open(tmp_path / 'out.csv', newline='') as file:
      return [float(row['prediction']) for row in csv.DictReader(file)]

  each = [predicted(f'two/repeat-0-fold-{fold}') for fold in (0, 1)]
  assert predicted('two') == pytest.approx(np.mean(each, axis=0), rel=1e-5)
  assert 50 < np.mean(each) < 300


def test_runs_without_a_mean_are_asked_for_one_by_one(run_experiment, tmp_path):
  code, _, err = run_experiment(
    survival,
    'crossval',
    '--config.data.folds=2',
    '--config.data.simulated_rows=300',
    '--config.num_epochs=2',
    '--how=in_turn',
    '--workdir=cox',
  )
  assert code == 0, err
  code, _, err = run_experiment(survival, 'predict', 'new.csv', '--workdir=cox')
  assert code == 2
  assert 'cannot be averaged over runs; expected the folder of one of them' in err
  code, _, err = run_experiment(
    survival, 'crossval', '--config.data.folds=2', '--config.num_epochs=3', '--workdir=cox'
  )
  assert code == 2
  assert 'was made with other settings' in err or 'config.num_epochs' in err
