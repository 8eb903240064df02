"""Splits: by group, stratified, seeded; leaks found."""

import collections
import dataclasses

import numpy as np
import pytest

from medjax.data import split
from medjax.errors import UserError


@pytest.fixture(scope='module')
def cohort():
  """600 images of 200 patients, a quarter of the patients ill."""
  rng = np.random.default_rng(0)
  groups = [f'p{i}' for i in rng.integers(0, 200, 600)]
  return ['ill' if int(g[1:]) % 4 == 0 else 'well' for g in groups], groups


def test_no_group_is_in_two_splits_and_shares_are_near(cohort):
  labels, groups = cohort
  splits, notes = split.assign(labels, groups, [''] * 600, seed=0)
  where = collections.defaultdict(set)
  for group, name in zip(groups, splits, strict=True):
    where[group].add(name)
  assert all(len(names) == 1 for names in where.values())
  ill = collections.Counter(s for s, label in zip(splits, labels, strict=True) if label == 'ill')
  count = collections.Counter(splits)
  for name, share in split.FRACTIONS.items():
    assert count[name] / 600 == pytest.approx(share, abs=0.03)
    assert ill[name] / sum(ill.values()) == pytest.approx(share, abs=0.05)
  assert 'no split given' in notes[0]


def test_the_seed_alone_decides(cohort):
  labels, groups = cohort
  first, _ = split.assign(labels, groups, [''] * 600, seed=0)
  assert split.assign(labels, groups, [''] * 600, seed=0)[0] == first
  assert split.assign(labels, groups, [''] * 600, seed=1)[0] != first


def test_missing_val_is_taken_from_train(cohort):
  labels, groups = cohort
  given = ['test' if int(g[1:]) < 40 else 'train' for g in groups]
  splits, notes = split.assign(labels, groups, given, seed=0)
  assert [s == 'test' for s in splits] == [g == 'test' for g in given]
  train = given.count('train')
  assert splits.count('val') / train == pytest.approx(0.15, abs=0.03)
  assert 'no val split' in notes[0]


def test_small_sets_keep_every_class_in_training():
  splits, _ = split.assign(['a', 'b'] * 5, list('0123456789'), [''] * 10, seed=0)
  assert {s for s, label in zip(splits, ['a', 'b'] * 5, strict=True) if label == 'a'} >= {'train'}
  assert set(splits) == {'train', 'val', 'test'}


def test_a_group_in_two_splits_is_an_error_unless_allowed():
  groups, splits = ['p1', 'p2', 'p1'], ['train', 'test', 'test']
  with pytest.raises(
    UserError, match="1 groups are in two splits, the first 'p1' in train and test"
  ):
    split.check_groups(groups, splits, allow=False)
  assert 'LEAK ALLOWED' in split.check_groups(groups, splits, allow=True)[0]


def test_a_class_without_training_examples_is_an_error():
  # One patient has all the images of a class, and more of another class than training wants.
  labels, groups = ['a'] * 29 + ['rare'], ['1'] * 20 + ['2'] * 9 + ['2']
  with pytest.raises(
    UserError, match=r"class 'rare' is in split train, only in val \(splits drawn with .*seed=3"
  ):
    split.assign(labels, groups, [''] * 30, seed=3)
  given = ['train'] * 20 + ['test'] * 10
  with pytest.raises(
    UserError, match=r"'rare' .* only in test \(splits given by images.csv, val dr"
  ):
    split.assign(labels, [str(i) for i in range(30)], given, 0, 'images.csv')
  # Validation and test may lack a class.
  assert (
    split.assign(['a', 'b', 'a', 'a'], list('1234'), ['train'] * 2 + ['val', 'test'], 0)[1] == []
  )


def test_unknown_and_missing_split_names():
  assert split.canonical(' Validation ', 'here') == 'val'
  with pytest.raises(UserError, match=r"labels.csv row 4: split is 'trian'.*did you mean train"):
    split.canonical('trian', 'labels.csv row 4')
  with pytest.raises(UserError, match='1 rows have no split'):
    split.assign(['a', 'b'], ['1', '2'], ['train', ''], 0)
  with pytest.raises(UserError, match='no example is in split train, only in test, val'):
    split.assign(['a', 'b'], ['1', '2'], ['val', 'test'], 0)


def test_folds_test_every_group_once_and_keep_shares(cohort):
  labels, groups = cohort
  tested, share = collections.Counter(), labels.count('ill') / 600
  for fold in range(5):
    splits = split.folds(labels, groups, 0, 5, fold)
    by_group = collections.defaultdict(set)
    for group, name in zip(groups, splits, strict=True):
      by_group[group].add(name)
    assert all(len(names) == 1 for names in by_group.values())
    tested.update(group for group, names in by_group.items() if names == {'test'})
    count = collections.Counter(splits)
    assert count['test'] / 600 == pytest.approx(1 / 5, abs=0.02)
    assert count['val'] / (600 - count['test']) == pytest.approx(0.15, abs=0.03)
    for name in split.SPLITS:
      ill = [label == 'ill' for label, where in zip(labels, splits, strict=True) if where == name]
      assert np.mean(ill) == pytest.approx(share, abs=0.05)
  assert tested == dict.fromkeys(groups, 1)


def test_the_seed_draws_other_folds(cohort):
  labels, groups = cohort
  first = split.folds(labels, groups, 0, 5, 1)
  assert split.folds(labels, groups, 0, 5, 1) == first
  assert split.folds(labels, groups, 1, 5, 1) != first


@pytest.mark.parametrize(
  ('count', 'fold', 'groups', 'message'),
  [
    (5, 5, range(20), r'data.fold=5: expected 0 to 4 with 5 folds'),
    (5, -1, range(20), r'data.fold=-1: expected 0 to 4'),
    (1, 0, range(20), r'data.folds=1: expected 2 or more'),
    (2, 0, [0] * 20, '1 groups are too few for 2 folds'),
    (2, 1, [0] * 20, '1 groups are too few for 2 folds'),
    (8, 7, [i % 4 for i in range(20)], '4 groups are too few for 8 folds'),
    (2, 0, [i % 2 for i in range(20)], '2 groups are too few to split'),
  ],
)
def test_folds_that_cannot_be(count, fold, groups, message):
  labels = ['a' if i % 4 < 2 else 'b' for i in range(20)]
  with pytest.raises(UserError, match=message):
    split.folds(labels, list(map(str, groups)), 0, count, fold)


def test_folds_without_a_class_in_training_are_an_error_unless_it_need_not_be_there():
  labels = ['a'] * 20 + ['rare']
  groups = list(map(str, range(21)))
  rounds = [split.folds(labels, groups, 0, 3, fold, train_all=False) for fold in range(3)]
  (fold,) = [i for i, splits in enumerate(rounds) if splits[-1] == 'test']
  with pytest.raises(UserError, match=rf"'rare' .* only in test \(splits of fold {fold} with"):
    split.folds(labels, groups, 0, 3, fold)
  given = ['train'] * 15 + ['val'] * 3 + ['test'] * 3
  assert split.assign(labels, groups, given, 0, train_all=False) == (given, [])


@dataclasses.dataclass
class Settings:
  seed: int = 0
  folds: int = 0
  fold: int = 0


def test_folds_come_before_given_splits_and_say_so():
  labels, groups = ['a', 'b'] * 20, list(map(str, range(40)))
  given = ['train', 'test'] * 20
  splits, notes = split.choose(Settings(folds=4, fold=1), labels, groups, given, 'the table')
  assert splits == split.folds(labels, groups, 0, 4, 1)
  assert notes[0] == 'fold 1 of 4 tests'
  assert 'given are not used, as config.data.folds' in notes[1]
  _, notes = split.choose(Settings(folds=4), labels, groups, [''] * 40, 'the table')
  assert notes == ['fold 0 of 4 tests']


def test_given_splits_are_taken_and_their_groups_checked():
  labels, given = ['a', 'b'] * 20, ['train'] * 20 + ['val'] * 10 + ['test'] * 10
  groups = [str(i % 39) for i in range(40)]  # one of train comes again in test
  with pytest.raises(UserError, match="1 groups are in two splits, the first '0' in train and tes"):
    split.choose(Settings(), labels, groups, given, 'the table')
  splits, notes = split.choose(Settings(), labels, groups, given, 'it', allow_overlap=True)
  assert splits == given
  assert notes[0].startswith('LEAK ALLOWED: 1 groups are in two splits')


def test_a_share_of_the_training_groups_stays():
  random = np.random.default_rng(0)
  groups = [f'p{i}' for i in random.integers(0, 200, 600)]
  labels = ['ill' if int(group[1:]) % 5 == 0 else 'well' for group in groups]
  splits = ['test' if int(group[1:]) % 7 == 0 else 'train' for group in groups]

  def kept(share, *seed):
    where = split.partly(splits, labels, groups, share, seed)
    assert [name == 'test' for name in where] == [name == 'test' for name in splits]
    used = {g for g, name in zip(groups, where, strict=True) if name == 'train'}
    assert not used & {g for g, name in zip(groups, where, strict=True) if name == split.UNUSED}
    again = split.partly(where, labels, groups, share, seed)
    assert again == where  # what is left out is drawn from as well
    return used

  everyone, quarter, half = kept(1.0, 0), kept(0.25, 0), kept(0.5, 0)
  assert quarter < half < everyone
  assert len(quarter) == pytest.approx(len(everyone) / 4, abs=1)
  ill = {group for group in everyone if int(group[1:]) % 5 == 0}
  assert len(quarter & ill) == round(len(ill) / 4)
  assert kept(0.25, 1) != quarter
  assert len(kept(0.001, 0)) == 2  # one of every class


def test_a_patient_counts_for_the_rarest_class_of_its_cases():
  groups = [name for i in range(40) for name in (f'p{i}', f'p{i}')]
  labels = ['nevus', 'melanoma'] * 4 + ['nevus', 'nevus'] * 36  # every melanoma comes second
  for draw in range(10):
    where = split.partly(['train'] * 80, labels, groups, 0.1, [draw])
    assert [label for label, name in zip(labels, where, strict=True) if name == 'train'].count(
      'melanoma'
    ) == 1
