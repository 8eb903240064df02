"""Drawings as data URIs, for a page that holds everything itself."""

import base64
import io

import PIL.Image

from medjax.data.modality import Drawing

_LARGEST = 320  # pixels; a screen shows no more at this place


def uri(drawing: Drawing) -> str:
  """The data URI of an SVG element or of a picture, which is shrunk."""
  if isinstance(drawing, str):
    return f'data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()}'
  picture = drawing.copy()
  picture.thumbnail((_LARGEST, _LARGEST), PIL.Image.Resampling.BICUBIC)
  file = io.BytesIO()
  picture.save(file, format='PNG', optimize=True)
  return 'data:image/png;base64,' + base64.b64encode(file.getvalue()).decode()
