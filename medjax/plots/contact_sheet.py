"""Pictures for the eye: what a network is given, before and after augmentation."""

import os
import pathlib

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

_MARGIN = 8
_CAPTION_HEIGHT = 18
_PAIRS_IN_A_ROW = 4
_WHITE, _INK = (255, 255, 255), (40, 40, 40)


def picture(image: np.ndarray) -> PIL.Image.Image:
  """Turns an array into a picture.

  Args:
    image: uint8 [H, W], or [H, W, C] with C of 1 (grey) or 3 (RGB).

  Raises:
    ValueError: If the array is not uint8 or has another shape.

  Example:
    >>> picture(np.zeros((4, 6, 1), np.uint8)).size
    (6, 4)
  """
  image = np.asarray(image)
  if image.ndim == 3 and image.shape[2] == 1:
    image = image[..., 0]
  if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
    raise ValueError(
      f'image is {image.dtype} {image.shape}; expected uint8 [H, W], [H, W, 1] or [H, W, 3]'
    )
  return PIL.Image.fromarray(image)


def contact_sheet(
  before: np.ndarray, after: np.ndarray, path: str | os.PathLike[str], captions: list[str]
) -> None:
  """Writes one PNG of pairs, each image as stored beside the image as the network gets it.

  Four pairs stand in a row; the caption is above its pair.

  Args:
    before: uint8 [N, H, W, C] with C of 1 or 3.
    after: uint8 [N, H', W', C'], the same examples.
    path: File to write; its folder is made if need be.
    captions: N lines of text, cut where they are wider than the pair.

  Raises:
    ValueError: If there is no image, the counts differ, or an image is not uint8 of 1 or 3
      channels.

  Example:
    >>> contact_sheet(stored, augmented, 'preview.png', ['normal', 'nodule'])  # doctest: +SKIP
  """
  if not len(before) == len(after) == len(captions) > 0:
    raise ValueError(
      f'{len(before)} images before, {len(after)} after and {len(captions)} captions; '
      'expected the same number, at least 1'
    )
  pairs = [(picture(b), picture(a)) for b, a in zip(before, after, strict=True)]
  pair_width = pairs[0][0].width + 2 + pairs[0][1].width
  pair_height = _CAPTION_HEIGHT + max(one.height for one in pairs[0])
  columns = min(_PAIRS_IN_A_ROW, len(pairs))
  rows = -(-len(pairs) // columns)
  sheet = PIL.Image.new(
    'RGB',
    (columns * (pair_width + _MARGIN) + _MARGIN, rows * (pair_height + _MARGIN) + _MARGIN),
    _WHITE,
  )
  draw = PIL.ImageDraw.Draw(sheet)
  font = PIL.ImageFont.load_default(size=13)
  for number, (pair, caption) in enumerate(zip(pairs, captions, strict=True)):
    row, column = divmod(number, columns)
    left = _MARGIN + column * (pair_width + _MARGIN)
    top = _MARGIN + row * (pair_height + _MARGIN)
    draw.text((left, top), _fitted(caption, font, pair_width), fill=_INK, font=font)
    sheet.paste(pair[0], (left, top + _CAPTION_HEIGHT))
    sheet.paste(pair[1], (left + pair[0].width + 2, top + _CAPTION_HEIGHT))
  path = pathlib.Path(path)
  path.parent.mkdir(parents=True, exist_ok=True)
  sheet.save(path, format='PNG')


def _fitted(text: str, font, width: int) -> str:
  text = ' '.join(text.split())
  if font.getlength(text) <= width:
    return text
  while text and font.getlength(text + '…') > width:
    text = text[:-1]
  return text + '…'
