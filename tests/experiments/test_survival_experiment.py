"""The survival experiment from the command line: train, predict, explain, compare, and mistakes."""

import csv
import functools
import json

import numpy as np
import pytest

from experiments import survival
from medjax.data.simulate import cohort
from medjax.evaluation import BaselineHazard, concordance_harrell, fit_cox

ROWS = 400


@pytest.fixture
def command(run_experiment):
  """Runs the command line in this process; see ``run_experiment``."""
  return functools.partial(run_experiment, survival)


def _write(path, changes=None):
  """A cohort as a hospital might export it, with two measurements of each patient."""
  rows = [
    {'age': row['age'], 'sex': row['sex'], 'days': row['time'],
     'status': 'dead' if row['event'] == '1' else 'alive'}
    for row in cohort.simulate(0, ROWS)
  ]  # fmt: skip
  for number, change in (changes or {}).items():
    rows[number] |= change
  with open(path, 'w', newline='') as file:
    writer = csv.DictWriter(file, rows[0])
    writer.writeheader()
    writer.writerows(rows)
  return rows


def _read(path):
  with open(path, newline='') as file:
    return list(csv.DictReader(file))


TABLE = (
  '--config.data.source=cohort.csv', '--config.data.time_column=days',
  '--config.data.event_column=status',
)  # fmt: skip


def test_cox_regression_on_a_table_and_everything_after_it(command, tmp_path):
  rows = _write('cohort.csv', {0: {'days': ''}, 1: {'days': '0'}})
  settings = ('--config.num_epochs=15', '--config.validate_epochs=15')
  settings += ('--config.horizons=365,9999', '--config.unit=days')
  code, out, err = command(*TABLE, *settings, '--workdir=run')
  assert code == 0, err
  assert '1 rows without days or status left out' in err
  assert '1 rows have days 0' in err
  assert 'hazard ratio (interval)' in out
  # The coefficients are those of Newton's method on the rows trained on.
  held = {r['id'] for split in ('val', 'test') for r in _read(f'run/predictions/{split}.csv')}
  train = [r for i, r in enumerate(rows) if i and f'row-{i + 2}' not in held]
  ages = np.array([float(row['age']) for row in train])
  values = np.column_stack([ages, [row['sex'] != 'male' for row in train]])
  times = np.array([float(row['days']) for row in train])
  fit = fit_cox(values, times, np.array([row['status'] == 'dead' for row in train]))
  table = {row['name']: row for row in _read('run/coefficients.csv')}
  assert float(table['age']['estimate_per_unit']) == pytest.approx(fit.coefficients[0], rel=1e-3)
  ratio = float(table['sex=female']['hazard_ratio'])
  assert ratio == pytest.approx(np.exp(fit.coefficients[1]), rel=1e-3)
  page = (tmp_path / 'run' / 'report.html').read_text()
  for part in ('Survival by predicted risk', 'Hazard ratio', 'no survival at 9999', 'Log-rank'):
    assert part in page
  assert 'baseline hazard' in (tmp_path / 'run' / 'card.md').read_text()
  # New cases need no training data.
  (tmp_path / 'new.csv').write_text('age,sex\n60,male\n80,female\nold,male\n')
  (tmp_path / 'cohort.csv').unlink()
  code, out, err = command('predict', 'new.csv', '--workdir=run', '--output=out.csv')
  assert code == 0, err
  first, second, third = _read('out.csv')
  assert [*first] == [
    'file', 'risk', 'survival_365', 'median_survival', 'risk_group', 'error'
  ]  # fmt: skip
  assert "'old'" in third['error']
  gap = 20 * fit.coefficients[0] + fit.coefficients[1]
  assert float(second['risk']) - float(first['risk']) == pytest.approx(gap, abs=1e-3)
  decision = json.loads((tmp_path / 'run' / 'decision.json').read_text())
  baseline = BaselineHazard.from_json(decision['baseline'])
  expected = baseline.survival(np.array([float(first['risk'])]), np.array([365.0]))
  assert float(first['survival_365']) == pytest.approx(expected[0, 0])
  # What each column adds to the log hazard ratio.
  code, _, err = command('explain', 'new.csv', '--workdir=run', '--output=why')
  assert code == 0, err
  why = _read('why/explanations.csv')
  assert float(why[0]['risk']) == pytest.approx(float(first['risk']), abs=1e-5)
  added = float(why[1]['adds_age']) - float(why[0]['adds_age'])
  assert added == pytest.approx(20 * fit.coefficients[0], abs=1e-3)


def test_networks_learn_the_cohort_and_are_compared(command, tmp_path):
  settings = (
    f'--config.data.simulated_rows={ROWS}', '--config.features=8', '--config.validate_epochs=25',
  )  # fmt: skip
  for model in ('cox', 'discrete'):
    code, _, err = command(*settings, f'--config.model={model}', f'--workdir={model}')
    assert code == 0, err
    found = json.loads((tmp_path / model / 'evaluation.json').read_text())['test']
    rows = _read(f'{model}/predictions/test.csv')
    time, risk = (np.array([float(row[name]) for row in rows]) for name in ('time', 'risk'))
    event = np.array([row['event'] == '1' for row in rows])
    assert found['concordance']['value'] == concordance_harrell(time, event, risk).value
    assert found['concordance']['value'] > 0.55
    page = (tmp_path / model / 'report.html').read_text()
    assert page.count('<svg') == 5
    assert 'SIMULATED DATA' in page
  assert 'discrete-time model with 10 intervals' in page
  code, out, err = command('compare', 'cox', 'discrete')
  assert code == 0, err
  assert 'concordance_uno' in out


@pytest.mark.parametrize(
  ('change', 'settings', 'message'),
  [
    ({2: {'days': '-1'}}, (), "cohort.csv row 4: days is '-1'; expected a number of at least 0"),
    ({2: {'status': 'lost'}}, (), "cohort.csv row 4: status is 'lost'; expected 1 or 0"),
    ({i: {'status': 'alive'} for i in range(ROWS)}, (), 'no row of split train has the event'),
    ({}, ('--config.horizons=2,1',), 'config.horizons=2.0,1.0: expected times above 0 that rise'),
    ({}, ('--config.data.event_column=dead',), "no column 'dead'"),
    ({}, ('--config.data.label_column=dead',), 'label_column'),
    (
      {i: {'days': '0'} for i in range(ROWS)},
      ('--config.model=discrete',),
      'every event is at time 0',
    ),
  ],
)
def test_mistakes_are_one_line(command, change, settings, message):
  _write('cohort.csv', change)
  code, _, err = command(*TABLE, *settings, '--workdir=run')
  last = err.strip().splitlines()[-1]
  assert (code, last.startswith('error: ')) == (2, True), err
  assert message in last
