"""The experiments on tables, from the command line, against scikit-learn and statsmodels."""

import csv
import json
import pathlib

import numpy as np
import pytest
import sklearn.metrics
from sklearn import datasets
from sklearn.linear_model import LinearRegression, LogisticRegression

from experiments import breast_logistic, diabetes_linear, tabular_mlp
from medjax.data.simulate import clinic


@pytest.fixture
def command(run_experiment):
  """Runs an experiment's command line in this process; see ``run_experiment``."""
  return run_experiment


def _table(path):
  with open(path, newline='') as file:
    return {row['name']: row for row in csv.DictReader(file)}


def _training(folder, found, label):
  """Which rows of the data set a run trained on, and their standardised columns."""
  held = set()
  for split in ('val', 'test'):
    with open(folder / 'predictions' / f'{split}.csv', newline='') as file:
      held |= {int(row['id'].removeprefix('row-')) - 2 for row in csv.DictReader(file)}
  rows = np.array([i for i in range(len(label)) if i not in held])
  x = found.data[rows]
  return (x - x.mean(axis=0)) / x.std(axis=0), label[rows]


def test_breast_logistic_has_scikit_learns_coefficients(command, tmp_path):
  code, out, err = command(breast_logistic, '--workdir=run')
  assert code == 0, err
  assert 'logistic regression, training rows' in out
  assert 'fitted with a penalty' in out
  found = datasets.load_breast_cancer()
  malignant = (found.target == 0).astype(int)
  x, y = _training(tmp_path / 'run', found, malignant)
  expected = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(x, y)
  table = _table('run/coefficients.csv')
  for name, value in zip(found.feature_names, expected.coef_[0], strict=True):
    assert float(table[name]['estimate']) == pytest.approx(value, abs=1e-4)
    assert not table[name]['standard_error']
  assert float(table['(intercept)']['estimate']) == pytest.approx(expected.intercept_[0], abs=1e-4)
  page = (tmp_path / 'run' / 'report.html').read_text()
  assert 'Coefficients' in page
  assert 'worst concave points' in page


def test_without_a_penalty_separation_is_said_instead_of_huge_coefficients(command, tmp_path):
  code, out, _ = command(breast_logistic, '--workdir=run', '--config.c=0')
  assert code == 0
  assert 'the classes can be separated completely by' in out
  assert not (tmp_path / 'run' / 'coefficients.csv').exists()
  assert 'can be separated completely' in (tmp_path / 'run' / 'report.html').read_text()


def test_diabetes_linear_is_least_squares(command, tmp_path):
  code, _, err = command(diabetes_linear, '--workdir=run')
  assert code == 0, err
  found = datasets.load_diabetes(scaled=False)
  x, y = _training(tmp_path / 'run', found, found.target)
  expected = LinearRegression().fit(x, y)
  table = _table('run/coefficients.csv')
  for name, value in zip(found.feature_names, expected.coef_, strict=True):
    assert float(table[name]['estimate']) == pytest.approx(value, abs=1e-4 * y.std())
    assert float(table[name]['low']) < value < float(table[name]['high'])
  with open('run/predictions/test.csv', newline='') as file:
    rows = list(csv.DictReader(file))
  label, prediction = (np.array([float(r[k]) for r in rows]) for k in ('label', 'prediction'))
  found = json.loads((tmp_path / 'run' / 'evaluation.json').read_text())['test']
  assert found['r2']['value'] == pytest.approx(sklearn.metrics.r2_score(label, prediction))
  assert 0.75 < found['coverage']['value'] <= 1


def test_crossval_runs_every_fold_and_shows_the_mean(command, tmp_path):
  code, out, err = command(
    diabetes_linear, 'crossval', '--config.data.folds=3', '--config.num_epochs=40', '--workdir=cv'
  )
  assert code == 0, err
  assert '3 runs' in out
  found = json.loads((tmp_path / 'cv' / 'crossval.json').read_text())['test']
  values = [
    json.loads((tmp_path / 'cv' / f'repeat-0-fold-{k}' / 'evaluation.json').read_text())['test'][
      'r2'
    ]['value']
    for k in range(3)
  ]
  assert found['r2']['runs'] == values
  assert found['r2']['value'] == pytest.approx(np.mean(values))
  splits = [
    json.loads((tmp_path / 'cv' / f'repeat-0-fold-{k}' / 'data.json').read_text())['splits']
    for k in range(3)
  ]
  tested, trained = (sum(of[name]['examples'] for of in splits) for name in ('test', 'train'))
  # t with 2 degrees of freedom, and Nadeau and Bengio's variance.
  half = 4.302652729911275 * np.std(values, ddof=1) * np.sqrt(1 / 3 + tested / trained)
  assert found['r2']['high'] == pytest.approx(np.mean(values) + half)
  tested = []
  for k in range(3):
    with open(f'cv/repeat-0-fold-{k}/predictions/test.csv', newline='') as file:
      tested += [row['id'] for row in csv.DictReader(file)]
  assert len(tested) == len(set(tested)) == 442


SMALL = ('--config.num_epochs=6', '--config.features=16', '--config.data.simulated_rows=400')


def test_tabular_mlp_predicts_new_rows_of_a_file(command, tmp_path):
  code, _, err = command(tabular_mlp, *SMALL, '--workdir=run')
  assert code == 0, err
  assert 'SIMULATED' in (tmp_path / 'run' / 'report.html').read_text()
  rows = clinic.simulate(9, 30)
  rows[3]['age'] = 'old'
  rows[4]['clinic'] = 'east'
  with open('new.csv', 'w', newline='', encoding='utf-8-sig') as file:
    writer = csv.DictWriter(file, [c for c in rows[0] if c != 'label'], extrasaction='ignore')
    writer.writeheader()
    writer.writerows(rows)
  code, out, err = command(tabular_mlp, 'predict', 'new.csv', '--workdir=run', '--output=out.csv')
  assert code == 0, err
  assert '29 predicted, 1 could not be read' in out
  with open('out.csv', newline='') as file:
    found = list(csv.DictReader(file))
  assert found[3]['error'] == "age is 'old'; expected a number"
  assert {row['call'] for row in found if not row['error']} <= {'healthy', 'disease'}
  for method in ('', 'integrated_gradients', 'kernel_shap', 'lime'):
    arguments = ['explain', 'new.csv', f'--method={method}', f'--output=by-{method}']
    code, out, err = command(tabular_mlp, *arguments, '--workdir=run')
    assert code == 0, err
    assert '29 explained by' in out
    with open(f'by-{method}/explanations.csv', newline='') as file:
      explained = list(csv.DictReader(file))
    assert [row['call'] for row in explained] == [row['call'] for row in found]
    parts = [float(row['adds_age']) for row in explained if not row['error']]
    assert np.std(parts) > 0
    if method == 'integrated_gradients':  # parts add up
      assert all(abs(float(r['completeness_gap'])) < 0.05 for r in explained if not r['error'])
    arrays = np.load(explained[0]['array'])
    assert arrays.shape == (sum(name.startswith('adds_') for name in explained[0]),)
    assert '<svg' in pathlib.Path(explained[0]['picture']).read_text()
  for arguments, message in (
    (['explain', '--grade'], 'explain --grade: there is no input of rows that says nothing'),
    (['explain', 'new.csv', '--method=grad_cam'], 'expected one of integrated_gradients, kernel'),
    (['explain', 'none.csv', '--output=none'], ''),
    (['predict', 'new.csv', '--variants=new.csv'], '--variants: changes sequences, and these data'),
    (['motifs'], 'motifs: reads networks on sequences, and these data are rows'),
    (['--preview', *SMALL], 'shows images, and these data are rows'),
  ):
    code, _, err = command(tabular_mlp, *arguments, '--workdir=run')
    assert (code, message in err) == (2 if message else 0, True), (arguments, err)
  page = (tmp_path / 'run' / 'report.html').read_text()
  assert 'what each column adds to the logit' in page


def test_tabular_mlp_regresses_numbers(command, tmp_path):
  random = np.random.default_rng(0)
  x = random.normal(size=(300, 2))
  lines = ['a;b;outcome', *(f'{p:.4f};{q:.4f};{50 + 9 * p - 4 * q:.3f}' for p, q in x)]
  (tmp_path / 'table.csv').write_text('\n'.join(lines))
  source = ('--config.data.source=table.csv', '--config.data.label_column=outcome')
  code, _, err = command(tabular_mlp, *source, '--config.num_epochs=30', '--workdir=run')
  assert code == 0, err
  found = json.loads((tmp_path / 'run' / 'evaluation.json').read_text())['test']
  assert found['r2']['value'] > 0.9
  code, _, err = command(tabular_mlp, 'predict', 'table.csv', '--workdir=run', '--output=out.csv')
  assert code == 0, err
  with open('out.csv', newline='') as file:
    rows = list(csv.DictReader(file))
  assert len(rows) == 300
  width = float(rows[0]['high']) - float(rows[0]['prediction'])
  assert width == pytest.approx(found['half_width']['value'])
  # Of numbers it is the number that is explained, in its unit: 9 a and -4 b, from their means.
  code, _, err = command(tabular_mlp, 'explain', 'table.csv', '--workdir=run', '--output=why')
  assert code == 0, err
  with open('why/explanations.csv', newline='') as file:
    why = list(csv.DictReader(file))
  shown = [float(row['prediction']) for row in why]
  np.testing.assert_allclose(shown, [float(row['prediction']) for row in rows], rtol=1e-5)
  adds = np.array([[float(row['adds_a']), float(row['adds_b'])] for row in why])
  slopes = [np.polyfit(x[:, i], adds[:, i], 1)[0] for i in range(2)]
  np.testing.assert_allclose(slopes, [9, -4], rtol=0.2)


def test_the_clinics_labels_follow_its_risks():
  risk = clinic.risks(0, 4000)
  label = np.array([row['label'] == 'disease' for row in clinic.simulate(0, 4000)])
  for low in (0.0, 0.2, 0.4, 0.6):
    part = (risk >= low) & (risk < low + 0.2)
    assert label[part].mean() == pytest.approx(risk[part].mean(), abs=0.06)
  assert clinic.simulate(0, 3) == clinic.simulate(0, 9)[:3]


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    (['--config.data.source=none.csv'], 'none.csv: no such file; expected a CSV file'),
    (['--config.data.label_column=x'], "no column 'x'"),
    (['crossval', '--config.data.folds=1', *SMALL], 'config.data.fold'),
  ],
)
def test_mistakes_are_one_line(command, arguments, message):
  code, _, err = command(tabular_mlp, *arguments, '--workdir=run')
  last = err.strip().splitlines()[-1]
  assert (code, last.startswith('error: ')) == (2, True), err
  if 'crossval' not in arguments:
    assert message in last
