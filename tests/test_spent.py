"""Where the time of a command went."""

import time

import jax
import jax.numpy as jnp
import pytest

from medjax import runtime, spent


@pytest.fixture
def clock(monkeypatch):
  """Time as the test sets it."""
  now = [0.0]
  monkeypatch.setattr(time, 'monotonic', lambda: now[0])
  return now


def test_parts_within_parts_count_once(clock):
  found = spent.Spent(before=3.0)
  clock[0] = 1.0
  with found.on(spent.STEPS):
    clock[0] = 4.0
    with found.on(spent.VALIDATION):
      clock[0] = 9.0
    clock[0] = 10.0
  clock[0] = 10.5
  assert found.seconds() == {'start-up': 3.0, 'steps': 4.0, 'validation': 5.0, 'other': 1.5}


def test_what_compiles_is_counted_apart(clock):
  compiled = [2.0]
  found = spent.Spent(compiled=lambda: compiled[0])
  with found.on(spent.STEPS):
    clock[0], compiled[0] = 5.0, 6.0
  assert found.seconds() == {'start-up': 0.0, 'compile': 4.0, 'steps': 1.0, 'other': 0.0}


def test_waiting_for_each_item_is_counted(clock):
  def items():
    for item in 'ab':
      clock[0] += 2.0
      yield item

  found = spent.Spent()
  for _ in found.each(spent.WAITING, items()):
    clock[0] += 10.0
  assert found.seconds() == {'start-up': 0.0, 'waiting for data': 4.0, 'other': 20.0}


def test_an_error_leaves_the_clock_right(clock):
  found = spent.Spent()

  def fail():
    with found.on(spent.DATA):
      clock[0] = 1.0
      raise KeyError

  with pytest.raises(KeyError):
    fail()
  clock[0] = 3.0
  assert found.seconds() == {'start-up': 0.0, 'data': 1.0, 'other': 2.0}


def test_the_line_names_what_took_a_second():
  seconds = {'start-up': 2.1, 'data': 0.3, 'steps': 83.4, 'other': 4.0}
  assert spent.line(seconds) == 'time: 90 s: start-up 2, steps 83, the rest 4'


def test_compilation_is_timed_and_pieces_within_pieces_once():
  compiling = runtime.compile_clock()
  before, start = compiling(), time.monotonic()
  inner = jax.jit(lambda x: jnp.tanh(x @ x))
  outer = jax.jit(lambda x: inner(x) + inner(x + 1))
  outer(jnp.ones((7, 7))).block_until_ready()
  took = compiling() - before
  assert 0 < took <= time.monotonic() - start
  outer(jnp.ones((7, 7))).block_until_ready()
  assert compiling() - before == took
  assert compiling is runtime.compile_clock()


def test_the_process_began_before_now():
  assert 0 < runtime.since_start() < 10 * 24 * 3600
