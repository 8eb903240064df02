"""The mean of a Gaussian process, given what was seen of training cases."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax.models.base import FIXED

# What an array of the covariance holds: the variance that goes with the likeness of fingerprints,
# that which goes with the nearness of descriptors, and how far apart near ones are.
COVARIANCE = ('fingerprint', 'descriptors', 'width')


class GaussianProcess(nn.Module):
  """Outputs by how like a case is to each training case, of which nothing changes in training.

  Its variables are in the collection ``FIXED``: 'cases', float32 [cases, D], what is seen of each;
  'weights', float32 [cases, outputs]; 'mean', float32 [outputs], far away from all; and
  'covariance', float32 [3], see ``COVARIANCE``. Outputs have no gradient.

  Attributes:
    outputs: numbers a case.
    cases: training cases.
    bits: columns of the fingerprint, which are not negative; those behind them are descriptors in
      standard deviations.
    link: 'identity', or 'log_sigmoid', the logarithm of a share that is given by its logit.

  Example:
    >>> model = GaussianProcess(outputs=1, cases=9, bits=3)
    >>> variables = model.init(jax.random.key(0), jnp.ones((2, 5)))
    >>> model.apply(variables, jnp.ones((2, 5))).shape
    (2, 1)

  Source:
    Rasmussen, C. E. and Williams, C. K. I. (2006), Gaussian Processes for Machine Learning, MIT
    Press, equations 2.25 and 3.21.
  """

  outputs: int
  cases: int
  bits: int
  link: str = 'identity'

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    """Outputs, float32 [B, outputs].

    Args:
      x: floating [B, D].
    """
    if self.link not in ('identity', 'log_sigmoid'):
      raise ValueError(f'link={self.link}: expected identity or log_sigmoid')

    def held(name: str, *shape: int) -> jax.Array:
      return self.variable(FIXED, name, jnp.zeros, shape, jnp.float32).value

    cases = held('cases', self.cases, x.shape[1])
    weights = held('weights', self.cases, self.outputs)
    mean = held('mean', self.outputs)
    found = held('covariance', len(COVARIANCE))
    like = covariance(found, *likeness(x.astype(jnp.float32), cases, self.bits))
    outputs = jax.lax.stop_gradient(mean + jnp.matmul(like, weights, precision='highest'))
    return outputs if self.link == 'identity' else jax.nn.log_sigmoid(outputs)


def likeness(x: jax.Array, y: jax.Array, bits: int) -> tuple[jax.Array, jax.Array]:
  """The Tanimoto similarity of fingerprints, and the mean squared difference of descriptors.

  Args:
    x: float32 [B, D], the first ``bits`` columns of which are a fingerprint; two without any
      substructure are alike.
    y: float32 [N, D].
    bits: columns.

  Returns:
    Two of float32 [B, N]: from 0 to 1, and not negative. Without such columns nothing is similar,
    and all is infinitely far apart.

  Source:
    Ralaivola, L., Swamidass, S. J., Saigo, H. and Baldi, P. (2005), Graph kernels for chemical
    informatics, Neural Networks 18:1093-1110; for counts Tripp, A., Bacallado, S., Singh, S. and
    Hernandez-Lobato, J. M. (2023), Tanimoto random features for scalable molecular machine
    learning, NeurIPS.
  """
  both, of_x, of_y = _products(x[:, :bits], y[:, :bits])
  either = of_x + of_y - both
  similar = jnp.where(either > 0, both / jnp.where(either > 0, either, 1), 1.0)
  both, of_x, of_y = _products(x[:, bits:], y[:, bits:])
  descriptors = x.shape[1] - bits
  apart = jnp.maximum(of_x + of_y - 2 * both, 0) / max(descriptors, 1)
  return similar * (bits > 0), apart if descriptors else jnp.full_like(apart, jnp.inf)


def covariance(found: Any, similar: Any, apart: Any, exp: Callable[[Any], Any] = jnp.exp) -> Any:
  """Of the process at pairs of cases, of the shape of ``similar``.

  Args:
    found: [3], see ``COVARIANCE``.
    similar: and ``apart``, as ``likeness`` gives them.
    apart: see there.
    exp: the exponential function, NumPy's for its arrays.
  """
  fingerprint, descriptors, width = found[0], found[1], found[2]
  # Variables as they are created are 0: then nothing is like anything.
  return fingerprint * similar + descriptors * exp(-apart / (width + (width == 0)))


def _products(x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
  """Inner products [B, N], and squared lengths [B, 1] and [N]."""
  both = jnp.matmul(x, y.T, precision='highest')
  return both, (x * x).sum(axis=1, keepdims=True), (y * y).sum(axis=1)
