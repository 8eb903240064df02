"""Patients of one experiment divided among sites, and sites with sources of their own."""

import dataclasses

import numpy as np
import pytest

from experiments import tabular_mlp
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
  found = sites.of_sources(config, build, ['a', 'b'])
  everyone = sites.pooled(found)
  train = everyone.data.splits['train']
  assert len(train) == 80
  assert len(set(train.id.tolist())) == 80  # of the same names, told apart by their site
  assert train.metadata['site'] == ['site-1'] * 50 + ['site-2'] * 30
  expected = found[1].experiment.data.splits['train'].read([3])
  got = train.read([53])
  np.testing.assert_array_equal(got['image'], expected['image'])
  np.testing.assert_array_equal(got['label'], expected['label'])
  with pytest.raises(UserError, match='classes of other are dark, light; those of the first site'):
    sites.of_sources(config, build, ['a', 'other'])
  with pytest.raises(UserError, match='a source stands twice'):
    sites.of_sources(config, build, ['a', 'a'])


def test_statistics_that_differ_are_not_averaged_in_silence(tmp_path):
  config = tabular_mlp.Config()
  random = np.random.default_rng(0)
  for name, shift in (('a.csv', 0), ('b.csv', 20)):
    rows = [f'{40 + shift + random.normal(0, 5):.1f},{i % 2}' for i in range(60)]
    (tmp_path / name).write_text('age,label\n' + '\n'.join(rows) + '\n')
  sources = [str(tmp_path / name) for name in ('a.csv', 'b.csv')]
  with pytest.raises(UserError, match='preprocessing, which is fitted to training cases, differs'):
    sites.of_sources(config, tabular_mlp.build, sources)
