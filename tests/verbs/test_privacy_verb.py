"""Differential privacy as a user sees it: training with a budget, and attacks on trainings."""

import json

import pytest

from experiments import breast_logistic, tabular_mlp

BUDGET = '--config.privacy.epsilon=3'


def read(path):
  found = json.loads(path.read_text())
  return found


def test_a_run_with_a_budget_says_what_it_spent(run_experiment, tmp_path):
  code, out, err = run_experiment(breast_logistic, BUDGET, '--workdir=run')
  assert code == 0, err
  about = read(tmp_path / 'run' / 'evaluation.json')['privacy']
  assert 2.9 < about['epsilon'] <= 3
  assert 0 < about['delta'] < 1 / 397
  assert about['unit'] == 'example'
  assert 'privacy: epsilon 3.00 at delta 0.00025, for each example of 397' in out
  assert 'no baseline: a simple model would be fitted to private cases without noise' in out
  assert read(tmp_path / 'run' / 'config.json')['select'] == 'last'
  page = (tmp_path / 'run' / 'report.html').read_text()
  assert '<h2>Privacy</h2>' in page
  assert '## Privacy of training patients' in (tmp_path / 'run' / 'card.md').read_text()
  # No loss of private cases is told, and none of their numbers.
  lines = [json.loads(line) for line in (tmp_path / 'run' / 'metrics.jsonl').open()]
  assert not any('loss' in line for line in lines if line['split'] == 'train')
  details = read(tmp_path / 'run' / 'data.json')['details']
  first = details['preprocessing']['columns'][0]
  assert first['name'] == 'mean radius'
  assert first['quantiles'][0] in {2.0**power for power in range(-40, 61)}  # of a range, not a row
  # The same command draws nothing anew.
  code, out, err = run_experiment(breast_logistic, BUDGET, '--workdir=run')
  assert code == 0, err
  assert read(tmp_path / 'run' / 'evaluation.json')['privacy'] == about
  assert read(tmp_path / 'run' / 'data.json')['details'] == details


def test_a_description_of_columns_costs_nothing(run_experiment, tmp_path):
  lines = ['column,low,high,levels']
  ranges = {
    'age': (18, 95), 'blood_pressure': (80, 220), 'cholesterol': (80, 400),
    'max_heart_rate': (60, 220), 'shoe_size': (34, 50),
  }  # fmt: skip
  lines += [f'{name},{low},{high},' for name, (low, high) in ranges.items()]
  lines += ['sex,,,female|male', 'smoking,,,never|former|current', 'chest_pain,,,none|typical']
  (tmp_path / 'columns.csv').write_text('\n'.join([*lines, 'clinic,,,north|south|west']) + '\n')
  code, _, err = run_experiment(
    tabular_mlp,
    BUDGET,
    '--config.privacy.columns=columns.csv',
    '--config.num_epochs=2',
    '--workdir=run',
  )
  assert code == 0, err
  details = read(tmp_path / 'run' / 'data.json')['details']
  age = details['preprocessing']['columns'][0]
  assert (age['mean'], age['scale']) == ((18 + 95) / 2, (95 - 18) / 4)
  (tmp_path / 'columns.csv').write_text('\n'.join(lines) + '\n')
  code, _, err = run_experiment(
    tabular_mlp, BUDGET, '--config.privacy.columns=columns.csv', '--workdir=other'
  )
  assert code == 2
  assert "error: columns.csv: no row for the column 'clinic'; expected one for each input" in err
  code, _, err = run_experiment(tabular_mlp, BUDGET, '--workdir=third')
  assert code == 2
  assert 'holds texts, and which ones there are would tell of private rows' in err


def test_attacks_are_beside_each_other_and_below_the_claim(run_experiment, tmp_path):
  code, out, err = run_experiment(
    breast_logistic, 'audit', '--privacy', '--shadows=4', BUDGET, '--workdir=attacked'
  )
  assert code == 0, err
  found = read(tmp_path / 'attacked' / 'audit-privacy.json')['trainings']
  assert sorted(found) == ['with', 'without']
  for one in found.values():
    rate = one['membership']['true_positive_rate']
    assert 0 <= rate['low'] <= rate['value'] <= rate['high'] <= 1
  assert found['with']['canaries']['epsilon'] <= found['with']['canaries']['claimed'] == 3
  assert found['without']['canaries']['claimed'] is None
  assert 'without differential privacy: ' in out
  page = (tmp_path / 'attacked' / 'audit-privacy.html').read_text()
  assert 'audit of privacy' in page
  assert 'look like data' not in page
  code, _, err = run_experiment(breast_logistic, 'audit', '--privacy', '--shadows=5')
  assert (code, err.splitlines()[-1]) == (
    2, 'error: --shadows=5: expected an even number of at least 4',
  )  # fmt: skip


@pytest.mark.parametrize(
  ('words', 'message'),
  [
    (['tune'], 'tune: each trial would spend config.privacy.epsilon'),
    (['plan', '--shares=0.5,1'], 'plan: each run would spend config.privacy.epsilon anew'),
    (['--config.select=best'], 'config.select=best'),
    (['--config.patience=3'], 'config.patience'),
    (['--config.privacy.delta=0.01'], 'config.privacy.delta=0.01: lets a patient of 397 be told'),
  ],
)
def test_what_would_tell_more_is_one_line(run_experiment, words, message):
  code, _, err = run_experiment(breast_logistic, *words, BUDGET, '--workdir=run')
  assert code == 2
  assert err.splitlines()[-1].startswith(f'error: {message}')
