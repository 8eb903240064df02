"""Adam whose update is one pass over memory on a CPU, and the update of any optimiser.

With a large dense layer the update is a good part of a step, not the convolutions alone: as XLA
compiles them, optax's transformations and the norms that are logged beside them go over the
parameters many times.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax

from medjax.config import Config, setting
from medjax.errors import UserError
from medjax.ops import native


@dataclasses.dataclass(frozen=True)
class Adam:
  """Adam, with decoupled weight decay and clipping of the gradient if asked for.

  An optax transformation: ``init`` and ``update`` are those of ``optax.chain(
  optax.clip_by_global_norm(clip_norm), optax.adamw(learning_rate, weight_decay=weight_decay))``.
  ``step`` also applies the update, in one pass where there is a kernel for it (see ``ops.native``),
  with results that differ from optax's by rounding.

  Attributes:
    learning_rate: a number, or a schedule of the number of updates done.
    weight_decay: what is taken of the parameters at each update, as a share of the learning rate.
    clip_norm: largest norm of the gradient over all parameters; None for any.
    b1: decay of the mean of gradients.
    b2: decay of the mean of their squares.
    eps: added to the root of the latter.
    rates: ``rates(params)`` gives a tree of numbers like ``params``, by which the learning rate of
      each is multiplied; None for 1. Parameters with 0 stay as they are to the bit, whatever their
      weight decay, and no means are kept for them; ``clip_norm`` looks at their gradients too.

  Example:
    >>> optimizer, params = Adam(0.1), {'w': jnp.ones(2)}
    >>> found = optimizer.step({'w': jnp.array([1.0, -2.0])}, optimizer.init(params), params)
    >>> found.params['w'].round(3).tolist()
    [0.8999999761581421, 1.100000023841858]
  """

  learning_rate: float | optax.Schedule
  weight_decay: float = 0.0
  clip_norm: float | None = None
  b1: float = 0.9
  b2: float = 0.999
  eps: float = 1e-8
  rates: Callable[[Any], Any] | None = None

  def init(self, params: Any) -> optax.ScaleByAdamState:
    """The state before the first update."""
    return self._direction().init(self._learning(params, params))

  def update(
    self, updates: Any, state: optax.ScaleByAdamState, params: Any = None
  ) -> tuple[Any, optax.ScaleByAdamState]:
    """What is to be added to the parameters for a gradient, and the state after it."""
    scale = self._gradient_scale(updates)
    if scale is not None:
      updates = jax.tree.map(lambda leaf: scale * leaf, updates)
    grads = updates
    updates, new = self._direction().update(self._learning(grads, params), state)
    if self.weight_decay:
      learning = self._learning(params, params)
      updates = jax.tree.map(lambda u, p: u + self.weight_decay * p, updates, learning)
    rate = self._rate(state.count)

    def scaled(update: jax.Array, grad: jax.Array, factor: float) -> jax.Array:
      return -rate * factor * update if factor else jnp.zeros_like(grad)

    return jax.tree.map(scaled, updates, grads, self._factors(params, grads)), new

  def step(self, grads: Any, state: optax.ScaleByAdamState, params: Any) -> 'Step':
    """The update applied."""
    leaves = jax.tree.leaves(params)
    if not native.available() or any(leaf.dtype != jnp.float32 for leaf in leaves):
      updates, state = self.update(grads, state, params)
      return Step(optax.apply_updates(params, updates), state, norm(grads), norm(updates))
    count = optax.safe_increment(state.count)
    scale = self._gradient_scale(grads)
    numbers = [
      self._rate(state.count),
      self.eps,
      self.weight_decay,
      1.0 if scale is None else scale,
    ]
    for decay in (self.b1, self.b2):
      # 1 - decay**count loses half its digits in float32.
      numbers += [decay, 1 - decay, -1 / jnp.expm1(count * math.log(decay))]
    # Numbers of every gradient, which the kernel does not read: with them XLA sees that the
    # parameters are overwritten after all their uses, and makes no copy of them.
    numbers += [leaf.ravel()[0] for leaf in jax.tree.leaves(grads) if leaf.size]
    settings = jnp.stack([jnp.asarray(number, jnp.float32) for number in numbers])

    def of_leaf(
      param: jax.Array, mu: jax.Array, nu: jax.Array, grad: jax.Array, factor: float
    ) -> list[jax.Array]:
      if not factor:
        return [param, mu, nu, jnp.stack([jnp.vdot(grad, grad), jnp.zeros(())])]
      results = [(param.shape, jnp.float32)] * 3 + [((2,), jnp.float32)]
      numbers = settings if factor == 1 else settings.at[0].multiply(factor)
      return native.call('medjax_adam', results, param, mu, nu, grad, numbers, in_place=3)

    factors = self._factors(params, params)
    found = jax.tree.map(of_leaf, params, state.mu, state.nu, grads, factors)
    structure = jax.tree.structure(params)
    new, mu, nu, squares = jax.tree.transpose(structure, jax.tree.structure([0] * 4), found)
    of_grads, of_updates = jnp.sqrt(sum(jax.tree.leaves(squares)))
    return Step(new, optax.ScaleByAdamState(count, mu, nu), of_grads, of_updates)

  def _direction(self) -> optax.GradientTransformation:
    return optax.scale_by_adam(self.b1, self.b2, self.eps)

  def _factors(self, params: Any, like: Any) -> Any:
    """What the learning rate of each parameter is multiplied by; a tree like both arguments."""
    return jax.tree.map(lambda leaf: 1.0, like) if self.rates is None else self.rates(params)

  def _learning(self, tree: Any, params: Any) -> Any:
    """The tree with one zero in the place of what belongs to parameters that stay as they are.

    Not an array of none: Orbax does not write those.
    """
    factors = self._factors(params, tree)
    return jax.tree.map(lambda leaf, f: leaf if f else jnp.zeros(1, leaf.dtype), tree, factors)

  def _rate(self, count: jax.Array) -> Any:
    return self.learning_rate(count) if callable(self.learning_rate) else self.learning_rate

  def _gradient_scale(self, grads: Any) -> jax.Array | None:
    """What the gradient is multiplied by, so that its norm is at most ``clip_norm``."""
    if self.clip_norm is None:
      return None
    found = norm(grads)
    return jnp.where(found < self.clip_norm, 1.0, self.clip_norm / found)


@dataclasses.dataclass
class Settings:
  """How the step size changes over a training, and what restrains it."""

  schedule: Literal['constant', 'cosine', 'steps'] = setting(
    'constant',
    'The step size stays, falls to 0 along half a cosine, or to a tenth after half of the updates '
    'and again after three quarters.',
  )
  warmup_epochs: float = setting(0.0, 'Epochs in which the step size rises from 0.', low=0.0)
  weight_decay: float = setting(
    0.0, 'Share of the parameters taken away each update, times the step size.', low=0.0
  )
  clip_norm: float = setting(0.0, 'Largest norm of the gradient; 0 for any.', low=0.0)

  def adam(self, config: Config, examples: int, rates: Callable[[Any], Any] | None = None) -> Adam:
    """Adam with these settings.

    Args:
      config: of the experiment: its learning rate, batch size and epochs.
      examples: in training.
      rates: see ``Adam``.

    Raises:
      UserError: the warm-up is as long as the training.
    """
    epoch = -(-examples // config.batch_size)
    warmup, total = round(self.warmup_epochs * epoch), config.num_epochs * epoch
    if warmup >= total:
      raise UserError(
        f'config.optimizer.warmup_epochs={self.warmup_epochs:g}: expected fewer than '
        f'config.num_epochs={config.num_epochs}'
      )
    rate: float | optax.Schedule = config.learning_rate
    if self.schedule == 'cosine':
      rate = optax.warmup_cosine_decay_schedule(0.0, config.learning_rate, warmup, total)
    elif self.schedule == 'steps' or warmup:
      at = {total // 2: 0.1, 3 * total // 4: 0.1} if self.schedule == 'steps' else {}
      falling = optax.piecewise_constant_schedule(config.learning_rate, at)
      rising = optax.linear_schedule(0.0, 1.0, max(warmup, 1))
      rate = (lambda count: rising(count) * falling(count)) if warmup else falling
    return Adam(rate, self.weight_decay, self.clip_norm or None, rates=rates)


@dataclasses.dataclass(frozen=True)
class Step:
  """What an update gives.

  Attributes:
    params: the new parameters.
    state: the optimiser's, after it.
    grad_norm: Euclidean norm of the gradient over all parameters, before any clipping.
    update_norm: that of what was added to the parameters.
  """

  params: Any
  state: Any
  grad_norm: jax.Array
  update_norm: jax.Array


def step(optimizer: Any, grads: Any, state: Any, params: Any, **extra: Any) -> Step:
  """The update of any optimiser, applied.

  Args:
    optimizer: ``Adam`` or an optax transformation.
    grads: like ``params``.
    state: the optimiser's.
    params: tree of arrays.
    **extra: what only some transformations look at, such as those that search along a line.
  """
  if isinstance(optimizer, Adam):
    return optimizer.step(grads, state, params)
  updates, state = optax.with_extra_args_support(optimizer).update(grads, state, params, **extra)
  return Step(optax.apply_updates(params, updates), state, norm(grads), norm(updates))


def norm(tree: Any) -> jax.Array:
  """Euclidean norm of all leaves; products, as XLA would write the squares to memory first."""
  return jnp.sqrt(sum(jnp.vdot(leaf, leaf) for leaf in jax.tree.leaves(tree)))
