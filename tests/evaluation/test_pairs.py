"""Ranks of second views: against loops, and with what cannot be told apart."""

import dataclasses

import numpy as np
import pytest

from medjax.errors import UserError
from medjax.evaluation import Pairs, pair_metrics, wilson_interval


def _table(views, group):
  names = np.array([f'case {i}' for i in range(len(views))])
  return Pairs.of_views(
    views, id=names, group=np.array(group), split='val', metadata={'view': ['PA'] * len(views)}
  )


def _random_views(count=12):
  views = np.random.default_rng(0).normal(size=(count, 2, 3))
  views[:, 1] += 2 * views[:, 0]
  return views / np.linalg.norm(views, axis=-1, keepdims=True)


def test_ranks_are_those_of_loops_over_other_patients():
  views, group = _random_views(), list('aabbccddeeff')
  table = _table(views, group)
  for i in range(12):
    own = views[i, 0] @ views[i, 1]
    strangers = [j for j in range(12) if group[j] != group[i]]
    assert table.rank[i] == sum(views[i, 0] @ views[j, 1] >= own for j in strangers)
    assert table.others[i] == 10


def test_views_that_are_all_the_same_recognise_nobody():
  table = _table(np.tile([1.0, 0.0], (6, 2, 1)), list('abcdef'))
  assert table.rank.tolist() == [5] * 6
  found = pair_metrics(table)
  assert (found['recognised'].value, found['near'].value) == (0, 0)


def test_metrics_are_shares_with_wilsons_interval_and_none_within_one_patient():
  table = _table(_random_views(), list('abcdefghijkl'))
  found, hits = pair_metrics(table)['recognised'], int((table.rank == 0).sum())
  assert 0 < hits < 12
  assert found.value == hits / 12
  np.testing.assert_allclose((found.low, found.high), wilson_interval(hits, 12))
  alone = _table(_random_views(3), list('aaa'))
  assert pair_metrics(alone)['recognised'].value is None
  assert not len(alone.labelled())


def test_a_written_table_is_read_back_and_a_damaged_one_refused(tmp_path):
  table = _table(_random_views(), list('aabbccddeeff'))
  path = tmp_path / 'val.csv'
  table.write_csv(path)
  back = Pairs.read_csv(path)
  assert back.rank.tolist() == table.rank.tolist()
  assert back.metadata == table.metadata
  text = path.read_text()
  path.write_text(text.replace(',10,', ',-1,', 1))
  with pytest.raises(UserError, match='a rank is not between 0 and others'):
    Pairs.read_csv(path)
  path.write_text(text.replace('rank', 'place', 1))
  with pytest.raises(UserError, match="no column 'rank'"):
    Pairs.read_csv(path)
  with pytest.raises(ValueError, match='rank has 1 rows'):
    dataclasses.replace(table, rank=table.rank[:1])
