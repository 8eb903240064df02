"""Times and events of a table: words, rows left out, splits, notes and errors."""

import collections
import csv

import lifelines
import numpy as np
import pytest

from medjax.data import tabular
from medjax.errors import UserError

COUNT = 200


def _columns(count=COUNT):
  random = np.random.default_rng(0)
  return {
    'age': [f'{age:.4f}' for age in random.normal(60, 9, count)],
    'time': [str(day) for day in random.integers(1, 400, count)],
    'event': [str(seen) for seen in random.integers(0, 2, count)],
  }


def _load(path, columns, **settings):
  with open(path, 'w', newline='') as file:
    writer = csv.writer(file)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
  return tabular.load(tabular.SurvivalConfig(source=str(path), **settings))


def test_labels_are_times_and_events_and_no_inputs(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  columns = _columns()
  data = _load('cohort.csv', columns)
  assert data.modality.preprocessing.inputs == ['age']
  assert data.classes == ()
  rows = {}
  for split in data.splits.values():
    assert split.label['time'].dtype == np.float32
    pairs = zip(split.label['time'].tolist(), split.label['event'].tolist(), strict=True)
    rows |= dict(zip(split.id.tolist(), pairs, strict=True))
  expected = zip(map(float, columns['time']), (e == '1' for e in columns['event']), strict=True)
  assert rows == {f'row-{i}': pair for i, pair in enumerate(expected, start=2)}
  train = data.splits['train'].label
  moments = train['time'][train['event']]
  assert data.details['event_times'] == pytest.approx(np.percentile(moments, np.arange(101)))
  assert data.details['horizons'] == _load('cohort.csv', columns, folds=3).details['horizons']
  curve = lifelines.KaplanMeierFitter().fit(train['time'], train['event'])
  expected = curve.predict(data.details['event_times'], interpolate=False)
  assert data.details['event_survival'] == pytest.approx(expected.tolist())
  events = columns['event'].count('1')
  (note,) = (note for note in data.notes if 'have the event' in note)
  assert note.startswith(f'{events} of {COUNT} rows have the event, ')


@pytest.mark.parametrize(
  'words',
  [('1', '0'), ('1.0', '0.0'), ('True', 'False'), ('yes', 'NO'), ('Dead', 'alive'),
   ('event', 'censored')],
)  # fmt: skip
def test_words_for_the_event(tmp_path, words):
  columns = _columns()
  plain = _load(tmp_path / 'plain.csv', columns)
  columns['status'] = [words[0] if cell == '1' else words[1] for cell in columns.pop('event')]
  data = _load(tmp_path / 'cohort.csv', columns, event_column='status')
  for name, split in data.splits.items():
    np.testing.assert_array_equal(split.label['event'], plain.splits[name].label['event'])


def test_splits_are_alike_in_events_and_times(tmp_path):
  data = _load(tmp_path / 'cohort.csv', _columns(1000))
  label = {k: np.concatenate([s.label[k] for s in data.splits.values()]) for k in ('time', 'event')}
  edges = np.quantile(label['time'], [0.25, 0.5, 0.75])
  for split in data.splits.values():
    kinds = list(
      zip(split.label['event'], np.searchsorted(edges, split.label['time']), strict=True)
    )
    shares = [count / len(kinds) for count in collections.Counter(kinds).values()]
    overall = collections.Counter(
      zip(label['event'], np.searchsorted(edges, label['time']), strict=True)
    )
    assert len(shares) == 8
    for kind, count in collections.Counter(kinds).items():
      assert count / len(kinds) == pytest.approx(overall[kind] / 1000, abs=0.01)


def test_rows_without_time_or_event_are_left_out_and_time_0_is_said(tmp_path):
  columns = _columns()
  columns['time'][:2] = ['', 'NA']
  columns['event'][5] = '?'
  columns['time'][7] = '0'
  data = _load(tmp_path / 'cohort.csv', columns)
  assert sum(map(len, data.splits.values())) == COUNT - 3
  assert '3 rows without time or event left out' in data.notes
  assert '1 rows have time 0' in data.notes


@pytest.mark.parametrize(
  ('column', 'cell', 'message'),
  [
    ('time', '-3', r"cohort.csv row 4: time is '-3'; expected a number of at least 0"),
    ('time', 'soon', r"cohort.csv row 4: time is 'soon'; expected a number"),
    ('time', 'inf', r"cohort.csv row 4: time is 'inf'; expected a number"),
    ('event', '2', r"cohort.csv row 4: event is '2'; expected 1 or 0, true or false"),
  ],
)
def test_what_is_no_time_or_event_is_named(tmp_path, column, cell, message):
  columns = _columns()
  columns[column][2] = cell
  with pytest.raises(UserError, match=message):
    _load(tmp_path / 'cohort.csv', columns)


def test_tables_that_cannot_be_learned_from(tmp_path):
  columns = _columns()
  with pytest.raises(UserError, match="no row of split train has the event by column 'event'"):
    _load(tmp_path / 'cohort.csv', columns | {'event': ['0'] * COUNT})
  with pytest.raises(UserError, match="no column 'status'"):
    _load(tmp_path / 'cohort.csv', columns, event_column='status')
  with pytest.raises(UserError, match="are both 'time'; expected two columns"):
    _load(tmp_path / 'cohort.csv', columns, event_column='time')
  with pytest.raises(UserError, match='no row has both time and event'):
    _load(tmp_path / 'cohort.csv', columns | {'time': [''] * COUNT})
  with pytest.raises(UserError, match='has no times of events'):
    tabular.SurvivalConfig(source='sklearn:iris').validate()
