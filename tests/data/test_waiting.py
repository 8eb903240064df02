"""Results of a pool come in order, and few items wait."""

import concurrent.futures
import itertools
import time

import pytest

from medjax.data.waiting import in_order


def test_results_are_in_order_and_few_items_are_taken():
  taken = []

  def items():
    for number in itertools.count():
      taken.append(number)
      yield number

  with concurrent.futures.ThreadPoolExecutor(4) as pool:
    found = in_order(lambda number: pool.submit(_late, number), items(), most=3)
    for number in range(20):
      assert next(found) == (number, 2 * number)
      assert len(taken) <= number + 4
    found.close()


def _late(number):
  time.sleep(0.01 * (number % 3))
  return 2 * number


def test_what_waits_is_cancelled_after_an_error():
  futures = []

  def submit(number):
    futures.append(concurrent.futures.Future())
    if number == 0:
      futures[0].set_exception(ValueError('zero'))
    return futures[-1]

  with pytest.raises(ValueError, match=r'^zero$'):
    list(in_order(submit, range(9), most=2))
  assert len(futures) == 3
  assert all(future.cancelled() for future in futures[1:])
