"""The comparison: the same network everywhere, turns taken fairly, failures said."""

import importlib.util
import json
from typing import ClassVar

import numpy as np
import pytest

from medjax.bench import compare, network
from medjax.errors import UserError


class Fake:
  """A process that takes a known time for each step; the second peer cannot run."""

  turns: ClassVar[list[str]] = []
  seconds: ClassVar[dict] = {'medjax': 2.0, 'keras': 3.0, 'torch': None}
  difference = 0.0
  peak_gib = 1.5

  def __init__(self, entrant, spec):
    self.name, self.alive = entrant.framework, True
    assert (network.read(spec)[1]['expected']).shape == (2, 1)

  def about(self):
    if self.seconds[self.name] is None:
      return {'error': "No module named 'torch'"}
    return {'device': 'd', 'versions': {'v': '1'}, 'difference': self.difference}

  def block(self, steps):
    self.turns.append(self.name)
    return self.seconds[self.name]

  def close(self):
    self.alive = False


@pytest.fixture
def fake(monkeypatch):
  monkeypatch.setattr(compare, '_Process', Fake)
  monkeypatch.setattr(compare.start, 'huge_pages', dict)
  monkeypatch.setattr(Fake, 'turns', [])
  return Fake


SPEC = network.Spec('resnet18', 32, 4, 'float32', '')


def test_turns_are_taken_and_ratios_are_of_pairs(fake, capsys):
  found = compare.compare(SPEC, ['keras', 'torch'], rounds=3)
  assert fake.turns[2:] == ['medjax', 'keras'] * 3
  entrants = found['entrants']
  assert entrants['keras']['ratio']['median'] == 1.5
  assert entrants['medjax']['examples_per_s']['median'] == 2.0
  assert entrants['medjax']['peak_gib'] == 1.5
  assert entrants['torch'] == {'error': "No module named 'torch'"}
  compare.table(found)
  assert "could not run: No module named 'torch'" in capsys.readouterr().out
  json.dumps(found)


def test_peers_run_with_and_without_huge_pages_and_plain_jit_as_medjax_does(fake, monkeypatch):
  monkeypatch.setattr(compare.start, 'huge_pages', lambda: {'GLIBC_TUNABLES': 'x'})
  monkeypatch.setattr(fake, 'seconds', {'medjax': 2.0, 'jit': 1.0, 'keras': 3.0})
  found = compare.compare(SPEC, ['keras', 'jit'], rounds=3)
  assert list(found['entrants']) == ['medjax', 'jit', 'keras', 'keras, same allocator']
  assert found['entrants']['jit']['ratio']['median'] == 0.5


def test_another_network_is_no_comparison(fake, monkeypatch):
  monkeypatch.setattr(fake, 'difference', 2e-4)
  with pytest.raises(UserError, match=r'outputs differ by 0.0002 from the same weights'):
    compare.compare(SPEC, ['keras'], rounds=3)


def test_weights_come_back_by_name(tmp_path):
  spec = network.Spec('cnn', 64, 4, 'float32', str(tmp_path))
  network.write(spec)
  weights, inputs = network.read(spec)
  assert weights['params.Conv_1.kernel'].shape == (3, 3, 32, 64)
  assert inputs['image'].shape == (4, 64, 64, 3)
  assert inputs['expected'].shape == (2, 1)


@pytest.mark.slow
@pytest.mark.parametrize('framework', ['medjax', 'jit', 'keras', 'torch'])
@pytest.mark.parametrize(
  ('name', 'size'), [('cnn', 48), ('resnet18', 32), ('resnet50', 128), ('unet', 64)]
)
def test_a_framework_computes_the_same_outputs_and_is_timed(tmp_path, framework, name, size):
  own = framework in ('medjax', 'jit')
  if not own and importlib.util.find_spec(framework) is None:
    pytest.skip(f'{framework} is not installed (extra peers)')
  if (framework, name) == ('keras', 'unet'):
    pytest.skip('there is no U-Net of Keras')
  if own and name != 'cnn':
    pytest.skip('one network is enough for the process itself')
  spec = network.Spec(name, size, 4, 'float32', str(tmp_path))
  network.write(spec)
  process = compare._Process(compare.Entrant(framework, False), spec)
  try:
    about = process.about()
    assert about.get('error') is None
    assert about['difference'] <= compare.TOLERANCE['float32']
    assert np.isfinite(process.block(1))
  finally:
    process.close()


def test_a_process_that_fails_says_why(tmp_path):
  spec = network.Spec('cnn', 48, 4, 'float32', str(tmp_path / 'nothing'))
  process = compare._Process(compare.Entrant('medjax', False), spec)
  assert 'No such file' in process.about()['error']
