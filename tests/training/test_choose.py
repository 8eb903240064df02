"""Which checkpoint is taken on few validation cases, and that this does no harm."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from medjax.evaluation import Predictions, auroc
from medjax.evaluation.delong import delong_covariance
from medjax.outcomes import Classes
from medjax.training.choose import choose


def table(label, probability, group=None):
  ids = np.arange(len(label)).astype(str)
  return Predictions(
    id=ids,
    label=np.asarray(label),
    probability=np.asarray(probability, float),
    group=ids if group is None else group,
    split='val',
    classes=('no', 'yes'),
    metadata={},
  )


def pair(count, seed=0, gain=0.0):
  random = np.random.default_rng(seed)
  label = np.arange(count) % 2
  shared = random.normal(size=count) + label
  best, last = (shared + 0.3 * random.normal(size=count) + more * label for more in (gain, 0.0))
  return label, 1 / (1 + np.exp(-best)), 1 / (1 + np.exp(-last))


def test_a_difference_within_its_standard_error_is_luck():
  label, best, last = pair(40, seed=2)
  found = choose(Classes(), table(label, best), table(label, last))
  gap = auroc(label, best) - auroc(label, last)
  assert gap > 0
  assert not found.best
  assert found.reason.startswith(
    f'on 40 validation cases the AUROC of the best checkpoint is {gap:.2g} above that of the last'
  )
  assert 'may be luck, so the last is taken' in found.reason


def test_a_difference_of_more_than_its_standard_error_counts():
  label, best, last = pair(40, gain=2.0)
  found = choose(Classes(), table(label, best), table(label, last))
  assert found.best
  assert 'as it is more, the best is taken' in found.reason


def test_the_standard_error_is_that_of_delong():
  label, best, last = pair(90, seed=2)
  found = choose(Classes(), table(label, best), table(label, last))
  _, covariance = delong_covariance(label, np.stack([best, last]))
  error = (covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]) ** 0.5
  said = float(found.reason.split('standard error of ')[1].split(';')[0])
  assert said == pytest.approx(error, rel=0.1)


def test_many_cases_are_enough_and_groups_are_what_counts():
  label, best, last = pair(200, seed=4)
  one, other = (label, best), (label, last)
  many = choose(Classes(), table(*one), table(*other))
  assert many.best
  assert many.reason.endswith('the best is taken, as from 100 cases on')
  group = np.arange(200) // 10
  few = choose(Classes(), table(*one, group), table(*other, group))
  assert few.reason.startswith('on 20 validation groups')


def test_what_has_no_score_is_not_compared():
  label = np.array([0, 0, 0, 1])
  best, last = table(label, [0.1, 0.2, 0.3, 0.9]), table(label, [0.1, 0.2, 0.3, 0.25])
  found = choose(Classes(), best, last)  # without its one positive case there is no AUROC
  assert not found.best
  assert 'with an unknown standard error' in found.reason
  nothing = table(np.zeros(4, int), [0.1, 0.2, 0.3, 0.4])
  assert choose(Classes(), nothing, nothing).reason == ''


EPOCHS, TRAIN, TEST, INPUTS = 20, 100, 1500, 20


def _data(key, count, strength):
  one, two = jax.random.split(key)
  x = jax.random.normal(one, (count, INPUTS))
  logit = strength * (x[:, :3].sum(1) + 1.2 * x[:, 0] * x[:, 1])
  return x, (jax.random.uniform(two, (count,)) < jax.nn.sigmoid(logit)).astype(jnp.float32)


def _output(parameters, x):
  first, second = parameters
  return (jax.nn.relu(x @ first) @ second)[:, 0]


@functools.partial(jax.jit, static_argnums=3)
def _studies(keys, rate, strength, cases):
  """Outputs of a network on validation [S, E, cases] and test after each epoch, and labels."""

  def study(key):
    of_train, of_val, of_test, of_first, of_second, of_order = jax.random.split(key, 6)
    (x, y), val, test = (
      _data(k, n, strength) for k, n in ((of_train, TRAIN), (of_val, cases), (of_test, TEST))
    )
    first = jax.random.normal(of_first, (INPUTS, 32)) * (2 / INPUTS) ** 0.5
    parameters = (first, jax.random.normal(of_second, (32, 1)) * 32**-0.5)
    optimizer = optax.adam(rate)

    def epoch(carry, number):
      order = jax.random.permutation(jax.random.fold_in(of_order, number), TRAIN).reshape(4, -1)

      def step(carry, rows):
        parameters, state = carry

        def loss(p):
          return optax.sigmoid_binary_cross_entropy(_output(p, x[rows]), y[rows]).mean()

        updates, state = optimizer.update(jax.grad(loss)(parameters), state)
        return (optax.apply_updates(parameters, updates), state), None

      carry, _ = jax.lax.scan(step, carry, order)
      return carry, (_output(carry[0], val[0]), _output(carry[0], test[0]))

    _, outputs = jax.lax.scan(epoch, (parameters, optimizer.init(parameters)), jnp.arange(EPOCHS))
    return *outputs, val[1], test[1]

  return jax.vmap(study)(keys)


@pytest.mark.slow
@pytest.mark.parametrize('cases', [15, 30, 60])
def test_few_validation_cases_do_no_harm(cases):
  """On average over fast and slow training, of strong and weak effects, it is no worse."""
  outcome, of_best, of_taken = Classes(), [], []
  for rate, strength in ((3e-2, 1.0), (1e-2, 1.0), (1e-3, 1.0), (1e-2, 0.4)):
    keys = jax.random.split(jax.random.key(0), 60)
    on_val, on_test, of_val, of_test = map(np.asarray, _studies(keys, rate, strength, cases))
    for val, test, labels, truth in zip(on_val, on_test, of_val, of_test, strict=True):
      if 0 < labels.sum() < cases:
        scores = [auroc(labels, output) for output in val]
        best = int(np.argmax(scores))
        tables = (table(labels.astype(int), jax.nn.sigmoid(val[e])) for e in (best, -1))
        taken = best if choose(outcome, *tables).best else EPOCHS - 1
        of_best.append(auroc(truth, test[best]))
        of_taken.append(auroc(truth, test[taken]))
  means = np.mean(of_best), np.mean(of_taken)
  print('{} cases, {} studies: {:.3f} best, {:.3f} by the rule'.format(cases, len(of_best), *means))
  assert len(of_best) > 200
  assert means[1] >= means[0]
