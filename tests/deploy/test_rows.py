"""Predictions of new rows: each gets one, with what network and decision make of it, or why not."""

import csv
import dataclasses

import numpy as np
import optax
import pytest

from medjax import runtime, tasks
from medjax.config import ClassSettings, Config
from medjax.data import tabular
from medjax.deploy import files
from medjax.errors import UserError
from medjax.evaluation import Calibration, Decision, Estimate, Interval
from medjax.evaluation.conformal import Conformal
from medjax.experiment import Experiment
from medjax.models import MLP
from medjax.outcomes import Classes, Number
from medjax.training import evaluate, state
from medjax.training.checkpoint import Checkpoints, Position
from medjax.workdir import Workdir


@dataclasses.dataclass
class Settings(ClassSettings, Config):
  """As an experiment on classes has them."""


SETTINGS = Settings(batch_size=8, calibration='none', coverage=0.8)


def test_cells_of_two_classes():
  calibration = Calibration('temperature', temperature=2.0)
  decision = Decision(1, calibration, Estimate(0.3), Conformal('split', 0.9, (0.35, 0.35)))
  writer = Classes().writer(decision, ['0', '1'])
  found = writer.rows(['a', 'b', 'c'], np.array([0.1, 0.5, np.nan], np.float32))
  assert writer.columns == ['file', 'probability', 'call', 'set', 'decision', 'error']
  assert all(list(row) == writer.columns for row in found)
  # A logit of log(1 / 9), divided by 2: odds of 1 to 3. Sets are of what the network said.
  assert float(found[0]['probability']) == pytest.approx(0.25)
  assert list(found[0].values())[2:] == ['0', '0', '0', '']
  assert list(found[1].values()) == ['b', '0.5', '1', '0 | 1', 'abstain', '']
  expected = ['c', '', '', '', '', 'the network gives no number for this file']
  assert list(found[2].values()) == expected
  assert writer.summary(found)[-1] == 'undecided at a coverage of 0.9: 1'
  assert 'probability of 1, called at 0.300' in writer.summary(found)[0]


def test_cells_of_several_classes():
  least = Conformal('mondrian', 0.9, (0.2, 0.2, 0.05))
  decision = Decision(1, Calibration(), Estimate(None), least)
  writer = Classes().writer(decision, ['a', 'b', 'c'])
  found = writer.rows(['x', 'y'], np.array([[0.7, 0.29, 0.01], [0.01, 0.04, 0.95]]))
  assert writer.columns[1:4] == ['probability_a', 'probability_b', 'probability_c']
  assert list(found[0].values())[1:] == ['0.7', '0.29', '0.01', 'a', 'a | b', 'abstain', '']
  assert list(found[1].values())[4:] == ['c', 'c', 'c', '']
  assert set(writer.shown) < set(writer.columns)


def test_cells_of_numbers():
  writer = Number().writer(Interval(1, 0.8, 2.5, 'fitted on 40 cases of val'), [])
  found = writer.rows(['a', 'b'], np.array([10.0, np.inf]))
  assert writer.columns == ['file', 'prediction', 'low', 'high', 'error']
  assert list(found[0].values()) == ['a', '10.0', '7.5', '12.5', '']
  assert list(found[1].values()) == ['b', '', '', '', 'the network gives no number for this file']
  assert writer.summary(found) == ['low to high holds 80%: fitted on 40 cases of val']
  endless = Number().writer(Interval(1, 0.9, np.inf, 'too few'), [])
  assert list(endless.rows(['a'], np.array([10.0]))[0].values()) == ['a', '10.0', '', '', '']


def test_only_numbers_are_shortened_on_the_terminal(capsys):
  decision = Decision(1, Calibration(), Estimate(0.3), Conformal('split', 0.9, (0.1, 0.1)))
  writer = Classes().writer(decision, ['0', '1'])
  failed = writer.empty('new.csv row 3', 'age is 1e5')
  files._print([*writer.rows(['new.csv row 2'], np.array([0.98765])), failed], writer, [])
  out = capsys.readouterr().out
  cells = [[cell.strip() for cell in line.split('│')] for line in out.splitlines() if '│' in line]
  assert cells[0][1:-1] == ['new.csv row 2', '0.988', '1', '1', '1', '']
  assert cells[1][1:-1] == ['new.csv row 3', '', '', '', '', 'age is 1e5']
  assert '1 predicted, 1 could not be read' in out


def _columns(count=60):
  random = np.random.default_rng(0)
  return {
    'age': [str(x) for x in random.normal(60, 10, count).round(2)],
    'sex': random.choice(['f', 'm'], count).tolist(),
  }


def _finished(folder, label, task):
  """A run whose network is made up, evaluated, and what it computes from cells."""
  columns = _columns() | {'label': label}
  lines = [','.join(columns), *map(','.join, zip(*columns.values(), strict=True))]
  (folder / 'table.csv').write_text('\n'.join(lines))
  data = tabular.load(tabular.Config(source=str(folder / 'table.csv')))
  experiment = Experiment(data, MLP(()), task, optax.sgd(0.1))
  workdir = Workdir(folder / 'run')
  workdir.claim(SETTINGS)
  workdir.claim_data(data.summary())
  made = state.create(experiment, 0)
  kernel, bias = np.array([[0.8], [-1.1]], np.float32), np.array([0.3], np.float32)
  made = made.replace(params={'Dense_0': {'kernel': kernel, 'bias': bias}})
  with Checkpoints(workdir.checkpoints, 1, workdir.identity()) as checkpoints:
    checkpoints.save(made, Position(5, 1, 0, 0.9, data.fingerprint))
  devices = runtime.devices(2)
  evaluate.evaluate(experiment, workdir, devices, SETTINGS)

  number, level = data.details['preprocessing']['columns']
  (name,) = level['levels']

  def output(age, sex):
    return 0.8 * (age - number['mean']) / number['scale'] - 1.1 * (sex == name) + 0.3

  return experiment, workdir, devices, output


def _predict(run, names, output):
  experiment, workdir, devices, _ = run
  found = files.predict_files(experiment, SETTINGS, workdir, devices, names, output)
  with open(output, newline='', encoding='utf-8') as file:
    assert list(csv.DictReader(file)) == found
  return found


def test_new_rows_of_a_classifier(tmp_path, capsys):
  label = ['1' if i % 3 else '0' for i in range(60)]
  run = _finished(tmp_path, label, tasks.Binary())
  new = tmp_path / 'new.csv'
  ages = [40 + i for i in range(20)]
  lines = [f'{"m" if i % 2 else "f"};{age};x' for i, age in enumerate(ages)]
  lines[3] = 'm;unknown to us;x'
  lines[5] = 'q;45;x'  # no training row is of this level
  lines[7], lines[9] = 'm;<47;x', 'm;>= 49;x'
  new.write_text('\n'.join(['sex;age;more', *lines]), encoding='utf-8-sig')
  found = _predict(run, [str(new), str(tmp_path / 'none.csv')], tmp_path / 'out' / 'predicted.csv')
  assert [row['file'] for row in found[:20]] == [f'{new} row {i + 2}' for i in range(20)]
  assert found[3]['error'] == "age is 'unknown to us'; expected a number"
  assert found[3]['probability'] == found[3]['call'] == ''
  assert found[20]['error'].startswith('no such file; expected a CSV file')
  threshold = run[1].read(run[1].decision)['threshold']['value']
  for i in set(range(20)) - {3}:
    sex = 'q' if i == 5 else 'fm'[i % 2]
    expected = 1 / (1 + np.exp(-run[3](ages[i], sex)))
    assert float(found[i]['probability']) == pytest.approx(expected, rel=1e-5)
    assert found[i]['call'] == str(int(float(found[i]['probability']) >= threshold))
    assert found[i]['error'] == ''
  out, said = capsys.readouterr()
  assert said == (
    f"data: {new} row 9: limits of detection are read as the limit (age '<47'); so in 2 of 21 "
    'rows\n'
  )
  assert '19 predicted, 2 could not be read' in out
  assert 'new.csv row 5' in out


def test_new_rows_of_numbers(tmp_path):
  label = [str(100 + 7 * i % 40 + i / 7) for i in range(60)]
  run = _finished(tmp_path, label, tasks.Regression(mean=120.0, scale=15.0))
  new = tmp_path / 'new.csv'
  new.write_text('age\tsex\n40\tm\n1e400\tf\n\tf\n77.5\tf\n')
  found = _predict(run, [str(new)], tmp_path / 'predicted.csv')
  with open(run[1].predictions('val'), newline='') as file:
    val = list(csv.DictReader(file))
  left = sorted(abs(float(row['label']) - float(row['prediction'])) for row in val)
  width = left[int(np.ceil((len(left) + 1) * 0.8)) - 1]
  number = run[0].data.details['preprocessing']['columns'][0]
  for i, (age, sex) in {0: (40, 'm'), 2: (number['median'], 'f'), 3: (77.5, 'f')}.items():
    prediction = 120 + 15 * run[3](age, sex)
    assert float(found[i]['prediction']) == pytest.approx(prediction, rel=1e-5)
    assert float(found[i]['low']) == pytest.approx(prediction - width, rel=1e-5)
    assert float(found[i]['high']) == pytest.approx(prediction + width, rel=1e-5)
  assert found[1]['error'] == "age is '1e400'; expected a number"
  # Validation predictions are of the same network.
  row = val[0]
  place = int(row['id'].removeprefix('row-')) - 2
  columns = _columns()
  expected = 120 + 15 * run[3](float(columns['age'][place]), columns['sex'][place])
  assert float(row['prediction']) == pytest.approx(expected, rel=1e-5)
  assert float(row['label']) == pytest.approx(float(label[place]))
  evaluation = run[1].read(run[1].evaluation)
  assert evaluation['val']['half_width']['value'] == pytest.approx(width)
  assert evaluation['val']['checkpoint_step']['value'] == 5

  (tmp_path / 'header.csv').write_text('age,sex\n')
  with pytest.raises(UserError, match=r'predict .*header.csv: no rows there'):
    _predict(run, [str(tmp_path / 'header.csv')], tmp_path / 'predicted.csv')


def test_masks_without_a_folder_are_data_uris():
  import base64
  import io

  import PIL.Image

  from medjax.evaluation import MaskDecision
  from medjax.outcomes.mask_rows import MaskRows

  writer = MaskRows(MaskDecision(1, ('polyp',), 0.5))
  probability = np.zeros((1, 4, 6), np.float32)
  probability[0, 1:3, 2:5] = 0.9
  writer.begin(None, {'a': lambda mask: np.repeat(mask, 2, axis=0)})
  (row,) = writer.rows(['a'], probability)
  data = row['mask'].removeprefix('data:image/png;base64,')
  mask = np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(data))))
  assert mask.shape == (8, 6)
  assert set(np.unique(mask)) == {0, 255}
  np.testing.assert_array_equal(mask[2:6, 2:5], 255)
  assert (mask > 0).sum() == 12
  assert MaskRows(MaskDecision(1, ('polyp',), 0.5)).rows(['a'], probability)[0]['mask'] == ''
