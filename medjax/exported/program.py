"""The network as a portable StableHLO program, for any number of cases.

A program is a function of weights by name and of a batch by name, and gives arrays by name. JAX's
own file of an exported function needs a further package to be read (flatbuffers). Here the program
is kept as the portable artifact that StableHLO promises to read for years, and what JAX has to know
beside it is a few lines of JSON.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import export

from medjax.errors import UserError

PLATFORMS = ('cpu', 'cuda', 'tpu')
Specs = Mapping[str, Mapping[str, Any]]  # name -> {'dtype': 'float32', 'shape': ['batch', 12]}


def describe(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
  """Dtypes and shapes as JSON values; a size that is not fixed is a text.

  Example:
    >>> describe({'x': np.zeros((3, 2), np.uint8)})
    {'x': {'dtype': 'uint8', 'shape': [3, 2]}}
  """
  return {
    name: {
      'dtype': np.dtype(one.dtype).name,
      'shape': [int(size) if isinstance(size, int) else str(size) for size in one.shape],
    }
    for name, one in values.items()
  }


def abstract(specs: Specs, scope: export.SymbolicScope | None = None) -> dict[str, Any]:
  """What ``describe`` described, as ShapeDtypeStructs whose named sizes share a scope."""
  scope = scope or export.SymbolicScope()
  return {
    name: jax.ShapeDtypeStruct(_shape(one['shape'], scope), np.dtype(one['dtype']))
    for name, one in specs.items()
  }


def _shape(sizes: Any, scope: export.SymbolicScope) -> tuple[Any, ...]:
  text = f'({", ".join(map(str, sizes))},)'
  return tuple(export.symbolic_shape(text, scope=scope)) if sizes else ()


def write(
  function: Callable[..., dict[str, Any]], weights: Mapping[str, Any], inputs: Specs
) -> tuple[bytes, dict[str, Any]]:
  """The program of ``function(weights, batch)``, and what ``read`` needs beside it.

  Args:
    function: gives arrays by name.
    weights: by name.
    inputs: as ``describe`` gives them; named sizes may be any.

  Raises:
    Exception: whatever JAX says of a function that has no program for any size.
  """
  shapes = {name: jax.ShapeDtypeStruct(w.shape, w.dtype) for name, w in weights.items()}
  made = export.export(jax.jit(function), platforms=PLATFORMS)(shapes, abstract(inputs))
  out = jax.tree.unflatten(made.out_tree, made.out_avals)
  about = {
    'platforms': list(made.platforms),
    'calling_convention': made.calling_convention_version,
    'kept': list(made.module_kept_var_idx),
    'inputs': {name: dict(one) for name, one in inputs.items()},
    'outputs': describe(out),
  }
  return made.mlir_module_serialized, about


def read(program: bytes, about: Mapping[str, Any], weights: Mapping[str, Any]) -> export.Exported:
  """What ``write`` wrote; its ``call`` is the function of ``(weights, batch)``.

  Args:
    program: its bytes.
    about: see ``write``.
    weights: by name.

  Raises:
    UserError: this JAX does not read such a program.
  """
  least, most = (
    export.minimum_supported_calling_convention_version,
    export.maximum_supported_calling_convention_version,
  )
  version = about['calling_convention']
  if not least <= version <= most:
    raise UserError(
      f'the program is of calling convention {version}, and jax {jax.__version__} reads {least} to '
      f'{most}; export the run again'
    )
  scope = export.SymbolicScope()

  def nothing(weights: Any, batch: Any) -> dict[str, jax.Array]:
    return {
      name: jnp.zeros(_shape(one['shape'], scope), np.dtype(one['dtype']))
      for name, one in about['outputs'].items()
    }

  # JAX makes the description of a function with these arguments and results, of this version of
  # its own; only the program in it is another.
  shapes = {name: jax.ShapeDtypeStruct(w.shape, w.dtype) for name, w in weights.items()}
  made = export.export(jax.jit(nothing), platforms=tuple(about['platforms']))(
    shapes, abstract(about['inputs'], scope)
  )
  return dataclasses.replace(
    made,
    mlir_module_serialized=program,
    module_kept_var_idx=tuple(about['kept']),
    calling_convention_version=version,
  )
