"""How ways to train several runs are timed."""

import types

import pytest

from medjax.training import ways

pytestmark = pytest.mark.core


@pytest.fixture
def times(monkeypatch):
  """Sets the time that the clock sees."""
  now = [100.0]
  monkeypatch.setattr(ways.time, 'monotonic', lambda: now[0])
  monkeypatch.setattr(ways.time, 'process_time', lambda: 1.5 * now[0])
  monkeypatch.setattr(ways.machine, 'cores', lambda: 2)
  return now


def test_a_clock_takes_the_median_of_updates_and_the_time_before_them(times):
  asked = []
  clock = ways.Clock(lambda: asked.append(clock.alone) or True)
  clock.begin(updates=1000)
  for seconds in (2.0, 0.5, 3.0, 0.5, 0.5):  # compiles; then one update waits for something
    times[0] += seconds
    clock(1)
  assert asked == [0.5]  # a second has gone, and three were timed
  assert (clock.start, clock.alone) == (2.0, 0.5)


def test_a_clock_counts_the_updates_of_a_call(times):
  clock = ways.Clock(lambda: True)
  clock.begin(updates=100)
  for seconds in (1.0, 2.0, 2.0, 2.0):
    times[0] += seconds
    clock(4)
  assert clock.alone == 0.5


def test_a_clock_asks_once_and_may_end_the_run(times):
  clock = ways.Clock(lambda: False)
  clock.begin(updates=10_000)
  for _ in range(30):
    times[0] += 0.001
    clock(1)
  with pytest.raises(ways.Enough):
    clock(1)
  clock.begin(updates=10_000)
  for _ in range(100):  # nobody asks again
    times[0] += 0.001
    clock(1)


def test_a_run_of_few_updates_is_timed_to_its_last(times):
  clock = ways.Clock(lambda: False)
  clock.begin(updates=3)
  times[0] += 1.0
  clock(1)
  times[0] += 0.25
  clock(1)
  times[0] += 0.25
  with pytest.raises(ways.Enough):
    clock(1)
  assert clock.alone == 0.25


def test_another_run_is_timed_from_its_own_beginning(times):
  clock = ways.Clock(lambda: True)
  clock.begin(updates=4)
  clock(1)
  times[0] += 50.0  # another run's report
  clock.begin(updates=3)
  for seconds in (1.5, 0.25, 0.25):
    times[0] += seconds
    clock(1)
  assert (clock.start, clock.alone) == (1.5, 0.25)
  assert clock.busy == pytest.approx(0.75)


@pytest.mark.parametrize(
  ('alone', 'start', 'busy', 'platform', 'reason'),
  [
    (0.1, 1.0, 0.97, 'cpu', 'updates of one keep 97% of the cores busy'),  # 100 s, 3 of them idle
    (0.1, 1.0, 1.02, 'cpu', 'updates of one keep 100% of the cores busy'),
    (0.1, 1.0, 0.5, 'cpu', ''),
    (0.1, 1.0, 0.97, 'gpu', ''),
    (0.005, 0.2, 0.97, 'cpu', ''),  # short updates
    (0.1, 5.0, 0.5, 'cpu', 'it could not save what its measure takes'),
  ],
)
def test_cores_that_are_busy_have_no_time_to_save(
  monkeypatch, alone, start, busy, platform, reason
):
  monkeypatch.setattr(ways.members, 'unsuited', lambda *given: '')
  monkeypatch.setattr(ways, 'updates', lambda members: 1000)
  devices = types.SimpleNamespace(local=[types.SimpleNamespace(platform=platform)])
  clock = ways.Clock(lambda: True)
  clock.alone, clock.start, clock.busy = alone, start, busy
  assert ways.against([None] * 3, devices, clock) == reason
