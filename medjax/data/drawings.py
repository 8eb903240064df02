"""Drawings as data URIs, for a page that holds everything itself."""

import PIL.Image

from medjax.data.modality import Drawing
from medjax.plots import html

_LARGEST = 320  # pixels; a screen shows no more at this place


def uri(drawing: Drawing) -> str:
  """The data URI of an SVG element or of a picture, which is shrunk."""
  if isinstance(drawing, str):
    return html.svg_uri(drawing)
  picture = drawing.copy()
  picture.thumbnail((_LARGEST, _LARGEST), PIL.Image.Resampling.BICUBIC)
  return html.png_uri(picture)
