"""The model of many devices: its bytes are those of the compiled step, its limits are known."""

import dataclasses
import math
import re

import jax
import numpy as np
import pytest

from medjax import runtime
from medjax.bench import run, scaling
from medjax.bench.scaling import Cluster
from medjax.data import feed
from medjax.errors import UserError
from medjax.training import parallel, state

CLUSTER = Cluster(8, 400e9, 50e9, 0.0)


def summed(experiment, count):
  """Numbers that the compiled step sums over devices."""
  devices = runtime.devices(count)
  step = parallel.compile_train(experiment, devices, 'float32', 1)
  split = experiment.data.splits['train']
  batch = next(iter(feed.Streamed(split, devices)(feed.batches(np.arange(16), 16, count))))
  text = step.lower(state.create(experiment, 0), batch, jax.random.key(0)).compile().as_text()
  shapes = []
  for line in re.findall(r'= (.*?) all-reduce\(', text):
    shapes += re.findall(r'f32\[([\d,]*)\]', line)
  return sum(math.prod(int(size) for size in shape.split(',') if size) for shape in shapes)


def test_the_compiled_step_sums_each_parameter_once(make_experiment):
  experiment = make_experiment()
  parameters = state.count(state.create(experiment, 0).params)
  assert summed(experiment, 4) == parameters + 2  # and the loss, and the number of examples


def test_a_ring_sends_twice_what_others_hold():
  one = scaling.scaled(0.1, 8_000_000, CLUSTER, 8)
  assert (one.within, one.between) == (2 * 7_000_000, 0)
  assert one.seconds == pytest.approx(14e6 / 400e9)
  assert one.slowest == pytest.approx(0.1 / (0.1 + one.seconds))
  assert one.fastest == 1
  many = scaling.scaled(0.1, 8_000_000, CLUSTER, 64)
  assert many.within == one.within
  assert many.between == pytest.approx(2 * 1_000_000 * 7 / 8)
  parts = scaling.scaled(0.1, 8_000_000, CLUSTER, 64, shards=True)
  assert (parts.within, parts.between) == (3 * 7_000_000, many.between)
  assert scaling.scaled(0.1, 8_000_000, CLUSTER, 1).seconds == 0


def test_every_message_waits():
  waiting = dataclasses.replace(CLUSTER, latency=1e-3)
  for devices, messages in ((8, 14), (64, 28), (512, 140)):
    more = scaling.scaled(1.0, 0, waiting, devices).seconds
    assert more == pytest.approx(messages * 1e-3)
  bound = scaling.scaled(1e-3, 0, waiting, 512)
  assert bound.fastest == pytest.approx(1e-3 / 0.14)


def test_clusters_are_named_or_written():
  assert scaling.parse('h100').per_host == 8
  assert scaling.parse('4,100,12.5,2') == Cluster(4, 100e9, 12.5e9, 2e-6)
  for wrong in ('', 'h1000', '8,450', '8,450,0', '2.5,1,1', '8,450,50,-1', '8,a,1', 'inf,1,1'):
    with pytest.raises(UserError, match='expected h100, or the devices of a host'):
      scaling.parse(wrong)


def test_the_table_says_that_it_is_a_model(capsys):
  found = run.scaling_table({'step_s': {'median': 0.01}, 'parameters': 2_000_000}, CLUSTER)
  out = capsys.readouterr().out
  assert 'A model, not a measurement' in out
  assert [one['devices'] for one in found['copies']] == [8, 64, 512]
  assert found['parts'][0]['within'] == pytest.approx(3 * 7 / 8 * 8_000_000)
  assert '│ 21 ' in out
