"""Order, padding, and the two ways to feed, which give the same batches."""

import dataclasses

import jax
import numpy as np
import pytest

from medjax import runtime
from medjax.data import dataset, feed
from medjax.errors import UserError


class _Stored(list):
  def __getitems__(self, keys):
    return [self[k] for k in keys]


@pytest.fixture(scope='module')
def split():
  rng = np.random.default_rng(0)
  rows = _Stored({'image': rng.integers(0, 255, (4, 4, 1), np.uint8)} for _ in range(23))
  names = np.array([str(i) for i in range(23)])
  label = rng.integers(0, 2, 23).astype(np.int32)
  return dataset.Split('train', rows, lambda row: row, names, label, names, {})


def test_order_depends_on_seed_and_epoch_alone():
  first = feed.order(3, 1, 100)
  np.testing.assert_array_equal(first, feed.order(3, 1, 100))
  assert sorted(first) == list(range(100))
  assert not np.array_equal(first, feed.order(3, 2, 100))
  assert not np.array_equal(first, feed.order(4, 1, 100))


@pytest.mark.parametrize(
  ('power', 'expected'), [(0.0, [70, 20, 10]), (1.0, [34, 33, 33]), (0.5, [52, 28, 20])]
)
def test_a_balanced_order_draws_rare_classes_more_often(power, expected):
  label = np.repeat([0, 1, 4], [70, 20, 10])  # numbers between may be of nobody
  drawn = feed.balanced_order(0, 3, label, power)
  np.testing.assert_array_equal(drawn, feed.balanced_order(0, 3, label, power))
  assert not np.array_equal(drawn, feed.balanced_order(0, 4, label, power))
  assert np.bincount(label[drawn], minlength=5)[[0, 1, 4]].tolist() == expected
  times = np.bincount(drawn, minlength=100)
  for number in (0, 1, 4):  # within a class all come as often, but for one
    assert np.ptp(times[label == number]) <= 1


def test_balance_needs_a_class_a_case(split):
  plan = feed.epoch_plan(split, 0, 0, 6, 1, balance=1.0)
  assert abs(np.diff(np.bincount(split.label[plan[plan >= 0]]))[0]) <= 1
  several = dataclasses.replace(split, label=np.zeros((23, 2), np.float32))
  with pytest.raises(UserError, match='balance: needs one class a case'):
    feed.epoch_plan(several, 0, 0, 6, 1, balance=1.0)


@pytest.mark.parametrize('multiple', [1, 2, 8])
@pytest.mark.parametrize('count', [1, 6, 7, 23])
def test_every_example_is_in_one_batch_whatever_the_device_count(count, multiple):
  plan = feed.batches(feed.order(0, 0, count), 6, multiple)
  assert plan.shape[1] % multiple == 0
  assert sorted(plan[plan >= 0]) == list(range(count))
  rows = [set(row[row >= 0]) for row in plan]
  assert rows == [set(r[r >= 0]) for r in feed.batches(feed.order(0, 0, count), 6, 1)]


@pytest.mark.parametrize('devices', [1, 2])
def test_streamed_and_resident_batches_are_identical(split, devices):
  devices = runtime.devices(devices)
  plan = feed.batches(feed.order(0, 0, len(split)), 6, len(devices.all))
  streamed = list(feed.Streamed(split, devices)(plan))
  resident = list(feed.Resident(split, devices)(plan))
  assert len(streamed) == len(resident) == 4
  for one, other in zip(streamed, resident, strict=True):
    assert one.keys() == other.keys() == {'image', 'label', 'index', 'mask'}
    for name in one:
      found = jax.device_get(other[name])
      assert found.dtype == one[name].dtype
      np.testing.assert_array_equal(found, one[name])


def test_padding_is_masked_and_zero(split):
  last = feed.read(split, np.array([[3, -1], [-1, -1]]))
  np.testing.assert_array_equal(last['mask'], [[True, False], [False, False]])
  np.testing.assert_array_equal(last['image'][0, 0], split.source[3]['image'])
  assert not last['image'][1].any()


def test_a_feed_can_begin_in_the_middle_of_an_epoch(split):
  devices = runtime.devices(1)
  plan = feed.batches(feed.order(0, 0, len(split)), 6, 1)
  whole = [b['index'] for b in feed.Streamed(split, devices)(plan)]
  rest = [b['index'] for b in feed.Streamed(split, devices)(plan[2:])]
  np.testing.assert_array_equal(whole[2:], rest)


def test_auto_is_resident_within_the_budget(split):
  devices = runtime.devices(1)
  assert isinstance(feed.make(split, devices, 'auto', 1.0), feed.Resident)
  assert isinstance(feed.make(split, devices, 'auto', 0.0), feed.Streamed)
  assert isinstance(feed.make(split, devices, 'resident', 0.0), feed.Resident)
  assert isinstance(feed.make(split, devices, 'streamed', 1.0), feed.Streamed)
