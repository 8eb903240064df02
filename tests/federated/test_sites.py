"""Patients of one experiment divided among sites, and sites with sources of their own."""

import dataclasses

import numpy as np
import pytest

from experiments import diabetes_linear, tabular_mlp
from medjax.data import agreement
from medjax.data.modality import Modality
from medjax.errors import UserError
from medjax.federated import sites


@pytest.fixture(scope='module')
def experiment():
  config = tabular_mlp.Config()
  config.data.simulated_rows = 400
  return tabular_mlp.build(config)


def test_patients_are_divided_and_none_is_lost(experiment):
  found = sites.divide(experiment, 4, 0.5, 0)
  for name, whole in experiment.data.splits.items():
    parts = [site.experiment.data.splits[name] for site in found]
    assert sorted(np.concatenate([part.id for part in parts]).tolist()) == sorted(whole.id.tolist())
    groups = [set(part.group.tolist()) for part in parts]
    assert sum(map(len, groups)) == len(set().union(*groups))
    for part in parts:
      assert set(np.unique(part.label).tolist()) == {0, 1}
      row = part.read([0])
      number = whole.id.tolist().index(part.id[0])
      np.testing.assert_array_equal(row['values'], whole.read([number])['values'])
  fingerprints = {site.experiment.data.fingerprint for site in found}
  assert len(fingerprints | {experiment.data.fingerprint}) == 5
  # Sites differ in labels; with a large concentration they hardly do.
  shares = [site.experiment.data.splits['train'].label.mean() for site in found]
  even = sites.divide(experiment, 4, 1e4, 0)
  alike = [site.experiment.data.splits['train'].label.mean() for site in even]
  assert np.ptp(shares) > 0.2 > 0.1 > np.ptp(alike)
  again = sites.divide(experiment, 4, 0.5, 0)
  assert [s.experiment.data.fingerprint for s in again] == [
    s.experiment.data.fingerprint for s in found
  ]
  other = sites.divide(experiment, 4, 0.5, 1)
  assert other[0].experiment.data.fingerprint != found[0].experiment.data.fingerprint


def test_images_of_a_patient_stay_together(make_experiment):
  experiment = make_experiment(count=60)
  splits = {
    name: dataclasses.replace(one, group=np.array([f'{name}-{i // 4}' for i in range(len(one))]))
    for name, one in experiment.data.splits.items()
  }
  data = dataclasses.replace(experiment.data, splits=splits)
  found = sites.divide(dataclasses.replace(experiment, data=data), 2, 1.0, 0)
  one, other = (set(s.experiment.data.splits['train'].group.tolist()) for s in found)
  assert not one & other
  assert len(one | other) == 15


@pytest.mark.parametrize(
  ('count', 'skew', 'message'),
  [
    (1, 0.5, '--sites=1: expected at least 2'),
    (3, 0.0, '--skew=0: expected more than 0'),
    (40, 0.5, r'--sites=40 --skew=0.5: no division gives every site cases of each class'),
  ],
)
def test_a_division_that_is_not_possible_is_said(experiment, count, skew, message):
  with pytest.raises(UserError, match=message):
    sites.divide(experiment, count, skew, 0)


def test_labels_that_are_numbers_are_divided_by_thirds(make_experiment):
  experiment = make_experiment(count=90)
  splits = {
    name: dataclasses.replace(one, label=np.linspace(0, 1, len(one), dtype=np.float32))
    for name, one in experiment.data.splits.items()
  }
  data = dataclasses.replace(experiment.data, splits=splits, classes=())
  found = sites.divide(dataclasses.replace(experiment, data=data), 2, 0.5, 3)
  means = [site.experiment.data.splits['train'].label.mean() for site in found]
  assert abs(means[0] - means[1]) > 0.05


def test_a_line_for_each_site(experiment):
  line = sites.told(sites.divide(experiment, 2, 0.5, 0))[0]
  assert line.startswith('site-1: ')
  assert ' training cases of ' in line
  assert '(healthy ' in line


def test_sources_of_sites_are_joined(make_experiment):
  def build(config):
    if config.data.source == 'other':
      base = make_experiment()
      return dataclasses.replace(
        base, data=dataclasses.replace(base.data, classes=('dark', 'light'))
      )
    count = {'a': 50, 'b': 30}[config.data.source]
    return make_experiment(count=count)

  config = tabular_mlp.Config()
  found, notes = sites.of_sources(config, build, ['a', 'b'])
  assert notes == []
  everyone = sites.pooled(found)
  train = everyone.data.splits['train']
  assert len(train) == 80
  assert len(set(train.id.tolist())) == 80  # of the same names, told apart by their site
  assert train.metadata['site'] == ['site-1'] * 50 + ['site-2'] * 30
  expected = found[1].experiment.data.splits['train'].read([3])
  got = train.read([53])
  np.testing.assert_array_equal(got['image'], expected['image'])
  np.testing.assert_array_equal(got['label'], expected['label'])
  with pytest.raises(UserError, match='classes of other are dark, light; those of a dark, bright'):
    sites.of_sources(config, build, ['a', 'other'])
  with pytest.raises(UserError, match='a source stands twice'):
    sites.of_sources(config, build, ['a', 'a'])


def write(path, ages, extra=None):
  rows = [f'{age:.1f},{"abc"[i % 3]},{i % 2}' for i, age in enumerate(ages)]
  path.write_text('age,ward,label\n' + '\n'.join(rows) + '\n')
  return str(path)


def test_means_are_agreed_on_without_rows(tmp_path):
  config = tabular_mlp.Config()
  random = np.random.default_rng(0)
  ages = [random.normal(40, 5, 90), random.normal(70, 8, 60)]
  sources = [write(tmp_path / f'{i}.csv', some) for i, some in enumerate(ages)]
  found, notes = sites.of_sources(config, tabular_mlp.build, sources)
  assert notes == []
  one, other = (site.experiment.data for site in found)
  assert one.details == other.details
  column = one.modality.preprocessing.columns[0]
  # As if all training rows had been in one place.
  trained = np.concatenate(
    [[float(cell) for cell in data.splits['train'].metadata['age']] for data in (one, other)]
  )
  assert column.mean == pytest.approx(trained.mean())
  assert column.scale == pytest.approx(trained.std())
  assert column.median == pytest.approx(np.median(trained), abs=1.5)
  values = np.concatenate(
    [
      data.splits['train'].read(np.arange(len(data.splits['train'])))['values'][:, 0]
      for data in (one, other)
    ]
  )
  assert values.mean() == pytest.approx(0, abs=1e-5)
  assert values.std() == pytest.approx(1, abs=1e-5)
  # The smallest and the largest are those of single patients, and stay.
  told = str(one.details)
  assert not any(f'{edge:.1f}' in told for some in ages for edge in (some.min(), some.max()))


def test_what_sites_tell_gives_what_their_details_give():
  parts = []
  for seed in (0, 1):  # as of two sites whose labels are numbers
    config = diabetes_linear.Config()
    config.data.seed = seed
    parts.append(diabetes_linear.build(config).data)
  kind, cases, names = type(parts[0].modality), [1, 1], ['a', 'b']
  told = [kind.told(part.details) for part in parts]
  assert 'typical' not in told[0]
  found, _ = kind.agreed(told, cases, names)
  expected, _ = kind.agreed([part.details for part in parts], cases, names)
  assert agreement.settled(parts[1].details, found) == expected


def test_a_column_of_numbers_and_of_texts_is_refused(tmp_path):
  config = tabular_mlp.Config()
  ages = np.linspace(30, 80, 60)
  first = write(tmp_path / 'a.csv', ages)
  second = tmp_path / 'b.csv'
  second.write_text(
    'age,ward,label\n'
    + '\n'.join(f'{"old" if i % 3 else "young"},{i * 37 % 60 / 7:.2f},{i % 2}' for i in range(60))
  )
  with pytest.raises(
    UserError, match=r"column 'age' holds texts at .*b.csv and numbers at .*a.csv"
  ):
    sites.of_sources(config, tabular_mlp.build, [first, str(second)])


def test_what_one_kind_of_data_cannot_agree_on_is_said():
  class Other(Modality):
    inputs = open = None

  with pytest.raises(UserError, match='--sites: rate, which is fitted to training cases, differs'):
    Other.agreed([{'rate': 1}, {'rate': 1}, {'rate': 2}], [1, 1, 1], ['a', 'b', 'c'])
  found, _ = Other.agreed(
    [{'label_mean': 0.0, 'label_scale': 1.0}, {'label_mean': 4.0, 'label_scale': 3.0}],
    [30, 10],
    ['a', 'b'],
  )
  assert found['label_mean'] == 1.0
  assert found['label_scale'] == pytest.approx((0.75 * (1 + 1) + 0.25 * (9 + 9)) ** 0.5)
