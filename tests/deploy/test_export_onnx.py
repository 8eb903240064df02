"""The ONNX graph gives what the network gives, in ONNX Runtime; or the export is refused."""

import json

import numpy as np
import optax
import pytest

from medjax.deploy import export, export_onnx
from medjax.errors import UserError
from medjax.evaluation import Calibration, Decision, Estimate
from medjax.evaluation.conformal import Conformal
from medjax.training import state

DECISION = Decision(3, Calibration(), Estimate(0.5), Conformal('split', 0.9, (0.1, 0.1)))


@pytest.fixture
def network(make_experiment, monkeypatch):
  """A small CNN that is not trained, as ``Network.of_run`` gives that of a run."""
  experiment = make_experiment(optax.sgd(0.1))
  variables = state.create(experiment, 0).variables
  monkeypatch.setattr(export.evaluate, 'chosen_variables', lambda *_: (variables, 3))
  monkeypatch.setattr(export.evaluate, 'read_decision', lambda *_: DECISION)
  return export.Network.of_run(experiment, None)


def write(network, path):
  export_onnx.write(network.experiment, 'toy', None, None, path)


def test_without_the_packages_it_says_what_to_install(network, tmp_path, monkeypatch):
  monkeypatch.setitem(__import__('sys').modules, 'jax2onnx', None)
  with pytest.raises(
    UserError, match=r"^--format=onnx: needs a package .*pip install -e '\.\[onnx\]'"
  ):
    write(network, tmp_path / 'x.onnx')


def test_the_graph_gives_what_the_network_gives(network, tmp_path, capsys):
  pytest.importorskip('jax2onnx', reason='the extra onnx is not installed')
  import onnx
  import onnxruntime

  path = tmp_path / 'x.onnx'
  write(network, path)
  assert 'ONNX Runtime gives the same to' in capsys.readouterr().out
  session = onnxruntime.InferenceSession(path)
  for cases in (1, 3, 32):
    image = np.random.default_rng(cases).integers(0, 256, (cases, 12, 12, 1), np.uint8)
    expected = network(network.weights, {'image': image})['predicted']
    (found,) = session.run(['predicted'], {'image': image})
    np.testing.assert_allclose(found, expected, atol=1e-4)
  (about,) = (one.value for one in onnx.load(path).metadata_props if one.key == 'medjax')
  assert json.loads(about)['classes'] == ['dark', 'bright']
  assert Decision.from_json(json.loads(about)['decision']) == DECISION


def test_a_graph_that_gives_other_numbers_is_not_written(network, tmp_path, monkeypatch):
  pytest.importorskip('jax2onnx', reason='the extra onnx is not installed')
  monkeypatch.setattr(export_onnx, '_TOLERANCE', -1.0)
  with pytest.raises(UserError, match='the graph gives other numbers than the network'):
    write(network, tmp_path / 'x.onnx')
  assert not list(tmp_path.iterdir())


def test_differences_are_relative_and_no_number_is_no_agreement():
  one = {'a': np.array([1000.0, 0.5]), 'b': np.array([0.0])}
  assert export_onnx._apart(one, one) == 0
  other = one | {'a': np.array([1001.0, 0.5])}
  assert export_onnx._apart(other, one) == pytest.approx(1e-3)
  assert np.isnan(export_onnx._apart(one | {'b': np.array([np.nan])}, one))


def test_noise_is_what_the_network_takes(network):
  batch = export_onnx._batch(network, 3)
  assert batch['image'].shape == (3, 12, 12, 1)
  assert batch['image'].dtype == np.uint8
  assert batch['image'].max() > 200


def test_cases_that_differ_in_size_are_refused(network, tmp_path, monkeypatch):
  pytest.importorskip('jax2onnx', reason='the extra onnx is not installed')
  axes = {'image': ('height',)}
  monkeypatch.setattr(type(network.experiment.data.modality), 'axes', axes)
  with pytest.raises(UserError, match='cases of this run differ in size'):
    write(network, tmp_path / 'x.onnx')
