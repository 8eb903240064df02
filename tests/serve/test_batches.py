"""Cases that come together are computed together, and one spoils no other's."""

import asyncio
import threading

import pytest

from medjax.serve.batches import Batches
from medjax.serve.served import Part


def compute(parts):
  if any(part.arrays == 'bad' for part in parts):
    raise ValueError('bad')
  return [{'double': part.arrays * 2} for part in parts]


def part(value):
  return Part('', value)


def run(scenario, function=compute, at_once=4, wait=0.05):
  sizes = []

  async def main():
    batches = Batches(function, at_once, wait, sizes.append)
    batches.start()
    try:
      return await scenario(batches)
    finally:
      await batches.stop()

  return asyncio.run(main()), sizes


def test_each_gets_its_own_row_and_batches_are_full():
  async def ask(batches):
    return await asyncio.gather(*(batches.rows([part(n)]) for n in range(10)))

  found, sizes = run(ask)
  assert [rows for rows, _ in found] == [[{'double': 2 * n}] for n in range(10)]
  assert sizes == [4, 4, 2]
  assert [batch for _, batch in found] == [4] * 8 + [2] * 2


def test_many_cases_of_one_request_keep_their_order():
  async def ask(batches):
    first, second = await asyncio.gather(
      batches.rows([part(n) for n in range(6)]), batches.rows([part(n) for n in (7, 8, 9)])
    )
    return first[0], second[0], await batches.rows([part(1)])

  (first, second, (last, _)), sizes = run(ask)
  assert [row['double'] for row in first] == [0, 2, 4, 6, 8, 10]
  assert [row['double'] for row in second] == [14, 16, 18]
  assert last == [{'double': 2}]
  assert sizes == [4, 4, 1, 1]


def test_a_case_that_fails_fails_alone():
  async def ask(batches):
    return await asyncio.gather(
      *(batches.rows([part(value)]) for value in (1, 'bad', 3)), return_exceptions=True
    )

  (first, second, third), _ = run(ask)
  assert first[0] == [{'double': 2}]
  assert isinstance(second, ValueError)
  assert third[0] == [{'double': 6}]


def test_what_nobody_waits_for_is_not_computed():
  seen = []
  hold = threading.Event()

  def slow(parts):
    hold.wait(10)
    seen.extend(one.arrays for one in parts)
    return compute(parts)

  async def ask(batches):
    first = asyncio.create_task(batches.rows([part(n) for n in range(4)]))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(batches.rows([part(50)]))
    third = asyncio.create_task(batches.rows([part(60)]))
    await asyncio.sleep(0.05)
    second.cancel()
    await asyncio.sleep(0)
    hold.set()
    await first
    rows, _ = await third
    with pytest.raises(asyncio.CancelledError):
      await second
    return rows

  rows, _ = run(ask, slow, wait=0.01)
  assert rows == [{'double': 120}]
  assert seen == [0, 1, 2, 3, 60]
