"""The bench verb on a small experiment: every part is measured and hangs together."""

import json

import jax
import pytest

from medjax import runtime
from medjax.bench import run
from medjax.config import Config
from medjax.training import state


@pytest.fixture(scope='module')
def found(make_experiment):
  return run.bench(make_experiment(), Config(batch_size=10), runtime.devices(2))


def test_every_part_is_measured(found, make_experiment):
  json.dumps(found, allow_nan=False)
  assert found['devices'] == 2
  assert found['device'].startswith('cpu')
  assert found['versions']['jax'] == jax.__version__
  assert found['parameters'] == state.count(state.create(make_experiment(), 0).params)
  assert found['compile_cold_s'] > 0
  assert found['compile_warm_s'] > 0
  assert found['flops_per_s'] > 0
  assert found['efficiency'] == found['flops_per_s'] / found['matmul_flops_per_s']
  assert found['peak_device_bytes'] is None  # a CPU does not say
  assert found['peak_host_bytes'] > found['temporary_bytes'] > 0


def test_rates_follow_from_times(found):
  assert found['examples_per_s']['median'] == pytest.approx(10 / found['step_s']['median'])
  assert found['examples_per_s_per_device'] == pytest.approx(found['examples_per_s']['median'] / 2)
  for kind in ('streamed', 'resident'):
    part = found[kind]
    assert 0 <= part['wait_share']['median'] <= 1
    for value in part.values():
      assert value['low'] <= value['median'] <= value['high']


def test_the_table_names_device_and_versions(found, capsys):
  run.table('small', found)
  out = capsys.readouterr().out
  assert 'small: median (quartiles)' in out
  assert f'jax {jax.__version__}' in out
  assert 'waiting for data' in out


def measurement(step, rate, **changed):
  def around(value):
    return {'median': value, 'low': 0.9 * value, 'high': 1.1 * value}

  about = {'processor': 'p', 'device': 'd', 'versions': {'jax': '1'}, 'native_kernels': 'used'}
  return {
    **about,
    'step_s': around(step),
    'streamed': {'end_to_end_per_s': around(rate)},
    **changed,
  }


def test_an_earlier_measurement_is_compared_with():
  now, before = measurement(0.5, 100.0), measurement(1.0, 95.0, processor='q')
  assert list(run.against(now, before)) == [
    'another processor: q then, p now',
    'step: 2.00 times as fast',
    'streamed: 1.05 times as fast, within the quartiles',
  ]
  assert list(run.against(now, {})) == []
