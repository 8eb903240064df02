"""Messages along directed bonds, over all rows or over the distinct ones."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from medjax.models.flat_graph import FlatGraph, reverse
from medjax.ops import shared_rows
from medjax.ops.gathers import gather_sum
from medjax.ops.shared_rows import Table, distinct, matmul, mix, relu_sum


class Weights(NamedTuple):
  """Of a D-MPNN with H hidden units.

  Attributes:
    input: [F + G, H], of an atom and a bond.
    message: [H, H].
    readout: [F + H, H], of an atom and the messages that enter it.
    bias: [H], of the readout.
  """

  input: jax.Array
  message: jax.Array
  readout: jax.Array
  bias: jax.Array


def plain_atoms(
  graph: FlatGraph, weights: Weights, depth: int, drop: Callable[[jax.Array], jax.Array]
) -> jax.Array:
  """Atoms after all rounds, [P, H], every row by itself; see ``DMPNN``.

  Args:
    graph: P atoms.
    weights: of the layers.
    depth: rounds of messages and one.
    drop: dropout.
  """
  of_atom = graph.atoms.shape[1]
  # Of an atom once, and not for each of its bonds.
  of_source = gather_sum(
    graph.atoms @ weights.input[:of_atom], graph.source[:, None], graph.outgoing
  )
  start = of_source + graph.bonds @ weights.input[of_atom:]
  h = jax.nn.relu(start)
  for _ in range(depth - 1):
    entering = gather_sum(h, graph.incoming, graph.target[:, None])
    message = gather_sum(entering, graph.source[:, None], graph.outgoing) - reverse(h)
    h = drop(jax.nn.relu(start + message @ weights.message))
  entering = gather_sum(h, graph.incoming, graph.target[:, None])
  x = graph.atoms @ weights.readout[:of_atom] + entering @ weights.readout[of_atom:]
  return drop(jax.nn.relu(x + weights.bias))


def shared_atoms(graph: FlatGraph, weights: Weights, depth: int) -> jax.Array:
  """As ``plain_atoms`` without dropout; what is equal in a batch is computed once.

  Two bonds get the same message in a round where the same bonds, as far as the round before can
  tell them apart, enter the atoms that they leave: colour refinement, done on fingerprints of 64
  bits by the sums of the network itself. Equal bonds have other derivatives each, so that where
  those of the inputs are asked for, values and derivatives are those of ``plain_atoms``.
  """
  features = (graph.atoms, graph.bonds)
  places: Any = graph
  return _either(features, weights, places._replace(atoms=None, bonds=None), depth)


def _shared(graph: FlatGraph, weights: Weights, depth: int) -> jax.Array:
  atoms, bonds = graph.atoms, graph.bonds
  of_atom, none = atoms.shape[1], bonds.shape[0]

  def entering(colours: jax.Array) -> jax.Array:
    """The sum over bonds that enter each atom, uint32 [P, 2]."""
    return _taken(mix(colours), graph.incoming).sum(axis=1, dtype=jnp.uint32)

  of_atoms = shared_rows.colour(atoms)
  first_colours = mix(_taken(of_atoms, graph.source)) + shared_rows.colour(bonds)
  kinds = distinct(first_colours)
  parts = [_taken(atoms, _taken(graph.source, kinds.rows)), _taken(bonds, kinds.rows)]
  start = matmul(Table(jnp.concatenate(parts, axis=-1), kinds.number), weights.input)
  # A bond is relu(start[kinds.slot] + update[slot]); so far there is no update.
  update = Table(jnp.zeros((1, start.values.shape[1])), jnp.int32(1))
  slot = jnp.zeros(none, jnp.int32)

  def indices(lists: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Where ``relu_sum`` finds the bonds of lists."""
    return _taken(kinds.slot, lists, -1), _taken(slot, lists)

  others, colours = _others(graph), first_colours
  for _ in range(depth - 1):
    messages = mix(_taken(entering(colours), graph.source) - reverse(mix(colours)))
    same = distinct(messages)
    lists = _taken(others, same.rows, none)
    message, start = relu_sum(start, update, *indices(lists), same.number)
    update, slot = matmul(message, weights.message), same.slot
    colours = mix(first_colours) + messages
  same = distinct(mix(of_atoms) + entering(colours))
  lists = _taken(graph.incoming, same.rows, none)
  around, _ = relu_sum(start, update, *indices(lists), same.number)
  around = matmul(around, weights.readout[of_atom:])
  types = distinct(of_atoms)
  x = jnp.pad(_taken(atoms, types.rows), ((0, 0), (0, 1)), constant_values=1)
  alone = matmul(
    Table(x, types.number), jnp.concatenate([weights.readout[:of_atom], weights.bias[None]])
  )
  i = jnp.where(graph.there, types.slot, -1)[:, None]
  return relu_sum(alone, around, i, same.slot[:, None], jnp.int32(len(atoms)))[0].values


def _taken(values: jax.Array, index: jax.Array, fill: int = 0) -> jax.Array:
  """Rows by number, and ``fill`` where there is none of that number."""
  return values.at[index].get(mode='fill', fill_value=fill)


def _others(graph: FlatGraph) -> jax.Array:
  """Directed bonds that enter the atom which each one leaves, but its reverse, [Q, D - 1]."""
  number = jnp.arange(graph.source.shape[0], dtype=jnp.int32)
  lists = graph.incoming.at[graph.source].get(mode='fill', fill_value=number.shape[0])
  place = (lists == (number ^ 1)[:, None]).argmax(axis=1)
  degree = lists.shape[1]
  following = (place[:, None] + jnp.arange(1, degree)) % degree
  return jnp.take_along_axis(lists, following, axis=1)


@functools.partial(jax.custom_vjp, nondiff_argnums=(3,))
def _either(
  features: tuple[jax.Array, jax.Array], weights: Weights, places: Any, depth: int
) -> jax.Array:
  """Atoms by ``_shared``; ``places`` is a graph without features."""
  return _shared(places._replace(atoms=features[0], bonds=features[1]), weights, depth)


def _either_forward(features: Any, weights: Any, places: Any, depth: int) -> tuple[Any, Any]:
  of_inputs = any(leaf.perturbed for leaf in features)
  features, weights, places = jax.tree.map(
    lambda leaf: leaf.value,
    (features, weights, places),
    is_leaf=lambda leaf: isinstance(leaf, jax.custom_derivatives.CustomVJPPrimal),
  )

  def of(features: Any, weights: Weights) -> jax.Array:
    graph = places._replace(atoms=features[0], bonds=features[1])
    if of_inputs:
      return plain_atoms(graph, weights, depth, lambda x: x)
    return _shared(graph, weights, depth)

  if of_inputs:
    values, pull = jax.vjp(of, features, weights)
    return values, (pull, None)
  values, pull = jax.vjp(functools.partial(of, features), weights)
  return values, (None, pull)


def _either_backward(depth: int, pulls: Any, gradient: Any) -> tuple[Any, Any, None]:
  of_both, of_weights = pulls
  if isinstance(gradient, jax.custom_derivatives.SymbolicZero):
    gradient = jnp.zeros(gradient.shape, gradient.dtype)
  if of_both is not None:
    return (*of_both(gradient), None)
  return (None, *of_weights(gradient), None)


_either.defvjp(_either_forward, _either_backward, symbolic_zeros=True)
