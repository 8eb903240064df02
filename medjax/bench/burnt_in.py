"""How often text that is planted in images is found, and how often text is found that is not there.

    python -m medjax.bench.burnt_in FOLDER [COUNT]

A line as hospitals burn it in is drawn at a corner of each image, in several heights and contrasts
to what is there. The images themselves may show text: the false alarms that are printed are to be
looked at.
"""

import pathlib
import random
import sys
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from medjax.data.images import burnt_in, decode, formats
from medjax.errors import UserError

_HEIGHTS, _CONTRASTS = (8, 12, 16, 24, 32), (30, 60, 100, 200)
_TEXTS = ('MEIER, Anna 1953-04-07', 'ID 4711 0815', 'ST. ANNA 12:30', '*07.04.1953 F')


def main(argv: Sequence[str]) -> int:
  """Prints a table; returns the exit code."""
  try:
    if not 1 <= len(argv) <= 2 or (len(argv) == 2 and not argv[1].isdigit()):
      raise UserError('expected a folder of images, and how many to look at')
    images = _images(pathlib.Path(argv[0]), int(argv[1]) if len(argv) == 2 else 100)
  except UserError as error:
    print(f'error: {error}', file=sys.stderr)
    return 2
  flagged = [name for name, image in images.items() if burnt_in.find(image)]
  print(f'nothing planted: {len(flagged)} of {len(images)} flagged {" ".join(flagged[:5])}')
  print('height  ' + ''.join(f'contrast {c:<6}' for c in _CONTRASTS))
  draw = random.Random(0)
  for height in _HEIGHTS:
    found = [
      sum(bool(burnt_in.find(planted(image, height, c, draw))) for image in images.values())
      for c in _CONTRASTS
    ]
    print(f'{height:<8}' + ''.join(f'{100 * n / len(images):>6.1f}%        ' for n in found))
  return 0


def planted(image: Image.Image, height: int, contrast: int, draw: random.Random) -> Image.Image:
  """A grey image with a line of text in one of its corners.

  Args:
    image: any.
    height: of the font in pixels.
    contrast: grey levels to the mean of what is there; brighter where there is room, else darker.
    draw: chooses text and corner.
  """
  made = image.convert('L')
  font, text = ImageFont.load_default(height), draw.choice(_TEXTS)
  width = int(font.getlength(text))
  left = draw.choice([4, max(4, made.width - width - 4)])
  top = draw.choice([4, max(4, made.height - height - 8)])
  ground = float(np.asarray(made)[top : top + height, left : left + width].mean())
  grey = ground + contrast if ground + contrast <= 255 else ground - contrast
  ImageDraw.Draw(made).text((left, top), text, fill=round(min(255, max(0, grey))), font=font)
  return made


def _images(folder: pathlib.Path, count: int) -> dict[str, Image.Image]:
  paths = sorted(path for path in folder.rglob('*') if path.suffix.lower() in formats.SUFFIXES)
  if not paths:
    raise UserError(f'{folder}: has no images')
  random.Random(0).shuffle(paths)
  return {path.name: decode.picture(path, 2048).image for path in paths[:count]}


if __name__ == '__main__':
  sys.exit(main(sys.argv[1:]))
