"""Greys of any depth and sign, and fractions, as uint8: what is black and what is white."""

import dataclasses
import math

import numpy as np

from medjax.ops import greys

# Of the pixels, at each end: what they reach beyond the others does not set the scale.
ODD = 0.001
# How far resampling (bicubic, Lanczos) reaches beyond the values that it was given.
OVERSHOOT = 0.1
# Fractions of no more than this are on a scale of their own: optical densities, uptake values.
_NO_DEPTH = 32.0
# Detectors have up to 14 bits; more in use means that all 16 are.
_DETECTOR_BITS = 14
_LARGEST = 1e30
# Numbers that are worked on at a time, so that they stay in the cache of a core.
_AT_ONCE = 2**16
# Different values from which on a line through them costs more than it saves.
_LINE = 2**14


def to_eight_bits(pixels: np.ndarray, *, white_is_zero: bool = False) -> np.ndarray:
  """Greys on a scale that no single pixel can change.

  The odd ones, one pixel in a thousand at each end and at least one, count only if they are within
  a tenth of the range of all others. Black and white are

  - of integers, 0 and what the bits in use hold (the fewest of 8, 9, 10, ...); where some are
    negative, as Hounsfield units are, the smallest and the largest;
  - of fractions, 0 and 1; where they reach further than a tenth, 0 and the largest, or from 32 on
    what the bits in use hold; where some are below minus a tenth of the largest, the smallest and
    the largest. The tenth is for the overshoot of resampling.

  Odd ones never say that there are negative values, nor how far fractions reach. What lies beyond
  black or white is clipped, infinities too, and NaN is black.

  Args:
    pixels: [H, W], integers or floats.
    white_is_zero: 0 is white, as in MONOCHROME1 of DICOM: x becomes w - x before, where w is the
      largest number of the type; or of the bits in use, where those are at most 14, as detectors
      have them; or white of fractions, as above.

  Returns:
    uint8 of the same shape.

  Raises:
    ValueError: more than half are not finite, or there are numbers beyond 1e30.

  Example:
    >>> to_eight_bits(np.array([[0, 2048, 4095]], np.uint16)).tolist()
    [[0, 128, 255]]
  """
  if (plain := _plain(pixels, white_is_zero)) is not None:
    return plain
  return _mapped(*_scaled(pixels, None, white_is_zero))


def levels(pixels: np.ndarray, counts: np.ndarray, *, white_is_zero: bool = False) -> np.ndarray:
  """What ``to_eight_bits`` rounds, where different values stand for all pixels.

  Args:
    pixels: [N], integers or floats.
    counts: [N], how often each stands in the image.
    white_is_zero: as there.

  Returns:
    float32 [N], from 0 to 255.

  Raises:
    ValueError: as there.
  """
  return _levels(*_scaled(pixels, counts, white_is_zero))


@dataclasses.dataclass(frozen=True)
class Shades:
  """Greys of 8 bits by number, of all pixels of an image at once.

  Attributes:
    table: uint8 [N].
    line: that gives the same, as ``greys.by_line`` takes it; None where there is none.

  Example:
    >>> shades = Shades.of(np.array([0.0, 127.6, 255.0]))
    >>> shades.show(np.array([[-1, 1], [0, 1]]), first=-1).tolist()
    [[0, 255], [128, 255]]
  """

  table: np.ndarray
  line: tuple[tuple[int, int], int, int] | None

  @classmethod
  def of(cls, levels: np.ndarray) -> 'Shades':
    """Those of levels, floats [N] from 0 to 255, rounded."""
    table = np.round(levels).astype(np.uint8)
    return cls(table, _line(levels, table) if len(table) <= _LINE else None)

  def show(self, number: np.ndarray, first: int = 0) -> np.ndarray:
    """The grey of each pixel.

    Args:
      number: whole numbers of any shape, each from ``first`` on and below ``first + N``.
      first: the number that the first grey is of.

    Returns:
      uint8 of the shape of ``number``.
    """
    if greys.has_kernel(number):
      if self.line:
        return greys.by_line(number, first, *self.line)
      return greys.by_table(self.table, number, first)
    found = np.empty(number.shape, np.uint8)
    to, of = found.reshape(-1), np.ascontiguousarray(number).reshape(-1)
    for begin in range(0, of.size, _AT_ONCE):
      part = of[begin : begin + _AT_ONCE]
      if first:
        part = part.astype(np.intp) - first
      np.take(self.table, part, out=to[begin : begin + _AT_ONCE], mode='clip')
    return found


def _line(levels: np.ndarray, table: np.ndarray) -> tuple[tuple[int, int], int, int] | None:
  """A line that gives the table: a window and a scale do, between black and white."""
  moves = np.flatnonzero(levels[1:] != levels[:-1])
  if len(moves) < 3 or not np.isfinite(levels).all():
    return None
  low, high = int(moves[0]), int(moves[-1]) + 1
  begin, end = float(levels[low + 1]), float(levels[high - 1])  # those that nothing was cut from
  step = (end - begin) / (high - low - 2)
  whole = round((begin - step + 0.5) * 2**24), round(step * 2**24)
  start, forward = (number % 2**32 for number in whole)
  places = (np.arange(len(table)).clip(low, high) - low).astype(np.uint32)
  given = (np.uint32(start) + np.uint32(forward) * places) >> np.uint32(24)
  return ((low, high), start, forward) if np.array_equal(given, table) else None


def _scaled(
  pixels: np.ndarray, counts: np.ndarray | None, white_is_zero: bool
) -> tuple[np.ndarray, float, float]:
  """Pixels of which 0 is black, what is black and what is white."""
  fractions = pixels.dtype.kind == 'f'
  if fractions and np.average(np.isfinite(pixels), weights=counts) < 0.5:
    raise ValueError('more than half of the pixels are not finite numbers')
  if white_is_zero:
    pixels = _turned(pixels, _Reach.of(pixels, counts))
  reach = _Reach.of(pixels, counts)
  if max(abs(reach.low), abs(reach.top)) > _LARGEST:
    raise ValueError(f'pixels from {reach.low:.3g} to {reach.top:.3g}; expected at most 1e30')
  return pixels, *_scale(reach, fractions)


def _levels(pixels: np.ndarray, black: float, white: float, inside: bool = False) -> np.ndarray:
  """Pixels as shares of the way from black to white, in 255 steps; all are ``inside`` or cut."""
  shares = pixels.astype(np.float32)
  if not inside:
    np.clip(shares, np.float32(black), np.float32(white), out=shares)
    np.nan_to_num(shares, copy=False, nan=black)
  if black:
    shares -= np.float32(black)
  shares *= np.float32(255)
  shares /= np.float32(white - black or 1.0)
  return shares


def _mapped(pixels: np.ndarray, black: float, white: float) -> np.ndarray:
  """Rounded levels of pixels."""
  found = np.empty(pixels.shape, np.uint8)
  to, of = found.reshape(-1), np.ascontiguousarray(pixels).reshape(-1)
  whole = of.dtype.kind in 'iu' and of.size > 0
  inside = bool(whole and black <= of.min() and of.max() <= white)
  for begin in range(0, of.size, _AT_ONCE):
    shares = _levels(of[begin : begin + _AT_ONCE], black, white, inside)
    to[begin : begin + _AT_ONCE] = np.round(shares, out=shares)
  return found


def _plain(pixels: np.ndarray, white_is_zero: bool) -> np.ndarray | None:
  """What the general way gives of whole numbers without a sign, without sorting them.

  None where odd ones may have more bits than the others.
  """
  if pixels.dtype.kind != 'u' or pixels.itemsize > 2 or not pixels.size:
    return None
  bits = _bits_in_use(pixels)
  if white_is_zero and bits is not None:
    pixels = _white(bits, pixels.dtype) - pixels
    bits = _bits_in_use(pixels)
  if bits is None:
    return None
  top = 2**bits - 1
  if pixels.size > top and greys.has_kernel(pixels):
    return Shades.of(_levels(np.arange(top + 1), 0.0, top, inside=True)).show(pixels)
  return _mapped(pixels, 0.0, top)


def _bits_in_use(pixels: np.ndarray) -> int | None:
  """Bits that both the largest number and the largest but for the odd ones need, 8 at least."""
  bits, flat = _bits(float(pixels.max())), pixels.reshape(-1)
  large, begin = 0, 0
  while bits > 8 and large <= _odd(flat.size):
    if begin >= flat.size:
      return None
    large += int(np.count_nonzero(flat[begin : begin + _AT_ONCE] >= 2 ** (bits - 1)))
    begin += _AT_ONCE
  return bits


def _odd(number: int) -> int:
  """How many at each end of so many pixels set no scale."""
  return min(max(1, int(ODD * number)), (number - 1) // 2)


@dataclasses.dataclass(frozen=True)
class _Reach:
  """How far pixels reach.

  Attributes:
    low: the smallest but for the odd ones.
    top: the largest but for them.
    least: the smallest, or ``low`` where that is far from it.
    most: the largest, or ``top``.
  """

  low: float
  top: float
  least: float
  most: float

  @classmethod
  def of(cls, pixels: np.ndarray, counts: np.ndarray | None) -> '_Reach':
    """That of those pixels that are finite."""
    finite = np.isfinite(pixels) if pixels.dtype.kind == 'f' else ...
    values = pixels[finite].ravel()
    number = len(values) if counts is None else int(counts[finite].sum())
    last = number - 1
    odd = _odd(number)
    places = [0, odd, last - odd, last]
    if counts is None:
      found = np.partition(values, places)[places]
    else:
      order = np.argsort(values)
      ends = np.cumsum(counts[finite][order])
      found = values[order][np.searchsorted(ends, places, side='right')]
    smallest, low, top, largest = map(float, found)
    near = OVERSHOOT * (top - low)
    least = smallest if low - smallest <= near else low
    return cls(low, top, least, largest if largest - top <= near else top)


def _scale(reach: _Reach, fractions: bool) -> tuple[float, float]:
  """What is black and what is white."""
  slack = OVERSHOOT if fractions else 0.0
  if reach.low < -slack * reach.top:
    return reach.least, reach.most
  if not fractions:
    return 0.0, _full(reach.most)
  if reach.top <= 1 + slack:
    return 0.0, 1.0
  return 0.0, reach.most if reach.top < _NO_DEPTH else _full(reach.top / (1 + slack))


def _full(top: float) -> float:
  """The largest number of the fewest bits, 8 at least, that hold ``top``."""
  return 2.0 ** _bits(top) - 1


def _bits(top: float) -> int:
  return max(8, math.ceil(math.log2(top + 1)))


def _turned(pixels: np.ndarray, reach: _Reach) -> np.ndarray:
  """Pixels of which 0 is white, so that 0 is black; exact for integers."""
  if pixels.dtype.kind == 'f':
    return np.float32(sum(_scale(reach, fractions=True))) - pixels
  wide = pixels.astype(np.int64 if pixels.dtype.itemsize > 2 else np.int32)
  if reach.low < 0:
    return -1 - wide
  return int(_white(_bits(reach.most), pixels.dtype)) - wide


def _white(bits: int, dtype: np.dtype) -> np.generic:
  """The number of a type that becomes 0 where so many bits are in use and 0 is white."""
  largest = int(np.iinfo(dtype).max)
  if bits <= _DETECTOR_BITS:
    largest = min(largest, 2**bits - 1)
  elif bits <= 16:
    largest = min(largest, 2**16 - 1)
  return dtype.type(largest)
