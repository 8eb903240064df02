"""Batches of examples that differ in length: similar ones together, each once, in both feeds."""

import jax
import numpy as np
import pytest

from medjax import runtime
from medjax.data import dataset, feed, memory, ragged


@pytest.fixture(scope='module')
def split():
  rng = np.random.default_rng(0)
  lengths = rng.integers(5, 200, 45)
  tokens, label = np.zeros((45, 199), np.uint8), np.full((45, 199), -1, np.int8)
  for row, length in enumerate(lengths):
    tokens[row, :length] = rng.integers(1, 21, length)
    label[row, :length] = rng.integers(0, 3, length)
  lengths[0], tokens[0], label[0] = 199, 1, 0
  names = np.array([str(i) for i in range(45)])
  rows = memory.Rows({'tokens': tokens})
  return dataset.Split(
    'train',
    rows,
    lambda row: row,
    names,
    label,
    names,
    {},
    {'positions': lengths},
    {'tokens': ('positions',), 'label': ('positions',)},
  )


@pytest.mark.parametrize('length', [1, 31, 32, 33, 48, 49, 65, 200, 1632])
def test_a_bucket_holds_the_length_and_not_much_more(length):
  found = ragged.bucket(length)
  assert length <= found <= max(32, 1.5 * length)
  assert ragged.bucket(found) == found


@pytest.mark.parametrize('multiple', [1, 2])
@pytest.mark.parametrize('batch_size', [1, 6, 44, 45, 100])
def test_every_example_is_in_one_batch(split, batch_size, multiple):
  plan = feed.epoch_plan(split, 3, 1, batch_size, multiple)
  assert sorted(plan[plan >= 0]) == list(range(45))
  full = feed.batches(np.arange(45), batch_size, multiple)
  assert plan.shape == full.shape
  assert sorted((row >= 0).sum() for row in plan) == sorted((row >= 0).sum() for row in full)


def test_a_plan_depends_on_seed_and_epoch_alone_and_is_shuffled(split):
  plans = [feed.epoch_plan(split, seed, epoch, 6, 1) for seed, epoch in ((3, 1), (3, 1), (3, 2))]
  np.testing.assert_array_equal(plans[0], plans[1])
  assert not np.array_equal(plans[0], plans[2])
  widths = [split.widths(row)['positions'] for row in plans[0]]
  assert widths != sorted(widths)
  together = {frozenset(row[row >= 0]) for row in plans[0]}
  assert together != {frozenset(row[row >= 0]) for row in plans[2]}


def test_batches_have_examples_of_similar_length(split):
  """Little of them is padding, and no array is cut too short."""
  plan = feed.epoch_plan(split, 0, 0, 6, 1)
  used = sum(split.widths(row)['positions'] * (row >= 0).sum() for row in plan)
  assert used < 1.5 * split.sizes['positions'].sum() < 0.9 * 45 * 199
  for row in plan:
    assert split.sizes['positions'][row[row >= 0]].max() <= split.widths(row)['positions']


@pytest.mark.parametrize('devices', [1, 2])
def test_streamed_and_resident_batches_are_identical(split, devices):
  devices = runtime.devices(devices)
  plan = feed.epoch_plan(split, 0, 0, 12, len(devices.all))
  streamed = list(feed.Streamed(split, devices)(plan))
  resident = list(feed.Resident(split, devices)(plan))
  seen = []
  for row, one, other in zip(plan, streamed, resident, strict=True):
    assert one.keys() == other.keys() == {'tokens', 'label', 'index', 'mask'}
    assert one['tokens'].shape[-1] == one['label'].shape[-1] == split.widths(row)['positions']
    for name in one:
      found = jax.device_get(other[name])
      assert found.dtype == one[name].dtype
      np.testing.assert_array_equal(found, one[name])
    seen += one['index'][one['mask']].tolist()
    # What is cut off is padding.
    assert (one['label'] >= 0)[one['mask']].sum() == (split.label[row[row >= 0]] >= 0).sum()
  assert sorted(seen) == list(range(45))


def test_examples_of_one_length_are_planned_as_before(split):
  names = split.id
  plain = dataset.Split('train', split.source, split.decode, names, np.zeros(45, int), names, {})
  assert plain.widths(np.arange(3)) == {}
  np.testing.assert_array_equal(
    feed.epoch_plan(plain, 1, 2, 6, 2), feed.batches(feed.order(1, 2, 45), 6, 2)
  )
