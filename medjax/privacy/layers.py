"""Layers whose gradient of each example is known from what goes in and what comes back.

Each example's gradient of a product is a sum, over positions, of outer products of what went in and
what came back. Its norm is that sum's, or follows from the products of positions with each other
(Gram matrices), whichever is smaller.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from medjax.ops import native

# Layers of flax whose output of an example depends on that example alone. Others of which that
# holds say ``by_example = True``.
_KNOWN: tuple[type[nn.Module], ...] = (
  nn.Dense, nn.Conv, nn.Embed, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.InstanceNorm,
)  # fmt: skip


_OTHER = ('CIRCULAR', 'CAUSAL', 'REFLECT')  # padding of which lax does not know


class UnknownError(Exception):
  """Gradients of examples are not known by layers; the message says why."""


def is_layer(module: nn.Module) -> bool:
  """Whether a module holds parameters and is of a kind that is known."""
  return type(module) in _KNOWN or getattr(module, 'by_example', False)


def at(params: Any, path: tuple[str, ...]) -> Any:
  """The parameters of a module."""
  for name in path:
    params = params[name]
  return params


def put(tree: dict[str, Any], path: tuple[str, ...], leaves: Any) -> None:
  """Sets those of a module."""
  if not path:
    tree.update(leaves)
    return
  for name in path[:-1]:
    tree = tree.setdefault(name, {})
  tree[path[-1]] = leaves


@dataclasses.dataclass(frozen=True)
class Seen:
  """A layer as it is called in a network.

  Attributes:
    path: names of the modules that hold it.
    names: of its parameters.
    y: shape of what comes out, but for the examples.
    dtype: of what comes out.
  """

  path: tuple[str, ...]
  names: tuple[str, ...]
  y: tuple[int, ...]
  dtype: Any

  @property
  def name(self) -> str:
    """One for its path."""
    return '/'.join(self.path)

  def tap(self, own: Any, count: int) -> Any:
    """Zeros, by which is differentiated; of what is added to the output of each example."""
    return jnp.zeros((count, *self.y), self.dtype)

  def tapped(self, module: nn.Module, x: jax.Array, tap: Any) -> tuple[jax.Array, Any]:
    """The output, moved by the tap, and what is kept."""
    return module(x) + tap, x

  def measured(self, own: Any, x: Any, reached: Any) -> tuple[Any, jax.Array]:
    """What ``summed`` needs, and the square of the norm of each example's gradient, [B].

    Args:
      own: parameters of the layer.
      x: what was kept.
      reached: the gradient by the tap.
    """
    raise NotImplementedError

  def summed(self, own: Any, made: Any, factor: jax.Array) -> Any:
    """The sum of the examples' gradients, each times its factor [B]; like ``own``."""
    raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class Product(Seen):
  """A dense layer: [B, ..., D] times [D, F]."""

  def measured(self, own: Any, x: Any, reached: Any) -> tuple[Any, jax.Array]:
    wide_x = x.reshape(len(x), -1, x.shape[-1]).astype(jnp.float32)
    wide_y = reached.reshape(len(x), -1, reached.shape[-1]).astype(jnp.float32)
    squares = jnp.zeros(len(x))
    if 'bias' in own:
      squares += jnp.square(wide_y.sum(axis=1)).sum(axis=1)
    positions, kernel = wide_x.shape[1], own['kernel'].size
    if positions == 1:
      norms = jnp.square(wide_x).sum(axis=(1, 2)) * jnp.square(wide_y).sum(axis=(1, 2))
      return (wide_x, wide_y, None), squares + norms
    if 2 * positions**2 < kernel:
      return (wide_x, wide_y, None), squares + gram(wide_x, wide_y)
    each = jnp.einsum('btd,btf->bdf', wide_x, wide_y)
    return (wide_x, wide_y, each), squares + jnp.square(each).sum(axis=(1, 2))

  def summed(self, own: Any, made: Any, factor: jax.Array) -> Any:
    x, y, each = made
    there = (factor > 0)[:, None, None]
    weighted = jnp.where(there, y * factor[:, None, None], 0)
    if each is not None:
      kernel = jnp.einsum('bdf,b->df', jnp.where(there, each, 0), factor)
    else:
      flat_x, flat_y = (
        jnp.where(there, one, 0).reshape(-1, one.shape[-1]) for one in (x, weighted)
      )
      kernel = flat_x.T @ flat_y
    grads = {'kernel': kernel}
    return grads | ({'bias': weighted.sum(axis=(0, 1))} if 'bias' in own else {})


def gram(x: jax.Array, y: jax.Array) -> jax.Array:
  """Squares of the norms of sum_t x[b, t] y[b, t]^T, of x [B, T, D] and y [B, T, F]; [B]."""
  of_x, of_y = (jnp.einsum('btd,bsd->bts', one, one) for one in (x, y))
  # What is not negative may be rounded to be.
  return jnp.maximum(jnp.einsum('bts,bts->b', of_x, of_y), 0)


@dataclasses.dataclass(frozen=True)
class Lookup(Seen):
  """An embedding: whole numbers [B, ...] to rows [B, ..., F] of a table."""

  def measured(self, own: Any, x: Any, reached: Any) -> tuple[Any, jax.Array]:
    numbers = x.reshape(len(x), -1)
    y = reached.reshape(*numbers.shape, -1).astype(jnp.float32)
    equal = (numbers[:, :, None] == numbers[:, None, :]).astype(jnp.float32)
    of_y = jnp.einsum('btf,bsf->bts', y, y)
    return (numbers, y), jnp.maximum(jnp.einsum('bts,bts->b', equal, of_y), 0)

  def summed(self, own: Any, made: Any, factor: jax.Array) -> Any:
    numbers, y = made
    weighted = jnp.where((factor > 0)[:, None, None], y * factor[:, None, None], 0)
    table = jnp.zeros(own['embedding'].shape, jnp.float32)
    return {'embedding': table.at[numbers].add(weighted)}


@dataclasses.dataclass(frozen=True)
class Each(Seen):
  """Any layer whose parameters are few: the gradient of each example is made.

  Attributes:
    module: the layer, of no network.
    in_turn: examples one after the other, which a CPU's kernels are made for; else all at once.
  """

  module: nn.Module
  in_turn: bool

  def tap(self, own: Any, count: int) -> Any:
    """Zeros that are added to the parameters of each example."""
    return jax.tree.map(lambda leaf: jnp.zeros((count, *leaf.shape), leaf.dtype), own)

  def tapped(self, module: nn.Module, x: jax.Array, tap: Any) -> tuple[jax.Array, Any]:
    return self._output(tap, module.variables['params'], x), ()

  def measured(self, own: Any, x: Any, reached: Any) -> tuple[Any, jax.Array]:
    wide = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), reached)
    return wide, sum(
      jnp.square(leaf).reshape(len(leaf), -1).sum(axis=1) for leaf in jax.tree.leaves(wide)
    )  # type: ignore[return-value]

  def summed(self, own: Any, made: Any, factor: jax.Array) -> Any:
    def leaf_of(leaf: jax.Array) -> jax.Array:
      there = (factor > 0).reshape(-1, *[1] * (leaf.ndim - 1))
      return jnp.tensordot(factor, jnp.where(there, leaf, 0), 1)

    return jax.tree.map(leaf_of, dict(made))

  def _of_one(self, own: Any, x: jax.Array) -> jax.Array:
    return self._apply(own, x[None])[0]

  def _apply(self, own: Any, x: jax.Array) -> jax.Array:
    return self.module.apply({'params': own}, x)  # type: ignore[return-value]

  def _output(self, tap: Any, own: Any, x: jax.Array) -> jax.Array:
    """The output of all; by ``tap`` and by x it is differentiated example by example."""
    if self.in_turn and getattr(self.module, 'by_example', False) and native.available():
      # A kernel in C++ is called for each example as it is; what it keeps is of that example.
      moved = jax.tree.map(lambda leaf, zeros: leaf + zeros, own, tap)
      return jax.vmap(self._of_one)(moved, x)

    @jax.custom_vjp
    def output(tap: Any, own: Any, x: jax.Array) -> jax.Array:
      del tap
      return self._apply(own, x)

    def forward(tap: Any, own: Any, x: Any) -> Any:
      del tap
      return self._apply(own, x), (own, x)

    def backward(kept: Any, reached: jax.Array) -> Any:
      own, x = kept

      def of_one(x: jax.Array, reached: jax.Array) -> Any:
        return jax.vjp(lambda own: self._of_one(own, x), own)[1](reached)[0]

      if self.in_turn:
        each = jax.lax.map(lambda pair: of_one(*pair), (x, reached))
      else:
        each = jax.vmap(of_one)(x, reached)
      (of_x,) = jax.vjp(lambda x: self._apply(own, x), x)[1](reached)
      return each, jax.tree.map(jnp.zeros_like, own), of_x

    output.defvjp(forward, backward)
    return output(tap, own, x)


@dataclasses.dataclass(frozen=True)
class Patches(Seen):
  """A convolution with many parameters and few places: by Gram matrices of patches.

  Attributes:
    module: the layer, of no network.
  """

  module: nn.Module

  def measured(self, own: Any, x: Any, reached: Any) -> tuple[Any, jax.Array]:
    module: Any = self.module
    spatial = x.ndim - 2
    letters = 'HWD'[:spatial]
    kernel = own['kernel'].shape[:spatial]
    ones = (1,) * spatial
    padding = _padding(module.padding, spatial)
    patches = jax.lax.conv_general_dilated_patches(
      x,
      kernel,
      _tuple(module.strides, spatial) or ones,
      padding,
      rhs_dilation=_tuple(module.kernel_dilation, spatial) or ones,
      dimension_numbers=(f'N{letters}C', f'{letters}IO', f'N{letters}C'),
    )
    wide_x = patches.reshape(len(x), -1, patches.shape[-1]).astype(jnp.float32)
    wide_y = reached.reshape(len(x), -1, reached.shape[-1]).astype(jnp.float32)
    squares = gram(wide_x, wide_y)
    if 'bias' in own:
      squares += jnp.square(wide_y.sum(axis=1)).sum(axis=1)
    return (x, reached), squares

  def summed(self, own: Any, made: Any, factor: jax.Array) -> Any:
    x, reached = made

    def kept(leaf: jax.Array, scale: jax.Array | float) -> jax.Array:
      there = (factor > 0).reshape(-1, *[1] * (leaf.ndim - 1))
      return jnp.where(there, leaf * scale, 0).astype(leaf.dtype)

    scale = factor.reshape(-1, *[1] * (reached.ndim - 1))
    whole = kept(x, 1.0)
    back = jax.vjp(lambda own: self.module.apply({'params': own}, whole), dict(own))[1]
    return back(kept(reached, scale))[0]


def seen(module: nn.Module, x: jax.Array, y: jax.Array) -> Seen:
  """How a layer's gradients are found.

  Args:
    module: the layer, in its network.
    x: what goes in, [B, ...].
    y: what comes out, [B, ...].

  Raises:
    UnknownError: it is set up in a way that is not known.
  """
  own: Mapping[str, Any] = module.variables['params']
  if module.variables.keys() - {'params'}:
    raise UnknownError('a layer with a state')
  about: dict[str, Any] = {
    'path': module.path, 'names': tuple(own), 'y': y.shape[1:], 'dtype': y.dtype,
  }  # fmt: skip
  alone = module.clone(parent=None, name=None)
  cpu = jax.default_backend() == 'cpu'
  if isinstance(module, nn.Dense) and module.dot_general is None:
    return Product(**about)
  if isinstance(module, nn.Embed):
    if y.ndim < x.ndim + 1:
      raise UnknownError('an embedding of one entry')
    return Lookup(**about)
  if isinstance(module, nn.Conv):
    places = y[0, ..., 0].size
    simple = (
      module.mask is None and module.feature_group_count == 1 and module.padding not in _OTHER
    )
    if x.ndim != own['kernel'].ndim:
      raise UnknownError('a convolution of more axes')
    if simple and 2 * places**2 < own['kernel'].size:
      return Patches(**about, module=alone)
    return Each(**about, module=alone, in_turn=cpu)
  return Each(**about, module=alone, in_turn=cpu and getattr(module, 'by_example', False))


def _tuple(value: Any, count: int) -> tuple[int, ...] | None:
  if value is None:
    return None
  return (value,) * count if isinstance(value, int) else tuple(value)


def _padding(padding: Any, count: int) -> Any:
  if isinstance(padding, str):
    return padding
  if isinstance(padding, int):
    return [(padding, padding)] * count
  return [(one, one) if isinstance(one, int) else tuple(one) for one in padding]
