"""Timing: quartiles, rates, and counts against what is known."""

import jax
import jax.numpy as jnp
import pytest

from medjax.bench import measure
from medjax.bench.measure import Quartiles


def test_a_rate_swaps_the_quartiles():
  found = Quartiles.of([1.0, 2.0, 4.0, 8.0, 16.0]).rate(32)
  assert (found.median, found.low, found.high) == (8.0, 4.0, 16.0)
  assert f'{found:.0f}' == '8 (4-16)'
  with pytest.raises(ValueError, match='no measurement'):
    Quartiles.of([])


def test_seconds_waits_for_what_was_started_and_leaves_the_warm_up_out(monkeypatch):
  clock, calls = [0.0], []
  monkeypatch.setattr(measure.time, 'perf_counter', lambda: clock[0])

  def run():
    calls.append(len(calls))
    clock[0] += 100.0 if len(calls) <= 2 else 3.0
    return jnp.zeros(())

  found = measure.seconds(run, blocks=3, repeats=2, warm_up=2)
  assert len(calls) == 8
  assert found == Quartiles(3.0, 3.0, 3.0, 3)


def test_flops_of_a_matrix_product_are_counted():
  a = jnp.ones((64, 32))
  compiled = jax.jit(lambda a, b: a @ b).lower(a, a.T).compile()
  assert measure.flops(compiled) == pytest.approx(2 * 64 * 32 * 64, rel=0.05)


def test_a_matrix_product_has_a_rate_and_a_process_a_size():
  assert measure.matrix_product('float32', side=64, blocks=2) > 0
  assert measure.peak_host_bytes() > 2**20
