"""Whether letters stand in the pixels of an image: a heuristic, with what it misses in SECURITY.md.

Burnt-in letters are thin strokes of one brightness with sharp edges, which stand in lines. Strokes
are what a white or black top-hat of the size of letters leaves (Soille, *Morphological Image
Analysis*, 2003, 4.2); of its connected parts those count that have the size and form of letters and
one brightness, and of these those that have neighbours of their height on the same line.
"""

import dataclasses

import numpy as np
from PIL import Image
from scipy import ndimage

LONGEST = 1536
"""Pixels of a side; larger images are looked at smaller."""

_STROKES = (9, 21)  # sizes of the top-hat: for small letters and for large ones
_CONTRASTS = (30, 60, 110)  # grey levels that a stroke stands out by; the edges of letters less
_HEIGHT = (4, 64)  # of letters, in pixels
_MOST = 20_000  # parts of an image; noise has more
_UNIFORM = 0.5  # share of a letter's pixels that stand out more than ...
_CORE = 0.6  # ... this share of what the strongest do
_LETTERS = 4  # in a line
_SMALL = 6  # pixels; letters no higher than this look like noise, and more of them are asked for
_SMALL_LETTERS = 7


@dataclasses.dataclass(frozen=True)
class Line:
  """What looks like a line of text.

  Attributes:
    letters: how many.
    box: left, top, right and bottom of it in pixels of the image.
  """

  letters: int
  box: tuple[int, int, int, int]


def find(image: Image.Image) -> list[Line]:
  """What looks like lines of text, the longest first; none where nothing does.

  Args:
    image: of any size and mode.

  Example:
    >>> find(Image.new('L', (64, 64)))
    []
  """
  grey = image.convert('L')
  scale = max(1.0, max(grey.size) / LONGEST)
  if scale > 1:
    grey = grey.resize([max(1, round(n / scale)) for n in grey.size], Image.Resampling.BOX)
  pixels = np.asarray(grey, np.int16)
  found = []
  for turned in (pixels, 255 - pixels):
    for size in _STROKES:
      stands_out = turned - ndimage.grey_opening(turned, size=(size, size))
      found += [line for least in _CONTRASTS for line in _lines(_letters(stands_out, least))]
  boxes = [[round(scale * edge) for edge in (x0, y0, x1, y1)] for _, (x0, y0, x1, y1) in found]
  lines = [
    Line(count, (box[0], box[1], box[2], box[3]))
    for (count, _), box in zip(found, boxes, strict=True)
  ]
  return sorted(lines, key=lambda line: -line.letters)


def _letters(stands_out: np.ndarray, least: int) -> np.ndarray:
  """Boxes of parts that may be letters, [N, 4]: left, top, right, bottom."""
  labels, count = ndimage.label(stands_out >= least, np.ones((3, 3), int))
  if not 0 < count <= _MOST:
    return np.zeros((0, 4), int)
  boxes = []
  for number, place in enumerate(ndimage.find_objects(labels), 1):
    rows, columns = place
    height, width = rows.stop - rows.start, columns.stop - columns.start
    if not (_HEIGHT[0] <= height <= _HEIGHT[1] and 1 <= width <= 2 * height):
      continue
    part = labels[place] == number
    filled = part.mean()
    if (filled > 0.95 and width > 0.4 * height) or filled < 0.12:
      continue
    if _is_uniform(stands_out[place][part]):
      boxes.append((columns.start, rows.start, columns.stop, rows.stop))
  return np.array(boxes, int).reshape(-1, 4)


def _is_uniform(stands_out: np.ndarray) -> bool:
  """Whether most of a part stands out about as much as the strongest of it."""
  top = np.percentile(stands_out, 90)
  return float((stands_out >= _CORE * top).mean()) >= _UNIFORM


def _lines(boxes: np.ndarray) -> list[tuple[int, tuple[int, int, int, int]]]:
  """Letters that follow each other: of about one height, at one level, and near."""
  lines = []
  boxes = boxes[np.argsort(boxes[:, 0], kind='stable')]
  taken = np.zeros(len(boxes), bool)
  for first in range(len(boxes)):
    if taken[first]:
      continue
    chain, last = [first], boxes[first]
    for other in range(first + 1, len(boxes)):
      if boxes[other][0] > last[2] + 2.5 * (last[3] - last[1]):
        break
      if not taken[other] and _follows(last, boxes[other]):
        chain.append(other)
        last = boxes[other]
    of = boxes[chain]
    small = np.median(of[:, 3] - of[:, 1]) <= _SMALL
    if len(chain) >= (_SMALL_LETTERS if small else _LETTERS):
      taken[chain] = True
      left, top = of[:, :2].min(axis=0).tolist()
      right, bottom = of[:, 2:].max(axis=0).tolist()
      lines.append((len(chain), (left, top, right, bottom)))
  return lines


def _follows(last: np.ndarray, box: np.ndarray) -> bool:
  heights = last[3] - last[1], box[3] - box[1]
  level = abs(last[3] - box[3]) <= 0.25 * max(heights)
  gap = box[0] - last[2]
  near = -1 <= gap <= 1.6 * max(heights)
  return bool(level and near and max(heights) <= 1.5 * min(heights))
