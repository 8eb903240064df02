"""The order of axes in PyTorch's tensors and in ours."""

from collections.abc import Sequence

import numpy as np


def from_torch(array: np.ndarray, kind: str, rank: int) -> np.ndarray:
  """A tensor of PyTorch as ours.

  Args:
    array: a kernel [features, channels, height, width] or [features, inputs], or another.
    kind: name of the variable: 'kernel', 'bias' and so on.
    rank: axes of ours. A dense layer may be a 1x1 convolution there, and a scale for each channel
      have axes of height and width.
  """
  if kind == 'kernel' and array.ndim == 4:
    turned = array.transpose(2, 3, 1, 0)
    return turned[0, 0] if rank == 2 and turned.shape[:2] == (1, 1) else turned
  if kind == 'kernel' and array.ndim == 2:
    return array.T
  if kind == 'scale' and array.ndim == 3 and array.shape[1:] == (1, 1):
    return array[:, 0, 0]
  return array


def to_torch(shape: Sequence[int], kind: str) -> tuple[int, ...]:
  """The shape that a variable of ours has in PyTorch."""
  if kind == 'kernel' and len(shape) == 4:
    return (shape[3], shape[2], *shape[:2])
  return tuple(shape[::-1]) if kind == 'kernel' else tuple(shape)
