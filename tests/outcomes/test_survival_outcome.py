"""Survival as an outcome: tables, decisions, rows of ``predict``, the report and the card."""

import csv
import dataclasses
import html
import json
import re

import numpy as np
import pytest

from medjax.config import Config
from medjax.evaluation import kaplan_meier, survival_metrics
from medjax.outcomes import Evaluated, Survival
from medjax.outcomes.base import Outcome

HORIZONS = (10.0, 30.0)
OUTCOME = Survival(HORIZONS, unit='weeks')
COUNT = 240


def _label(seed=0):
  random = np.random.default_rng(seed)
  risk = random.normal(0, 0.9, COUNT).astype(np.float32)
  time = np.ceil(random.exponential(30 * np.exp(-risk)))
  censored = np.ceil(random.uniform(20, 100, COUNT))
  return risk, {'time': np.minimum(time, censored).astype(np.float32), 'event': time <= censored}


def _table(split='val', seed=0, outcome=OUTCOME, **changes):
  risk, label = _label(seed)
  label |= changes
  names = np.array([f'{split}{index}' for index in range(COUNT)])
  columns = {'id': names, 'group': names, 'split': split, 'classes': (), 'sizes': {}}
  return outcome.table(risk, label, metadata={'age': ['60'] * COUNT}, **columns)


def _shown(table, outcome=OUTCOME, decision=None):
  decision = decision or outcome.decide(_table(outcome=outcome), 5, Config())
  shown, metrics = outcome.evaluate(table, decision)
  return Evaluated(
    split='test',
    table=shown,
    metrics={name: estimate.to_json() for name, estimate in metrics.items()},
    decision=decision,
  )


def _text(page):
  plain = re.sub(r'<[^>]*>', ' ', re.sub(r'(?s)<svg.*?</svg>', ' ', str(page)))
  return ' '.join(html.unescape(plain).split())


def test_a_table_is_read_back_and_shown_with_survival(tmp_path):
  decision = OUTCOME.decide(_table(), 5, Config())
  decision = OUTCOME.read_decision(json.loads(json.dumps(decision.to_json())))
  shown, metrics = OUTCOME.evaluate(_table('test', 1), decision)
  assert (decision.checkpoint_step, shown.horizons) == (5, HORIZONS)
  expected = survival_metrics(shown, decision.censoring)
  assert metrics == expected
  assert OUTCOME.score(shown) == metrics[OUTCOME.monitor].value
  # Survival in groups of cases is about what their curve says.
  curve = kaplan_meier(shown.time, shown.event)
  np.testing.assert_allclose(shown.survival.mean(axis=0), curve.at(np.array(HORIZONS)), atol=0.06)
  shown.write_csv(tmp_path / 'test.csv')
  read = OUTCOME.read_table(tmp_path / 'test.csv')
  np.testing.assert_array_equal(read.survival, shown.survival)
  assert read.metadata == {'age': ['60'] * COUNT}


def test_times_keep_their_decimals_and_columns_their_place():
  time = np.full(COUNT, 0.1, np.float32)
  table = _table(time=time)
  assert (table.time == 0.1).all()
  names = np.array(['a', 'b'])
  label = {'time': np.array([1, np.nan], np.float32), 'event': np.array([True, True])}
  metadata = {'risk': ['1', '2'], 'survival_5': ['x', 'y']}
  columns = {'id': names, 'group': names, 'split': 'val', 'classes': ()}
  table = OUTCOME.table(np.zeros(2, np.float32), label, metadata=metadata, **columns)
  assert list(table.metadata) == ['column_risk', 'column_survival_5']
  assert table.event.tolist() == [True, False]
  assert len(table.labelled()) == 1


def test_predict_writes_survival_without_training_data(tmp_path):
  decision = OUTCOME.decide(_table(), 5, Config())
  writer = OUTCOME.writer(OUTCOME.read_decision(decision.to_json()), ())
  columns = ['file', 'risk', 'survival_10', 'survival_30', 'median_survival', 'risk_group', 'error']
  assert writer.columns == columns
  predicted = np.array([-2.0, 0.0, 2.0, np.nan], np.float32)
  rows = writer.rows(['a', 'b', 'c', 'd'], predicted)
  with open(tmp_path / 'predict.csv', 'w', newline='') as file:
    out = csv.DictWriter(file, writer.columns)
    out.writeheader()
    out.writerows(rows)
  assert [row['risk_group'] for row in rows] == ['low', 'middle', 'high', '']
  assert 'no number' in rows[3]['error']
  expected = decision.baseline.survival(np.array([0.0]), np.array(HORIZONS))[0]
  assert [float(rows[1][f'survival_{t:g}']) for t in HORIZONS] == expected.tolist()
  assert rows[0]['median_survival'] == ''
  assert 0 < float(rows[2]['median_survival']) < 30
  assert all(set(row) == set(columns) for row in rows)
  lines = ' '.join(writer.summary(rows))
  assert 'times in weeks' in lines
  assert 'parted at risk' in lines


def test_a_discrete_network_writes_its_own_survival():
  outcome = Survival((5.0, 20.0), (10.0, 20.0))
  predicted = np.array([[0.3, 0.8, 0.4], [-1.0, 1.0, 0.9]], np.float32)
  label = {'time': np.array([5.0, 9.0], np.float32), 'event': np.array([True, False])}
  names = np.array(['a', 'b'])
  columns = {'id': names, 'group': names, 'split': 'val', 'classes': (), 'metadata': {}}
  raw = outcome.table(predicted, label, **columns)
  decision = outcome.decide(raw, 5, Config())
  rows = outcome.writer(decision, ()).rows(['a', 'b'], predicted)
  assert float(rows[0]['survival_5']) == pytest.approx(0.9)
  assert float(rows[0]['survival_20']) == pytest.approx(0.4)
  assert float(rows[0]['median_survival']) == pytest.approx(17.5)
  calls, values = outcome.calls(decision, predicted)
  assert (calls.tolist(), values.shape) == ([0, 0], (2, 1))
  assert outcome.call_cells(0, values[0], ()) == {'risk': '0.3'}


def test_the_section_shows_groups_calibration_and_auroc():
  page = OUTCOME.section(_shown(_table('test', 1)))
  assert page.count('<svg') == 3
  text = _text(page)
  for part in (
    'Survival by predicted risk on the test split',
    'At risk: cases observed, without the event, just before each time (weeks)',
    'low risk',
    'high risk',
    'Log-rank test of equal survival of the groups: χ² =',
    'with 2 degrees of freedom, p < 0.0001',
    'Until 10 weeks: observed over expected events',
    'Median survival',
    'at the time of another one',
  ):
    assert part in text
  assert 'none' not in text.lower().replace('none:', '')


def test_what_is_missing_is_said_and_nothing_fails():
  censored = _table('test', 1, event=np.zeros(COUNT, bool))
  text = _text(OUTCOME.section(_shown(censored)))
  assert 'Every case is censored' in text
  assert 'none: there is no event' in text
  # Nothing to fit a baseline hazard to.
  validation = _table(event=np.zeros(COUNT, bool))
  decision = OUTCOME.decide(validation, 5, Config())
  text = _text(OUTCOME.section(_shown(_table('test', 1), decision=decision)))
  assert 'No survival is predicted at any horizon' in text
  assert 'o baseline hazard without an event' in text
  # All risks are equal.
  constant = dataclasses.replace(_table(), risk=np.zeros(COUNT))
  decision = OUTCOME.decide(constant, 5, Config())
  text = _text(OUTCOME.section(_shown(constant, decision=decision)))
  assert 'There are no groups of risk' in text
  # Half a run folder.
  empty = Evaluated('test', None, {}, None, decision_problem='decision.json is not there.')
  assert 'There are no predictions' in _text(OUTCOME.section(empty))
  half = dataclasses.replace(_shown(_table('test', 1)), decision=None, decision_problem='Damaged.')
  assert 'Damaged.' in _text(OUTCOME.section(half))


def test_names_captions_and_the_card():
  assert OUTCOME.metric('brier_at_30', ()).title == 'Brier score at 30 weeks'
  assert OUTCOME.metric('observed_to_expected_at_10', ()).share is False
  assert OUTCOME.metric('checkpoint_step', ()) is None
  label = {'time': np.float32(0.1), 'event': np.bool_(True)}
  assert OUTCOME.label_text(label, ()) == 'event at 0.1 weeks'
  assert OUTCOME.label_text(label | {'time': np.float32(np.nan)}, ()) == 'not known'
  assert 'of them with the event (' in OUTCOME.about_cases(_table())
  assert 'median follow-up' in OUTCOME.about_cases(_table())
  rows = dict(OUTCOME.card_rows(OUTCOME.decide(_table(), 5, Config()), {}))
  assert rows['Output (15)'] == 'risk, and the probability of no event until 10 weeks, 30 weeks'
  assert 'baseline hazard' in rows['Survival (12c)']
  assert 'parted at' in rows['Groups of risk (15)']


def test_two_runs_are_compared():
  better, decision = _table('test', 1), OUTCOME.decide(_table(), 5, Config())
  noise = np.random.default_rng(0).normal(0, 2, COUNT)
  worse = dataclasses.replace(better, risk=better.risk + noise)
  tables = [OUTCOME.evaluate(table, decision)[0] for table in (better, worse)]
  differences = OUTCOME.compare(tables, [decision, decision])
  assert differences['concordance'].low > 0
  assert isinstance(OUTCOME, Outcome)
