"""Programs are for any number of cases and any platform, and give what the function gives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from medjax import runtime
from medjax.errors import UserError
from medjax.exported import program

WEIGHTS = {'kernel': np.array([[1.0], [-2.0]], np.float32), 'unused': np.zeros(3, np.float32)}
INPUTS = {
  'x': {'dtype': 'uint8', 'shape': ['batch', 2]},
  'letters': {'dtype': 'int32', 'shape': ['batch', '16*places']},
}


def function(weights, batch):
  """A logistic regression, and how many letters there are."""
  logits = batch['x'].astype(jnp.float32) @ weights['kernel']
  return {
    'predicted': jax.nn.sigmoid(logits[:, 0]),
    'count': (batch['letters'] > 0).sum(axis=1),
    'each': batch['letters'] * 2,
  }


@pytest.fixture(scope='module')
def made():
  with runtime.without_source_paths():
    return program.write(function, WEIGHTS, INPUTS)


@pytest.mark.parametrize(('cases', 'places'), [(1, 16), (3, 48), (32, 32)])
def test_any_number_of_cases_and_places(made, cases, places):
  call = program.read(*made, WEIGHTS).call
  x = np.random.default_rng(cases).integers(0, 3, (cases, 2), np.uint8)
  letters = np.ones((cases, places), np.int32)
  letters[:, 5:] = 0
  found = jax.jit(call)(WEIGHTS, {'x': x, 'letters': letters})
  expected = 1 / (1 + np.exp(-(x[:, 0] - 2.0 * x[:, 1])))
  np.testing.assert_allclose(found['predicted'], expected, rtol=1e-6)
  assert (np.asarray(found['count']) == 5).all()
  np.testing.assert_array_equal(found['each'], letters * 2)


def test_what_is_known_of_it_beside_the_program(made):
  about = made[1]
  assert about['platforms'] == ['cpu', 'cuda', 'tpu']
  assert about['inputs'] == INPUTS
  assert about['outputs']['predicted'] == {'dtype': 'float32', 'shape': ['batch']}
  assert about['outputs']['each'] == {'dtype': 'int32', 'shape': ['batch', '16*places']}


def test_it_calls_nothing_that_only_this_process_has_and_names_no_files(made):
  assert b'.py' not in made[0]
  text = program.read(*made, WEIGHTS).mlir_module()
  calls = [line for line in text.splitlines() if 'custom_call' in line]
  assert calls  # the size that is a multiple of 16 is asserted
  assert all('@shape_assertion' in line for line in calls)


def test_a_size_that_is_no_multiple_is_refused(made):
  call = program.read(*made, WEIGHTS).call
  batch = {'x': np.zeros((2, 2), np.uint8), 'letters': np.zeros((2, 17), np.int32)}
  with pytest.raises(ValueError, match='had remainder 1'):
    jax.jit(call)(WEIGHTS, batch)


def test_a_program_of_another_convention_is_refused(made):
  with pytest.raises(UserError, match=r'calling convention 99, and jax .* export the run again'):
    program.read(made[0], made[1] | {'calling_convention': 99}, WEIGHTS)
