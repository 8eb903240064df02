"""Greys of 16 bits as 8 bits, by kernels in C++ where they were compiled before.

Files are read where nothing may ever be trained, so nothing is compiled for them: see ``native``.
"""

import ctypes
from typing import Any

import numpy as np

from medjax.ops import native


def has_kernel(number: np.ndarray) -> bool:
  """Whether there is a kernel for such numbers, compiled before."""
  return number.dtype in (np.uint16, np.int16) and native.ready() is not None


def by_table(table: np.ndarray, number: np.ndarray, first: int) -> np.ndarray:
  """``table[number - first]`` where ``has_kernel``.

  Args:
    table: uint8 [N].
    number: uint16 or int16 of any shape, each from ``first`` on and below ``first + N``.
    first: of which the table begins.

  Returns:
    uint8 of the shape of ``number``.
  """
  of, found = np.ascontiguousarray(number), np.empty(number.shape, np.uint8)
  table = np.ascontiguousarray(table)
  native.library().MedjaxGreysByTable(
    _at(of), _size(of), ctypes.c_uint16(first), _at(table), _at(found)
  )
  return found


def by_line(
  number: np.ndarray, first: int, ends: tuple[int, int], start: int, step: int
) -> np.ndarray:
  """``(start + step * place) >> 24`` where ``has_kernel``, in unsigned arithmetic of 32 bits.

  Args:
    number: uint16 or int16 of any shape, each from ``first`` on.
    first: number of which the place would be 0.
    ends: least and largest place; what lies beyond is put there, and counted from the least.
    start: of the line.
    step: from one place to the next; 2**32 less for one downwards.

  Returns:
    uint8 of the shape of ``number``.
  """
  of, found = np.ascontiguousarray(number), np.empty(number.shape, np.uint8)
  native.library().MedjaxGreysByLine(
    _at(of), _size(of), *map(ctypes.c_uint16, (first, *ends)), *map(ctypes.c_uint32, (start, step)),
    _at(found),
  )  # fmt: skip
  return found


def _at(array: np.ndarray) -> Any:
  return ctypes.c_void_p(array.ctypes.data)


def _size(array: np.ndarray) -> Any:
  return ctypes.c_int64(array.size)
