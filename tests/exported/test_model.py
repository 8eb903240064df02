"""What a loaded model says of arrays, beside closed forms, and what it refuses."""

import json
import os
import pathlib
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import medjax
from medjax.errors import UserError
from medjax.evaluation import Calibration, Decision, Estimate, Interval, LabelDecisions
from medjax.evaluation.conformal import Conformal
from medjax.exported import container, program, weights

X = {'x': {'dtype': 'float32', 'shape': ['batch', 2]}}
KERNEL = np.array([1.0, -0.5], np.float32)
TWO = Decision(
  7, Calibration('temperature', temperature=2.0), Estimate(0.6), Conformal('split', 0.9, (0.4, 0.3))
)


def write(path, function, decision, name, classes=(), inputs=None, axes=None, **more):
  arrays = {'kernel': KERNEL}
  compiled, about = program.write(function, arrays, inputs or X)
  manifest = {
    'experiment': 'toy', 'data': {'classes': list(classes)}, 'axes': axes or {}, 'told': name,
    'program': about, 'decision': decision.to_json() if decision else {}, **more,
  }  # fmt: skip
  container.write(path, manifest, {
    container.PROGRAM: compiled, container.WEIGHTS: weights.write(arrays), container.CARD: b'# A'
  })  # fmt: skip
  return path


def logistic(weights, batch):
  return {'predicted': jax.nn.sigmoid(batch['x'] @ weights['kernel'])}


def sigmoid(logits):
  return 1 / (1 + np.exp(-np.asarray(logits, np.float64)))


@pytest.fixture(scope='module')
def path(tmp_path_factory):
  file = tmp_path_factory.mktemp('model') / 'two.medjax'
  return write(file, logistic, TWO, 'classes', ('no', 'yes'))


@pytest.fixture(scope='module')
def model(path):
  return medjax.load(path)


@pytest.mark.parametrize('count', [1, 3, 32, 70])
def test_two_classes(model, count):
  x = np.random.default_rng(count).normal(size=(count, 2)).astype(np.float32) * 2
  said = model(x)
  raw = sigmoid(x @ KERNEL)
  np.testing.assert_allclose(said['probability'], sigmoid(x @ KERNEL / 2), atol=1e-6)
  assert said['call'].tolist() == ['yes' if p >= 0.6 else 'no' for p in said['probability']]
  assert said['set'].tolist() == [[1 - p >= 0.4, p >= 0.3] for p in raw]
  for held, decided in zip(said['set'], said['decision'], strict=True):
    assert decided == ('abstain' if held.sum() != 1 else ('no', 'yes')[held.argmax()])
  if count > 3:
    assert set(said['decision']) == {'no', 'yes', 'abstain'}


def test_what_it_says_of_itself(model):
  assert (model.experiment, model.classes, model.card) == ('toy', ('no', 'yes'), '# A')
  assert model.inputs == X
  assert model.manifest['decision']['checkpoint_step'] == 7


def test_one_array_arrays_by_name_and_a_list_of_cases_are_the_same(model):
  x = np.array([[1.0, 0.5], [0.0, 2.0]])
  expected = model(x)['probability']
  for given in ({'x': x, 'more': 1}, [{'x': x[0]}, {'x': x[1]}], {'x': x.tolist()}):
    np.testing.assert_array_equal(model(given)['probability'], expected)


def test_a_case_that_gives_no_number_is_called_nothing(model):
  said = model(np.array([[np.nan, 0], [3, 0]], np.float32))
  assert said['call'].tolist() == ['', 'yes']
  assert said['decision'].tolist() == ['abstain', 'yes']
  assert said['set'].tolist() == [[False, False], [False, True]]


@pytest.mark.parametrize(
  ('given', 'line'),
  [
    ({'y': 1}, "no array 'x'; expected x"),
    (np.zeros(2), r'x is float64 \[2\]; expected float32 \[batch, 2\]'),
    (np.zeros((1, 3)), r'x is float64 \[1, 3\]; expected float32 \[batch, 2\]'),
    ([{'x': np.zeros(3)}], r'x is float64 \[3\]; expected float32 \[2\]'),
    (np.array([['1', '2']]), r'x is <U1 \[1, 2\]; expected float32'),
    (np.zeros((0, 2)), 'no case; expected at least one'),
    ([], 'no case; expected at least one'),
  ],
)
def test_other_arrays_are_refused(model, given, line):
  with pytest.raises(ValueError, match=line):
    model(given)


def test_pixels_that_are_no_bytes_are_refused(tmp_path):
  inputs = {'image': {'dtype': 'uint8', 'shape': ['batch', 2]}}

  def mean(weights, batch):
    return {'predicted': batch['image'].astype(jnp.float32).mean(axis=1)}

  found = medjax.load(write(tmp_path / 'm', mean, None, '', inputs=inputs))
  assert found(np.array([[3, 5]], np.uint8))['predicted'].tolist() == [4.0]
  for wrong in (np.array([[0.1, 0.2]]), np.array([[300, 2]])):
    with pytest.raises(ValueError, match='expected uint8'):
      found(wrong)


def test_several_inputs_need_names(tmp_path):
  inputs = X | {'more': {'dtype': 'float32', 'shape': ['batch']}}

  def both(weights, batch):
    return {'predicted': batch['x'] @ weights['kernel'] + batch['more']}

  found = medjax.load(write(tmp_path / 'm', both, Interval(1, 0.8, 2.0), 'number', inputs=inputs))
  said = found({'x': np.ones((2, 2)), 'more': np.array([0.0, 1.0])})
  assert {name: values.tolist() for name, values in said.items()} == {
    'prediction': [0.5, 1.5], 'low': [-1.5, -0.5], 'high': [2.5, 3.5]
  }  # fmt: skip
  with pytest.raises(ValueError, match='one array; expected arrays by name: x, more'):
    found(np.ones((2, 2)))
  with pytest.raises(ValueError, match='different numbers of cases'):
    found({'x': np.ones((2, 2)), 'more': np.zeros(3)})


def test_any_number_of_classes_and_many(tmp_path):
  one = Decision(1, Calibration(), Estimate(0.4), Conformal('split', 0.9, (0.5, 0.5)))
  other = Decision(1, Calibration('temperature', temperature=2.0), Estimate(0.6), one.conformal)

  def several(weights, batch):
    return {'predicted': jax.nn.sigmoid(batch['x'])}

  decisions = LabelDecisions(1, {'a': one, 'b': other})
  found = medjax.load(write(tmp_path / 'l', several, decisions, 'labels', ('a', 'b')))
  x = np.array([[0.0, 0.0], [-2.0, 2.0]])
  said = found(x)
  np.testing.assert_allclose(said['probability'], sigmoid(x / [1, 2]), atol=1e-6)
  assert said['called'].tolist() == [[True, False], [False, True]]

  def softmax(weights, batch):
    return {'predicted': jax.nn.softmax(jnp.pad(batch['x'], ((0, 0), (0, 1))))}

  many = Decision(1, Calibration(), Estimate(None), Conformal('mondrian', 0.9, (0.2, 0.2, 0.2)))
  found = medjax.load(write(tmp_path / 'c', softmax, many, 'classes', ('a', 'b', 'c')))
  said = found(np.array([[5.0, 0.0], [0.0, 0.0]]))
  assert said['probability'].shape == said['set'].shape == (2, 3)
  assert (said['call'].tolist(), said['decision'].tolist()) == (['a', 'a'], ['a', 'abstain'])


def test_the_members_of_an_ensemble_are_told_apart(tmp_path):
  def ensemble(weights, batch):
    logits = jnp.stack([batch['x'] @ weights['kernel'], batch['x'][:, 0]], axis=1)
    return {'predicted': jax.nn.sigmoid(logits.mean(axis=1)), 'members': jax.nn.sigmoid(logits)}

  found = medjax.load(write(tmp_path / 'e', ensemble, TWO, 'classes', ('no', 'yes')))
  x = np.array([[1.0, 2.0], [1.0, 0.0], [0.5, 1.0]])
  said = found(x)
  each = sigmoid(np.stack([x @ KERNEL, x[:, 0]]) / 2)
  np.testing.assert_allclose(said['spread'], each.std(axis=0, ddof=1), atol=1e-6)
  assert said['spread'][1] == 0


def test_cases_of_unlike_sizes_are_filled_up_with_zeros(tmp_path):
  inputs = {'tokens': {'dtype': 'int32', 'shape': ['batch', '16*positions']}}

  def count(weights, batch):
    wide = jnp.full(batch['tokens'].shape[0], batch['tokens'].shape[1])
    return {'predicted/letters': (batch['tokens'] > 0).sum(axis=1), 'predicted/width': wide}

  axes = {'tokens': ['positions']}
  found = medjax.load(write(tmp_path / 'r', count, None, '', inputs=inputs, axes=axes))
  said = found([{'tokens': np.ones(3, int)}, {'tokens': np.ones(40, int)}])
  assert (said['letters'].tolist(), said['width'].tolist()) == ([3, 40], [48, 48])
  said = found(np.ones((2, 7), int))
  assert (said['letters'].tolist(), said['width'].tolist()) == ([7, 7], [32, 32])


def test_files_that_are_sealed_and_yet_wrong_are_refused(path, tmp_path):
  manifest, members = container.read(path)
  del manifest['digests'], manifest['format']
  for change, line in (
    ({'axes': None}, 'manifest.json is damaged'),
    ({'told': 'kind'}, "manifest.json is damaged ('kind')"),
    ({'decision': {}}, 'manifest.json is damaged'),
    ({'program': {}}, 'manifest.json is damaged'),
    ({'program': manifest['program'] | {'calling_convention': 99}}, 'calling convention 99'),
  ):
    container.write(tmp_path / 'x', manifest | change, members)
    with pytest.raises(UserError) as error:
      medjax.load(tmp_path / 'x')
    assert str(error.value).startswith(f'{tmp_path / "x"}: ')
    assert line in str(error.value)


ALONE = """
import sys
for name in ('absl', 'array_record', 'flax', 'grain', 'jinja2', 'matplotlib', 'optax', 'orbax',
             'PIL', 'rich', 'sklearn', 'tensorboardX', 'tensorflow_datasets', 'threadpoolctl',
             'flatbuffers', 'rdkit', 'safetensors'):
  sys.modules[name] = None  # as if it were not installed
import json, medjax, numpy
model = medjax.load(sys.argv[1])
print(json.dumps(model(numpy.ones((3, 2), numpy.float32))['probability'].tolist()))
"""


@pytest.mark.slow
def test_jax_and_numpy_are_enough(path, model):
  root = str(pathlib.Path(medjax.__file__).parents[1])
  environment = {name: value for name, value in os.environ.items() if name != 'XLA_FLAGS'}
  done = subprocess.run(
    [sys.executable, '-c', ALONE, str(path)],
    env=environment | {'PYTHONPATH': root}, capture_output=True, text=True, timeout=120,
  )  # fmt: skip
  assert done.returncode == 0, done.stderr
  found = json.loads(done.stdout)
  np.testing.assert_allclose(found, model(np.ones((3, 2)))['probability'], atol=1e-6)
