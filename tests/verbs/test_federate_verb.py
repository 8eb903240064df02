"""``federate``: training at several sites, beside central training and each site alone."""

import csv
import json

import numpy as np
import pytest

from experiments import breast_logistic, chest_xray, diabetes_linear, protein_function, tabular_mlp

SMALL = (
  '--config.data.simulated_rows=240',
  '--config.features=6',
  '--config.num_epochs=3',
  '--config.num_devices=1',
  '--sites=2',
)


def read(path):
  with open(path, newline='') as file:
    return list(csv.DictReader(file))


def test_a_federation_beside_central_training_and_sites_alone(run_experiment, tmp_path):
  words = ('federate', *SMALL, '--workdir=fed')
  code, out, err = run_experiment(tabular_mlp, *words)
  assert code == 0, err
  about = json.loads((tmp_path / 'fed' / 'federation.json').read_text())
  assert [row['name'] for row in about['models']] == [
    'fedavg', 'central', 'site-1', 'site-2',
  ]  # fmt: skip
  assert about['sites'] == ['site-1', 'site-2']
  tested = {}
  for row in about['models']:
    # By the table that the run has, with another implementation of nothing but the definition.
    table = read(tmp_path / 'fed' / 'seed-0' / row['name'] / 'predictions' / 'test.csv')
    label = np.array([one['label'] == 'disease' for one in table]).astype(int)
    score = np.array([float(one['probability']) for one in table])
    site = np.array([one['site'] for one in table])
    tested[row['name']] = [one['id'] for one in table]

    def auroc(chosen, label=label, score=score):
      positive, negative = score[chosen & (label == 1)], score[chosen & (label == 0)]
      gaps = positive[:, None] - negative[None]
      return np.mean((gaps > 0) + 0.5 * (gaps == 0))

    assert row['all']['value'] == pytest.approx(auroc(label >= 0), abs=1e-6)
    for name, found in row['sites'].items():
      assert found['value'] == pytest.approx(auroc(site == name), abs=1e-6)
    known = [found['value'] for found in row['sites'].values()]
    assert (row['fairness']['lowest'], row['fairness']['highest']) == (min(known), max(known))
    assert f'{row["name"]}: test AUROC of all sites {row["all"]["value"]:.3f}' in out
  assert len({tuple(ids) for ids in tested.values()}) == 1  # all on the same cases
  row, central = about['models'][:2]
  gap = row['all']['value'] - central['all']['value']
  assert row['difference']['value'] == pytest.approx(gap, abs=1e-9)
  page = (tmp_path / 'fed' / 'federation.html').read_text()
  assert 'What left the sites' in page
  assert 'Every site took part in every round' in page
  # The federation is a run like any other.
  run = tmp_path / 'fed' / 'seed-0' / 'fedavg'
  assert (run / 'report.html').exists()
  (tmp_path / 'new.csv').write_text(
    'age,blood_pressure,cholesterol,max_heart_rate,shoe_size,sex,smoking,chest_pain,clinic\n'
    '50,120,200,150,40,female,never,none,north\n'
  )
  code, _, err = run_experiment(tabular_mlp, 'predict', 'new.csv', f'--workdir={run}')
  assert code == 0, err
  # The same command goes on with what is there; other flags are refused.
  code, out, err = run_experiment(tabular_mlp, *words)
  assert code == 0, err
  assert 'trained in' not in out
  code, _, err = run_experiment(tabular_mlp, *words, '--skew=3')
  assert code == 2
  assert 'error: --workdir=fed: holds a federation with other flags; choose another' in err


def test_seeds_and_sites_that_miss_rounds(run_experiment, tmp_path):
  code, _, err = run_experiment(
    tabular_mlp,
    'federate',
    *SMALL,
    '--strategy=fedprox,fedadam',
    '--seeds=3',
    '--absent=0.4',
    '--nobeside',
    '--workdir=fed',
  )
  assert code == 0, err
  about = json.loads((tmp_path / 'fed' / 'federation.json').read_text())
  row, other = about['models']
  assert (row['name'], other['name']) == ('fedprox', 'fedadam')
  values = [seed['value'] for seed in row['seeds']]
  assert len(values) == 3
  assert row['all']['value'] == pytest.approx(np.mean(values))
  half = 4.302652729911275 * np.std(values, ddof=1) / 3**0.5  # Student's t, two degrees of freedom
  assert row['all']['low'] == pytest.approx(np.mean(values) - half)
  left = [line for run in about['rounds']['fedprox'] for line in run['left_out']]
  assert left
  assert 'is left out: it took no part' in err
  page = (tmp_path / 'fed' / 'federation.html').read_text()
  assert 'it took no part' in page
  assert 'A site misses a round with probability 0.4' in page
  assert 'FedProx holds it near them (weight 0.01)' in page
  assert 'It is the gradient of an Adam at the server' in page


def test_sites_with_a_budget_say_what_each_spent(run_experiment, tmp_path):
  words = ('federate', '--sites=2', '--config.num_epochs=4', '--seeds=2', '--nobeside')
  budget = '--config.privacy.epsilon=3'
  code, out, err = run_experiment(breast_logistic, *words, budget, '--workdir=fed')
  assert code == 0, err
  assert 'privacy: epsilon 3.00 at delta' in out
  assert 'for each example of 397 that were trained on at 2 sites' in out
  folders = [tmp_path / 'fed' / f'seed-{seed}' / 'fedavg' for seed in range(2)]
  found = [json.loads((one / 'evaluation.json').read_text())['privacy'] for one in folders]
  for one in found:
    assert sum(site['units'] for site in one['sites'].values()) == one['units'] == 397
    assert all(site['updates'] == 4 for site in one['sites'].values())
    assert max(site['epsilon'] for site in one['sites'].values()) == one['epsilon']
  page = (folders[0] / 'report.html').read_text()
  assert 'Site site-1' in page
  assert 'that of the site which has spent most' in page
  # What was told of columns with noise was told once, to both seeds.
  details = [json.loads((one / 'data.json').read_text())['details'] for one in folders]
  assert details[0] == details[1]
  whole = (tmp_path / 'fed' / 'federation.html').read_text()
  assert 'tells of one training patient at most epsilon 3.00' in whole
  assert 'All 2 networks of this page were trained on the same patients' in whole
  # Another evaluation knows of the sites, and a repeated command draws nothing anew.
  code, _, err = run_experiment(breast_logistic, 'evaluate', '--again', f'--workdir={folders[0]}')
  assert code == 0, err
  assert json.loads((folders[0] / 'evaluation.json').read_text())['privacy'] == found[0]
  code, _, err = run_experiment(breast_logistic, *words, budget, '--workdir=fed')
  assert code == 0, err
  assert json.loads((folders[1] / 'evaluation.json').read_text())['privacy'] == found[1]


def test_private_tables_of_two_sources_are_described_once(run_experiment, tmp_path, monkeypatch):
  from medjax.privacy import columns

  for number, name in enumerate(('north', 'south')):
    random = np.random.default_rng(number)
    age = random.normal(50 + 10 * number, 10, 300)
    lines = [f'{name}-{i},{a:.2f},{int(a + random.normal(0, 5) > 55)}' for i, a in enumerate(age)]
    (tmp_path / f'{name}.csv').write_text('\n'.join(['id,age,ill', *lines]) + '\n')
  drawn, real = [], columns.located
  monkeypatch.setattr(columns, 'located', lambda *given: drawn.append(1) or real(*given))
  words = (
    'federate', '--sites=north.csv,south.csv', '--nobeside', '--config.num_epochs=2',
    '--config.batch_size=400', '--config.features=4', '--config.data.label_column=ill',
    '--config.privacy.epsilon=30', '--workdir=fed',
  )  # fmt: skip
  for seeds in (1, 2):  # the second command goes on with what the first one told
    code, _, err = run_experiment(tabular_mlp, *words, f'--seeds={seeds}')
    assert code == 0, err
    assert len(drawn) == 2
  found = [
    json.loads((tmp_path / 'fed' / f'seed-{seed}' / 'fedavg' / 'data.json').read_text())['details']
    for seed in range(2)
  ]
  assert found[0] == found[1]
  (age,) = found[0]['preprocessing']['columns']
  assert age['median'] == pytest.approx(age['mean'])  # and not the middle of a range far beyond
  assert 50 < age['mean'] < 60
  assert np.abs(found[0]['typical']).max() < 3


def test_numbers_are_divided_and_compared(run_experiment, tmp_path):
  code, out, err = run_experiment(
    diabetes_linear, 'federate', '--sites=2', '--config.num_epochs=3', '--workdir=fed'
  )
  assert code == 0, err
  about = json.loads((tmp_path / 'fed' / 'federation.json').read_text())
  assert about['models'][0]['difference']['value'] is not None
  assert 'fedavg: test ' in out


@pytest.mark.parametrize(
  ('words', 'message'),
  [
    (['--strategy=fedsgd'], '--strategy=fedsgd: expected one of fedavg, fedprox, fedadam'),
    (['--combine=sum'], '--combine=sum: expected one of mean, median, krum'),
    (['--absent=1'], '--absent=1: expected at least 0 and less than 1'),
    (['--clip=-1'], '--clip=-1: expected at least 0'),
    (['--sites=one.csv'], '--sites=one.csv: expected a number, or sources joined by commas'),
    (['--sites=200'], '--sites=200 --skew=0.5: no division gives every site cases of each class'),
    (['--skew=0'], '--skew=0: expected more than 0'),
  ],
)
def test_flags_that_are_not_possible_are_said_and_make_no_folder(
  run_experiment, tmp_path, words, message
):
  code, _, err = run_experiment(tabular_mlp, 'federate', *SMALL[:-1], *words, '--workdir=fed')
  assert code == 2
  assert err.splitlines()[-1].startswith(f'error: {message}')
  assert not (tmp_path / 'fed' / 'config.json').exists()


def test_proteins_of_any_length_train_together(run_experiment):
  code, _, err = run_experiment(
    protein_function,
    'federate',
    '--sites=2',
    '--nobeside',
    '--config.data.simulated=200',
    '--config.num_epochs=1',
    '--workdir=fed',
  )
  assert code == 0, err


def test_an_app_for_real_sites(run_experiment, tmp_path):
  words = ('federate', '--app=app', '--workdir=/srv/run', '--strategy=fedadam', '--fewest=3')
  code, out, err = run_experiment(tabular_mlp, *words, '--config.num_epochs=7')
  assert code == 0, err
  assert 'start it with: flwr run app SERVER' in out
  text = (tmp_path / 'app' / 'pyproject.toml').read_text()
  for line in ('workdir = "/srv/run"', 'fewest = 3', 'strategy = "fedadam"', 'num_epochs = "7"'):
    assert line in text
  assert sorted(path.name for path in tmp_path.iterdir()) == ['app']
  text = (tmp_path / 'app' / 'federation.py').read_text()
  assert 'client.app(experiment.Config(), experiment.build)' in text
  code, _, err = run_experiment(chest_xray, 'federate', '--app=other')
  assert code == 0, err
  text = (tmp_path / 'other' / 'federation.py').read_text()
  assert 'import experiments.chest_xray as experiment' in text
  assert 'server.app(experiment.config(), experiment.build)' in text


@pytest.mark.parametrize(
  ('words', 'message'),
  [
    (('--app=app', '--sites=4'), '--sites: is of simulated sites; with --app they are real'),
    (('--app=app', '--beside=false'), '--beside: is of simulated sites'),
    (('--app=app', '--strategy=fedavg,fedprox'), '--strategy=fedavg,fedprox: expected one'),
    (('--app=app', '--round_seconds=0'), '--round_seconds=0: expected more than 0'),
    (('--fewest=3',), '--fewest: is of real sites; expected --app=FOLDER beside it'),
  ],
)
def test_flags_of_simulated_and_of_real_sites_are_told_apart(run_experiment, words, message):
  code, _, err = run_experiment(tabular_mlp, 'federate', *words)
  assert code == 2
  assert message in err
