"""Simple models of every kind of data and label, against the same built by hand in scikit-learn."""

import dataclasses

import numpy as np
import pytest
from beside import arrays, beside, experiment_of, linear, relabelled
from sklearn.decomposition import PCA
from sklearn.ensemble import (
  HistGradientBoostingClassifier,
  HistGradientBoostingRegressor,
  RandomForestClassifier,
  RandomForestRegressor,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from medjax import evaluation, tasks
from medjax.data import molecules, residues, sequences, signals, tabular
from medjax.data.sequences.alphabet import DNA, PROTEIN
from medjax.data.simulate import assay, chains, clinic, cohort, heartbeat, motifs
from medjax.workdir import Workdir


def test_images(make_experiment, tmp_path):
  experiment = make_experiment()
  about, tables, decision = beside(experiment, tmp_path)
  (model,) = about['models']
  assert (model['name'], about['cases']) == ('PCA and logistic regression', 50)
  assert about['problem'] == model['problem'] == ''
  train, label = arrays(experiment.data, 'image', 'train')
  test, expected = arrays(experiment.data, 'image', 'test')
  flat = [part.reshape(len(part), -1) / 255 for part in (train, test)]
  hand = make_pipeline(PCA(50), linear()).fit(flat[0], label)
  probability = hand.predict_proba(flat[1])[:, 1]
  assert model['metrics']['auroc']['value'] == roc_auc_score(expected, probability)
  # Compared by the same paired tests, each called at a threshold of validation.
  outcome = experiment.task.outcome
  written = outcome.read_table(Workdir(tmp_path).baseline_predictions('linear', 'test'))
  np.testing.assert_allclose(written.probability, probability, atol=1e-3)
  test_table = tables['test']
  calls = [(t.probability >= float(d)).astype(int) for t, d in (
    (test_table, decision.threshold.value), (written, model['metrics']['threshold']['value']),
  )]  # fmt: skip
  compared = evaluation.compare(test_table, written, tuple(calls))
  assert model['differences'] == {name: one.to_json() for name, one in compared.items()}
  assert set(compared) > {'auroc', 'accuracy', 'sensitivity'}


def test_tables_of_classes(tmp_path):
  data = tabular.load(tabular.Config(simulated_rows=300), simulator=clinic.simulate)
  about, _, _ = beside(experiment_of(data, tasks.classification(data.classes)), tmp_path)
  train, label = arrays(data, 'values', 'train')
  test, expected = arrays(data, 'values', 'test')
  boosted = HistGradientBoostingClassifier(max_iter=50, early_stopping=False, random_state=0)
  assert [model['name'] for model in about['models']] == [
    'logistic regression', 'gradient boosting',
  ]  # fmt: skip
  for model, hand in zip(about['models'], (linear(), boosted), strict=True):
    probability = hand.fit(train, label).predict_proba(test)[:, 1]
    assert model['metrics']['auroc']['value'] == pytest.approx(
      roc_auc_score(expected, probability), abs=1e-9
    )


@pytest.mark.parametrize('number', [False, True])
def test_molecules(tmp_path, number):
  pytest.importorskip('rdkit')
  rows = [
    {**row, 'label': f'{len(row["smiles"]) / 7:.3f}' if number else row['label']}
    for row in assay.simulate(0, 80)
  ]
  settings = molecules.Config(simulated_molecules=80, bits=64)
  data = molecules.load(settings, simulator=lambda seed, count: rows)
  task = tasks.Regression() if number else tasks.classification(data.classes)
  about, _, _ = beside(experiment_of(data, task), tmp_path)
  train, label = arrays(data, 'counts', 'train')
  test, expected = arrays(data, 'counts', 'test')
  made = RandomForestRegressor if number else RandomForestClassifier
  hand = made(100, max_features='sqrt', random_state=0).fit(train, label)
  names = [model['name'] for model in about['models']]
  assert names[:2] == ['gradient boosting', 'random forest']
  metrics = about['models'][1]['metrics']
  if number:
    assert metrics['r2']['value'] == pytest.approx(r2_score(expected, hand.predict(test)), 1e-6)
  else:
    area = roc_auc_score(expected, hand.predict_proba(test)[:, 1])
    assert metrics['auroc']['value'] == pytest.approx(area, abs=1e-9)


def test_tables_of_numbers(tmp_path):
  data = tabular.load(tabular.Config(source='sklearn:diabetes', labels='numbers'))
  about, tables, _ = beside(experiment_of(data, tasks.Regression()), tmp_path)
  train, label = arrays(data, 'values', 'train')
  test, expected = arrays(data, 'values', 'test')
  boosted = HistGradientBoostingRegressor(max_iter=50, early_stopping=False, random_state=0)
  for model, hand in zip(about['models'], (Ridge(), boosted), strict=True):
    predicted = hand.fit(train, label).predict(test)
    assert model['metrics']['r2']['value'] == pytest.approx(r2_score(expected, predicted), 1e-5)
    gap = r2_score(expected, tables['test'].prediction) - r2_score(expected, predicted)
    assert model['differences']['r2']['value'] == pytest.approx(gap, 1e-5)
    assert model['differences']['r2']['high'] < 0  # the network predicts at random
    assert model['differences']['r2']['p_value'] < 0.01


@pytest.mark.parametrize('both', [False, True])
def test_sequences(tmp_path, both):
  data = sequences.load(
    sequences.Config(simulated=200, both_strands=both),
    simulator=motifs.simulate,
    classes=('background', 'element'),
  )
  about, _, _ = beside(experiment_of(data, tasks.Binary()), tmp_path)
  (model,) = about['models']
  assert ('on both strands' in model['features']) == both

  def counted(split):
    tokens, label = arrays(data, 'tokens', split)
    words = CountVectorizer(analyzer='char', ngram_range=(1, 3), lowercase=False)
    words.fit(['ACGTACAGATCCTCGGCTTGAACACCAAACATGCGTAGGGTTTA', *map(DNA.decode, tokens)])
    found = words.transform([DNA.decode(row) for row in tokens]).toarray()
    if both:
      other = [DNA.decode(DNA.reverse_complement(row)) for row in tokens]
      found = found + words.transform(other).toarray()
    return dict(zip(words.get_feature_names_out(), found.T, strict=True)), label

  train, label = counted('train')
  test, expected = counted('test')
  names = sorted(set(train) & set(test))
  stacked = [np.stack([part[name] for name in names], axis=1) for part in (train, test)]
  hand = make_pipeline(StandardScaler(), linear()).fit(stacked[0], label)
  probability = hand.predict_proba(stacked[1])[:, 1]
  auroc = roc_auc_score(expected, probability)
  assert model['metrics']['auroc']['value'] == pytest.approx(auroc, abs=0.003)


def test_variants_are_told_by_their_letters(tmp_path):
  random = np.random.default_rng(0)
  letters = random.choice(list('ACDEFGHIK'), (200, 3))
  fitness = (letters[:, 0] == 'A') + 0.5 * (letters[:, 2] == 'K') + random.normal(0, 0.1, 200)
  rows = [f'MK{a}LL{b}V{c}W,{value:.4f}' for (a, b, c), value in zip(letters, fitness, strict=True)]
  source = tmp_path / 'variants.csv'
  source.write_text('\n'.join(['sequence,label', *rows]))
  data = sequences.load(
    sequences.Config(source=str(source), labels='numbers', varying=True, similar='identical',
                     alphabet='protein')
  )  # fmt: skip
  about, _, _ = beside(experiment_of(data, tasks.Regression()), tmp_path / 'run')
  (model,) = about['models']
  train, label = arrays(data, 'tokens', 'train')
  test, expected = arrays(data, 'tokens', 'test')
  hand = make_pipeline(OneHotEncoder(sparse_output=False, handle_unknown='ignore'), Ridge())
  r2 = r2_score(expected, hand.fit(train, label).predict(test))
  assert model['metrics']['r2']['value'] == pytest.approx(r2, abs=1e-4)
  assert r2 > 0.7


def test_signals(tmp_path):
  data = signals.load(
    signals.Config(simulated=240), simulator=heartbeat.simulate, classes=heartbeat.CLASSES
  )
  about, _, _ = beside(experiment_of(data, tasks.classification(data.classes)), tmp_path)
  (model,) = about['models']
  train, label = arrays(data, 'signal', 'train')
  test, expected = arrays(data, 'signal', 'test')
  hand = KNeighborsClassifier(5, weights='distance').fit(train.reshape(len(train), -1), label)
  probability = hand.predict_proba(test.reshape(len(test), -1))
  for number, name in enumerate(data.classes):
    auroc = roc_auc_score(expected == number, probability[:, number])
    assert model['metrics'][f'auroc_{name}']['value'] == pytest.approx(auroc)
  assert model['differences']['auroc']['high'] < 0


def test_long_signals_are_shortened_by_means():
  modality = signals.Signals({'form': 'table'}, 600)
  signal = np.random.default_rng(0).normal(size=(2, 600, 1)).astype(np.float32)
  found = modality.simple_features({'signal': signal})
  assert found.shape == (2, 256)
  np.testing.assert_allclose(found[0, :2], [signal[0, :2].mean(), signal[0, 2:4].mean()], 1e-6)
  np.testing.assert_allclose(found[1, -1], signal[1, 255 * 600 // 256 :].mean(), 1e-6)


def test_residues(tmp_path):
  data = residues.load(residues.Config(simulated=60), simulator=chains.simulate)
  experiment = experiment_of(data, tasks.PerPosition(len(data.classes)))

  def uniform(split):
    return np.full((*split.label.shape, len(data.classes)), 1 / len(data.classes))

  about, tables, _ = beside(experiment, tmp_path, uniform)
  (model,) = about['models']
  assert model['problem'] == ''
  windows = {}
  for name in ('train', 'test'):
    tokens, label = arrays(data, 'tokens', name)
    rows, states = [], []
    for row, truth in zip(tokens, label, strict=True):
      text = '-' * 7 + ''.join(PROTEIN.tokens[token] for token in row) + '-' * 7
      for place in np.flatnonzero(truth >= 0):
        rows.append(list(text[place : place + 15]))
        states.append(truth[place])
    windows[name] = (np.array(rows), np.array(states))
  hand = make_pipeline(OneHotEncoder(handle_unknown='ignore'), linear()).fit(*windows['train'])
  q3 = (hand.predict(windows['test'][0]) == windows['test'][1]).mean()
  assert model['metrics']['q3']['value'] == pytest.approx(q3, abs=0.005)
  network = evaluation.position_metrics(tables['test'])['q3'].value
  assert model['differences']['q3']['value'] == pytest.approx(
    network - model['metrics']['q3']['value']
  )


@pytest.mark.parametrize('discrete', [False, True])
def test_survival_is_cox_regression(tmp_path, discrete):
  from sksurv.linear_model import CoxPHSurvivalAnalysis
  from sksurv.metrics import concordance_index_censored
  from sksurv.util import Surv

  data = tabular.load(
    tabular.SurvivalConfig(simulated_rows=300), simulator=cohort.simulate, reference=True
  )
  horizons = tuple(data.details['horizons'])
  task = tasks.Cox(horizons)
  if discrete:
    task = tasks.DiscreteTime((200.0, 400.0, 800.0), (200.0, 400.0))
  random = np.random.default_rng(0)

  def at_random(split):
    risk = random.normal(size=(len(split), 1))
    falling = np.sort(random.uniform(size=(len(split), 3)), axis=1)[:, ::-1]
    return np.concatenate([risk, falling], axis=1) if discrete else risk[:, 0]

  about, _, _ = beside(experiment_of(data, task), tmp_path, at_random)
  (model,) = about['models']  # boosting is not offered
  assert (model['name'], model['problem']) == ('Cox regression', '')
  train, label = arrays(data, 'values', 'train')
  test, truth = arrays(data, 'values', 'test')
  hand = CoxPHSurvivalAnalysis(alpha=1.0, ties='efron')
  hand.fit(train, Surv.from_arrays(label['event'], label['time']))
  c = concordance_index_censored(truth['event'], truth['time'], hand.predict(test))[0]
  assert model['metrics']['concordance']['value'] == pytest.approx(c, abs=1e-6)
  assert model['differences']['concordance']['value'] < 0
  assert any(name.startswith('brier_at') for name in model['metrics'])


def test_several_classes_of_which_some_are_not_known(make_experiment, tmp_path):
  data = make_experiment().data
  by_split = {}
  for name, split in data.splits.items():
    label = np.stack([split.label, np.arange(len(split)) % 3 == 0], axis=1).astype(np.float32)
    label[::5, 1] = np.nan
    by_split[name] = dataclasses.replace(split, label=label)
  data = dataclasses.replace(data, splits=by_split)
  about, _, _ = beside(experiment_of(data, tasks.Multilabel(2)), tmp_path)
  (model,) = about['models']
  assert model['name'] == 'PCA and logistic regression of each class'
  train, label = arrays(data, 'image', 'train')
  test, truth = arrays(data, 'image', 'test')
  for number, name in enumerate(data.classes):
    known, tested = ~np.isnan(label[:, number]), ~np.isnan(truth[:, number])
    flat = [part.reshape(len(part), -1) / 255 for part in (train[known], test[tested])]
    count = min(50, len(flat[0]))
    hand = make_pipeline(PCA(count), linear()).fit(flat[0], label[known, number])
    auroc = roc_auc_score(truth[tested, number], hand.predict_proba(flat[1])[:, 1])
    assert model['metrics'][f'auroc_{name}']['value'] == pytest.approx(auroc)


def test_numbers_that_are_not_known_are_left_out(make_experiment, tmp_path):
  data = make_experiment().data
  for name, split in data.splits.items():
    label = split.label + np.random.default_rng(0).normal(0, 0.1, len(split))
    label[::7] = np.nan
    data = relabelled(data, name, label.astype(np.float32))
  about, _, _ = beside(experiment_of(data, tasks.Regression()), tmp_path)
  train, label = arrays(data, 'image', 'train')
  test, truth = arrays(data, 'image', 'test')
  known, tested = ~np.isnan(label), ~np.isnan(truth)
  flat = [part.reshape(len(part), -1) / 255 for part in (train[known], test[tested])]
  hand = make_pipeline(PCA(len(flat[0])), Ridge()).fit(flat[0], label[known])
  r2 = r2_score(truth[tested], hand.predict(flat[1]))
  assert about['models'][0]['metrics']['r2']['value'] == pytest.approx(r2, abs=1e-5)
