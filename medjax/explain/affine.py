"""The affine start of a score: what a table's network does before its first nonlinearity.

What an affine map makes of a mixture of two rows is the sum of what it makes of each column, so it
need not be computed for every mixture: KernelSHAP's millions of mixtures begin behind the first
layer.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.extend.core as jex
import jax.numpy as jnp

from medjax.explain.score import Score

_SUMS = {'add', 'sub', 'neg', 'convert_element_type'}


@dataclasses.dataclass(frozen=True)
class Start:
  """score(x, target) = rest((x - centre) @ matrix + offset, target).

  Around a centre among the rows, so that numbers stay small where columns have large ones.

  Attributes:
    matrix: float32 [columns, width].
    offset: float32 [width].
    rest: (float32 [rows, width], class numbers [rows]) -> [rows].
  """

  matrix: jax.Array
  offset: jax.Array
  rest: Callable[[jax.Array, jax.Array], jax.Array]


def split(score: Score, rows: int, centre: jax.Array) -> Start | None:
  """The affine start of a score, and the rest of it for this many rows.

  Args:
    score: Of float32 [rows, columns] and int32 [rows]; rows do not influence one another.
    rows: Of the inputs that ``rest`` will be given.
    centre: float32 [columns], such as the mean of the rows.

  Returns:
    None where the score begins otherwise, such as with a comparison, a sine or a ``jax.jit``.

  Example:
    >>> start = split(lambda x, target: jnp.tanh(2 * x + 1).sum(axis=1), 4, jnp.ones(3))
    >>> start.matrix.diagonal(), start.offset
    (Array([2., 2., 2.], dtype=float32), Array([3., 3., 3.], dtype=float32))
  """
  columns = len(centre)
  parts = _Parts(score, columns, columns)
  if parts.cut is None:
    return None
  # By its derivative, not by differences, in which large numbers would swallow small ones.
  start = parts.function(parts.start, parts.inputs[:1], [parts.cut])
  at = jnp.broadcast_to(jnp.asarray(centre, jnp.float32), (columns, columns))
  offset, matrix = jax.jvp(lambda x: start(x)[0], (at,), (jnp.eye(columns, dtype=jnp.float32),))
  behind = _Parts(score, rows, columns)
  assert behind.cut is not None
  of_cut = behind.function(behind.others, [behind.cut, behind.inputs[1]], behind.outputs)
  dtype = behind.cut.aval.dtype  # type: ignore[attr-defined]
  return Start(
    matrix.astype(jnp.float32),
    offset[0].astype(jnp.float32),
    lambda h, t: of_cut(h.astype(dtype), t.astype(jnp.int32))[0],
  )


class _Parts:
  """The equations of a score.

  Attributes:
    inputs: The variables of x and of the class numbers.
    outputs: The variable of the score.
    start: Equations that are affine in x, row by row.
    others: All that follow.
    cut: The one variable [rows, width] of the start that the others use; None where there is no
      such variable, or several.
  """

  def __init__(self, score: Score, rows: int, columns: int):
    self._closed = jax.make_jaxpr(score)(
      jax.ShapeDtypeStruct((rows, columns), jnp.float32), jax.ShapeDtypeStruct((rows,), jnp.int32)
    )
    self.inputs = list(self._closed.jaxpr.invars)
    self.outputs = list(self._closed.jaxpr.outvars)
    affine, varying = {self.inputs[0]}, set(self.inputs)
    self._constant: list[Any] = []  # the same for every input
    self.start: list[Any] = []
    self.others: list[Any] = []
    for eqn in self._closed.jaxpr.eqns:
      moving = [isinstance(v, jex.Var) and v in varying for v in eqn.invars]
      if not any(moving):
        self._constant.append(eqn)
        continue
      varying |= set(eqn.outvars)
      straight = all(v in affine for v, m in zip(eqn.invars, moving, strict=True) if m)
      if straight and _keeps_affine(eqn, moving, rows):
        self.start.append(eqn)
        affine |= set(eqn.outvars)
      else:
        self.others.append(eqn)
    used = [v for eqn in self.others for v in eqn.invars] + self.outputs
    cuts = {v for v in used if isinstance(v, jex.Var) and v in affine}
    self.cut = cuts.pop() if len(cuts) == 1 and self.inputs[0] not in cuts else None

  def function(self, eqns: list[Any], inputs: list[Any], outputs: list[Any]) -> Callable[..., Any]:
    """Some of the equations as a function of these variables."""
    whole = self._closed.jaxpr
    jaxpr = whole.replace(
      invars=inputs,
      outvars=outputs,
      eqns=self._constant + eqns,
      debug_info=whole.debug_info.with_unknown_names(),
    )
    return jex.jaxpr_as_fun(jex.ClosedJaxpr(jaxpr, self._closed.consts))


def _keeps_affine(eqn: Any, moving: list[bool], rows: int) -> bool:
  """Whether an equation on affine values makes [rows, width] of them that are affine too."""
  name, made = eqn.primitive.name, eqn.outvars[0].aval
  if made.shape[:1] != (rows,) or len(made.shape) != 2:
    return False
  if name in _SUMS:
    return bool(jnp.issubdtype(made.dtype, jnp.floating))
  if name == 'dot_general':
    return moving == [True, False] and eqn.params['dimension_numbers'] == (((1,), (0,)), ((), ()))
  return (name == 'mul' and sum(moving) == 1) or (name == 'div' and moving == [True, False])
