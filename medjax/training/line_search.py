"""The loss as a function that a line search may evaluate and differentiate."""

from collections.abc import Callable
from typing import Any

import jax


def value_fn(loss_and_grads: Callable[[Any], tuple[jax.Array, Any]]) -> Callable[[Any], jax.Array]:
  """The loss of parameters, whose derivative is the gradient that the step computes.

  JAX's own derivative of a sum over devices counts each device's share as often as there are
  devices, so it is said here.

  Args:
    loss_and_grads: parameters -> (loss, gradients), both already summed over devices.

  Example:
    >>> square = value_fn(lambda x: (x * x, 2 * x))
    >>> float(jax.grad(square)(3.0))
    6.0
  """

  @jax.custom_vjp
  def value(params: Any) -> jax.Array:
    return loss_and_grads(params)[0]

  def backward(grads: Any, slope: jax.Array) -> tuple[Any]:
    return (jax.tree.map(lambda grad: slope * grad, grads),)

  value.defvjp(loss_and_grads, backward)
  return value
