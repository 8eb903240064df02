"""Where the numbers of a table's columns lie, and how far apart: told with noise.

Three looks at one row of each unit, each a Gaussian mechanism on all columns at once:

1. the range, by how many numbers have each sign and power of two;
2. the centre, the mean of the numbers cut to that range;
3. the scale, by how many numbers lie how many powers of two from the centre.

One unit changes one count of each column by one, or one number of [-1, 1], so that the sensitivity
is the square root of the number of columns. Steps 1 and 3 are those of Karwa and Vadhan (2018),
Finite sample differentially private confidence intervals, ITCS, with Gaussian noise.
"""

import numpy as np

_POWERS = np.arange(-40, 61)  # of two; smaller numbers count as 0
# Standard deviations of the noise above which counts are seen: of one bin anywhere, of one beside
# others, and of three in a row, where there are thousands of bins in all columns, or hundreds.
_ALONE, _BESIDE, _OF_RANGES, _OF_SCALES = 6.0, 2.0, 3.5, 2.5
_FAR = 24  # powers of two from the width of a range to the smallest scale
_WITHIN = 0.683  # of a normal distribution, within one standard deviation


class UnseenError(Exception):
  """The numbers of a column do not show through the noise; names which column.

  Attributes:
    column: its number.
  """

  column: int = 0


def located(
  values: np.ndarray, noise_multiplier: float, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
  """Centre, scale, and range of each column.

  Args:
    values: float64 [N, D], one row a unit; NaN for what is missing.
    noise_multiplier: of each of the three mechanisms.
    random: where noise comes from; the system's, but for tests.

  Returns:
    float64 [D] each: centre, scale (about a standard deviation, by a factor of two), low and high.

  Raises:
    UnseenError: there are too few units for so much noise.

  Example:
    >>> random = np.random.default_rng(0)
    >>> values = random.normal(140.0, 3.0, (2000, 1))
    >>> centre, scale, low, high = located(values, 5.0, random)
    >>> abs(centre[0] - 140) < 2, 1.5 < scale[0] < 6, low[0], high[0]
    (True, True, 128.0, 256.0)
  """
  count, columns = values.shape
  deviation = noise_multiplier * np.sqrt(columns)
  low, high = _ranges(values, deviation, random)
  half = (high - low) / 2
  middle = (high + low) / 2
  cut = np.clip((values - middle) / half, -1, 1)
  total = np.nansum(cut, axis=0) + random.normal(0, deviation, columns)
  centre = middle + half * np.clip(total / max(count, 1), -1, 1)
  return centre, _scales(values, centre, high - low, deviation, random), low, high


def _ranges(
  values: np.ndarray, deviation: float, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
  """The smallest and largest power of two between which numbers are seen through the noise."""
  edges = np.concatenate([-(2.0 ** _POWERS[::-1]), [0.0], 2.0**_POWERS])
  low, high = np.empty(values.shape[1]), np.empty(values.shape[1])
  for column, numbers in enumerate(values.T):
    known = np.clip(numbers[~np.isnan(numbers)], edges[0], np.nextafter(edges[-1], 0))
    counts = np.histogram(known, edges)[0] + random.normal(0, deviation, len(edges) - 1)
    seen = _of_column(column, counts, deviation, _OF_RANGES)
    low[column], high[column] = edges[seen[0]], edges[seen[-1] + 1]
  return low, high


def _of_column(column: int, counts: np.ndarray, deviation: float, least: float) -> np.ndarray:
  try:
    return _seen(counts, deviation, least)
  except UnseenError as error:
    error.column = column
    raise


def _seen(counts: np.ndarray, deviation: float, least: float) -> np.ndarray:
  """Bins whose counts are seen through the noise: three in a row, their neighbours, and clear ones.

  Raises:
    UnseenError: no three in a row are.
  """
  three = np.convolve(counts, [1, 1, 1], 'same')
  most = three.argmax()
  if three[most] < least * 3**0.5 * deviation:
    raise UnseenError
  near = np.zeros(len(counts), bool)
  near[max(most - 1, 0) : most + 2] = True
  seen = (counts > _ALONE * deviation) | (near & (counts > _BESIDE * deviation))
  seen[np.where(near, counts, -np.inf).argmax()] = True
  for _ in range(len(counts)):
    beside = np.convolve(seen, [1, 1, 1], 'same') > 0
    more = seen | (beside & (counts > _BESIDE * deviation))
    if (more == seen).all():
      break
    seen = more
  return np.flatnonzero(seen)


def _scales(
  values: np.ndarray,
  centre: np.ndarray,
  width: np.ndarray,
  deviation: float,
  random: np.random.Generator,
) -> np.ndarray:
  """The distance from the centre within which two thirds of the numbers lie."""
  found = np.empty(len(centre))
  for column, numbers in enumerate(values.T):
    edges = width[column] * 2.0 ** np.arange(-_FAR, 1)  # the widest holds what is farther
    far = np.minimum(np.abs(numbers[~np.isnan(numbers)] - centre[column]), edges[-1])
    counts = np.histogram(far, [0.0, *edges])[0] + random.normal(0, deviation, len(edges))
    kept = np.zeros(len(counts))
    kept[_of_column(column, counts, deviation, _OF_SCALES)] = 1
    counts = kept * np.maximum(counts, 1)
    below = np.cumsum(counts) / counts.sum()
    place = int(np.searchsorted(below, _WITHIN))
    before = below[place - 1] if place else 0.0
    inner = edges[place] / 2 if place else 0.0
    share = (_WITHIN - before) / (below[place] - before)
    found[column] = inner + share * (edges[place] - inner)
  return found
