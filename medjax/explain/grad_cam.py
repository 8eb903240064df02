"""Grad-CAM: where the last feature maps speak for a class.

Reference:
  Selvaraju et al. (2017), Grad-CAM: visual explanations from deep networks via gradient-based
  localization, ICCV.
"""

import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from medjax.explain.score import Score, compiled, in_chunks


def grad_cam(
  score: Score, x: np.ndarray, target: np.ndarray, *, layer: str = '', chunk: int = 8
) -> np.ndarray:
  """Feature maps weighted by their mean gradients, what is above 0, at the size of the input.

  Args:
    score: See ``score_function``; it must call a linen module.
    x: [N, H, W, C] images, float.
    target: [N] class numbers.
    layer: Path of the module whose output [n, h, w, c] is taken, such as 'Conv_2' or
      'Block_7/Conv_1'; the last one of at least 4x4 pixels otherwise.
    chunk: Inputs at a time.

  Returns:
    Float32 [N, H, W], at least 0.

  Raises:
    ValueError: no module of that name has such an output.
  """
  x = np.asarray(x, np.float32)
  maps = _maps(score, x[:1], target[:1])
  names = [name for name, shape in maps.items() if min(shape[1:3]) >= 4]
  if layer and layer not in maps:
    raise ValueError(f'layer {layer!r} is none of {", ".join(maps) or "none"}')
  if not names and not layer:
    raise ValueError('no module has an output of feature maps')
  layer = layer or names[-1]

  @compiled
  def of(score: Score, x: Any, target: Any) -> Any:
    def total(shift: Any) -> Any:
      outputs: list[Any] = []

      def tap(call: Any, args: Any, kwargs: Any, context: Any) -> Any:
        output = call(*args, **kwargs)
        if _name(context) != layer:
          return output
        outputs.append(output)
        return output + shift.astype(output.dtype)

      with nn.intercept_methods(tap):
        value = score(x, target).sum()
      return value, outputs[0].astype(jnp.float32)

    # The gradient of a shift that is added to the maps is the gradient of the maps.
    zeros = jnp.zeros((len(x), *maps[layer][1:]))
    gradient, features = jax.grad(total, has_aux=True)(zeros)
    weights = gradient.mean(axis=(1, 2), keepdims=True)
    heat = nn.relu((weights * features).sum(axis=-1))
    return jax.image.resize(heat, x.shape[:3], 'bilinear')

  return in_chunks(functools.partial(of, score), chunk, x, target)


def _maps(score: Score, x: np.ndarray, target: np.ndarray) -> dict[str, tuple[int, ...]]:
  """Shapes of all feature maps [n, h, w, c] by module, in the order in which they are made."""
  shapes: dict[str, tuple[int, ...]] = {}

  def look(call: Any, args: Any, kwargs: Any, context: Any) -> Any:
    output = call(*args, **kwargs)
    name = _name(context)
    if name and getattr(output, 'ndim', 0) == 4:
      shapes[name] = output.shape
    return output

  with nn.intercept_methods(look):
    jax.eval_shape(lambda *inputs: score(*inputs), x, target)  # a new function is traced anew
  return shapes


def _name(context: Any) -> str:
  """Path of the module whose call is intercepted; '' for the whole model and for other methods."""
  return '/'.join(context.module.path) if context.method_name == '__call__' else ''
