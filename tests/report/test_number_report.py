"""The report and the card of a run whose labels are numbers."""

import json
import math

import numpy as np
import pytest
import reseal
import scipy.stats
from made_run import read, write_run
from test_card import NETWORK, lines

from medjax.data.modality import Modality
from medjax.evaluation import Interval, Numbers
from medjax.evaluation.numbers import number_metrics
from medjax.outcomes import Number
from medjax.outcomes.base import Evaluated
from medjax.report import card, page
from medjax.workdir import Workdir


class Rows(Modality):
  """Rows that nobody reads here."""

  def inputs(self, batch):
    return batch['values']

  def open(self, names):
    return []


def _numbers(split, count=60, seed=0):
  random = np.random.default_rng(seed)
  label = random.normal(150, 30, count)
  prediction = label + random.normal(0, 15, count)
  label[:3] = np.nan
  names = np.array([f'{split}{i}' for i in range(count)])
  groups = np.array([f'patient{i // 2}' for i in range(count)])
  return Numbers(names, label, prediction, groups, split, {'sex': ['f', 'm'] * (count // 2)})


def _write(folder, coverage=0.9, count=60):
  """A whole run folder, its tables and its interval."""
  write_run(folder)
  tables = {name: _numbers(name, count, seed) for seed, name in enumerate(('val', 'test'))}
  interval = Interval.fit(tables['val'], 4, coverage)
  found = {}
  for name, table in tables.items():
    table.write_csv(folder / 'predictions' / f'{name}.csv')
    metrics = number_metrics(table, interval)
    found[name] = {metric: estimate.to_json() for metric, estimate in metrics.items()}
  data = json.loads((folder / 'data.json').read_text()) | {'classes': []}
  data['example'] = {'values': 'float32[10]', 'label': 'float32[]'}
  for split in data['splits'].values():
    split['classes'] = {}
  text = (folder / 'metrics.jsonl').read_text().replace('auroc', 'r2')
  (folder / 'metrics.jsonl').write_text(text)
  for name, value in {
    'evaluation.json': found,
    'decision.json': interval.to_json(),
    'data.json': data,
  }.items():
    (folder / name).write_text(json.dumps(value))
  reseal.run_folder(folder)
  return tables, interval


def test_whole_run(tmp_path):
  tables, interval = _write(tmp_path)
  source, text, reader = read(page.write(tmp_path, Number(), Rows(), pictures={}))
  known = ~np.isnan(tables['test'].label)
  label, prediction = tables['test'].label[known], tables['test'].prediction[known]
  spearman = scipy.stats.spearmanr(label, prediction).statistic
  held = np.mean(abs(label - prediction) <= interval.half_width)
  for expected in (
    'Predicted and true on the test split',
    '57 labelled test cases from 29 groups',
    f'{np.sqrt(np.mean((label - prediction) ** 2)):.3f}',
    f'{np.mean(abs(label - prediction)):.3f}',
    f'{spearman:.3f}',
    f'its prediction − {interval.half_width:.4g} to its prediction + {interval.half_width:.4g}',
    f'made to hold the truth in 90% of the cases; on the test split it held it in {held:.3f}',
    'Fitted on 57 cases of val',
    'Root mean squared error',
    "Spearman's correlation",
    'Test R2',
  ):
    assert expected in text
  # Loss and R2 by epoch, true against predicted, and what is left over.
  assert reader.tags.count('svg') == 4
  assert 'best epoch, 1' in source
  for unwanted in ('AUROC', 'Threshold', 'not in the run folder', 'nan', 'None', 'img'):
    assert unwanted not in text.split()
  assert 'img' not in reader.tags


def test_without_an_interval(tmp_path):
  _, interval = _write(tmp_path, coverage=0.99)
  assert math.isinf(interval.half_width)
  _, text, reader = read(page.write(tmp_path, Number(), Rows(), pictures={}))
  assert 'goes from minus to plus infinity' in text
  assert 'too few for an interval of that coverage' in text
  assert reader.tags.count('svg') == 4
  text = card.write(Workdir(tmp_path), Number(), Rows(), {}, NETWORK).read_text()
  assert 'plus or minus infinity, made to hold the truth in 99% of the cases' in text


@pytest.mark.parametrize('content', [None, '{"half'])
@pytest.mark.parametrize('name', ['decision.json', 'evaluation.json', 'predictions/test.csv'])
def test_missing_or_broken_file(tmp_path, name, content):
  _write(tmp_path)
  if content is None:
    (tmp_path / name).unlink()
  else:
    (tmp_path / name).write_text(content)
  _, text, _ = read(page.write(tmp_path, Number(), Rows(), pictures={}))
  if name.startswith('predictions'):
    assert 'There is no test split here' in text or 'test.csv cannot be read' in text
  else:
    assert f'{name} cannot be read' in text or f'{name} is not in the run folder' in text
  assert "column 'probability'" not in text
  assert 'Predicted and true on the' in text


def _context(table, interval):
  return Number().context(Evaluated('test', table, {}, interval))


def test_nothing_labelled_gives_no_figure():
  nothing = _numbers('test').take(np.arange(3)).labelled()
  expected = {'figures': {}, 'half_width': 2.0, 'coverage': None}
  assert _context(nothing, Interval(1, 0.9, 2.0)) == expected
  assert _context(None, None)['half_width'] is None
  one = _context(_numbers('test').take(np.array([5])), Interval(1, 0.9, math.inf))
  assert set(one['figures']) == {'scatter', 'residuals'}
  assert one['half_width'] is None


@pytest.mark.parametrize('select', ['best', 'last'])
def test_the_card_and_the_page_say_which_checkpoint_was_taken(tmp_path, select):
  tables, interval = _write(tmp_path)
  (tmp_path / 'config.json').write_text(json.dumps({'learning_rate': 0.1, 'select': select}))
  reseal.run_folder(tmp_path)
  text = card.write(Workdir(tmp_path), Number(), Rows(), tables, NETWORK).read_text()
  found = lines(text)
  evaluation = json.loads((tmp_path / 'evaluation.json').read_text())['test']
  r2 = evaluation['r2']
  assert found['r2'] == f'{r2["value"]:.3f} ({r2["low"]:.3f} to {r2["high"]:.3f})'
  assert found['half_width'] == f'{interval.half_width:.3f}'
  assert found['Classes'] == 'none'
  assert found['Output (15)'] == 'a number in the unit of the labels'
  assert found['Uncertainty (15)'].startswith(
    f'plus or minus {interval.half_width:.4g}, made to hold the truth in 90%'
  )
  assert found['Sample size (10)'].startswith('val: 60 cases of 30 groups; test')
  choice = 'the best on validation, and the last' if select == 'best' else 'the last'
  assert found['Choice of the final model (12c)'] == f'checkpoint of step 4: {choice}'
  # There are no pictures in the report of a table.
  assert found['Failures: what kind of cases go wrong (failure analysis)'] == card.TO_FILL
  assert 'threshold' not in text.lower()
  source, _, _ = read(page.write(tmp_path, Number(), Rows(), pictures={}))
  assert ('best epoch' in source) == (select == 'best')
