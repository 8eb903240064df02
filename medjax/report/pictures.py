"""Cases as pictures, each beside or under its explanation, by kind of data."""

import base64
import io
from collections.abc import Sequence

import numpy as np
import PIL.Image

from medjax.data import tabular
from medjax.data.dataset import Dataset
from medjax.data.sequences import alphabet
from medjax.explain.methods import smooth
from medjax.report import contact_sheet, logos, overlay, plots, signal_plots

_LARGEST = 320  # pixels; a screen shows no more at this place
_BARS = 12  # columns of a table that are shown, the strongest


def sources(
  data: Dataset,
  arrays: dict[str, np.ndarray],
  attribution: np.ndarray | None,
  method: str,
) -> list[str]:
  """Data URIs of a case: an image and the same under its explanation, the letters of a sequence as
  high as they count, the columns of a table that count most, or a signal as it is.

  Args:
    data: what the case is of.
    arrays: of one case, as it is stored.
    attribution: what its method gives of it, [...]; None for none.
    method: its name.
  """
  if data.kind == 'images':
    shown = None if attribution is None else smooth(attribution[None], method)[0]
    return of_image(arrays['image'], shown)
  if data.kind == 'signals':
    return [_svg(of_beat(data, arrays['signal']))]
  if attribution is None:
    return []
  drawn = drawing(data, arrays, attribution)
  return [_svg(drawn)] if drawn else []


def of_beat(data: Dataset, signal: np.ndarray) -> str:
  """A signal [samples, leads] as SVG; where it was cut out around a peak, in seconds from there."""
  about = data.details
  if about['form'] == 'table':
    return signal_plots.of_signal(signal, rate=0.0)
  return signal_plots.of_signal(signal, tuple(about['leads']), about['rate'], about['before'])


def of_image(image: np.ndarray, shown: np.ndarray | None = None) -> list[str]:
  """Data URIs of an image, uint8 [H, W] or [H, W, C], and of the same under an explanation [H, W].

  Raises:
    ValueError: the image is not uint8, or has another shape.
  """
  found = [_png(contact_sheet.picture(image))]
  return found if shown is None else [*found, _png(overlay.blend(image, shown))]


def drawing(data: Dataset, arrays: dict[str, np.ndarray], attribution: np.ndarray) -> str:
  """The explanation of a case that is no image, as SVG; '' where there is nothing to draw."""
  if data.kind == 'sequences':
    letters = alphabet.ALPHABETS[data.details['alphabet']]
    total = attribution.sum(axis=1) if attribution.ndim == 2 else attribution
    shares = letters.table[arrays['tokens']]
    length = int((arrays['tokens'] != alphabet.PADDING).sum())
    return logos.logo((shares * total[:, None])[:length], letters.letters, 'What each letter adds')
  if data.kind == 'table':
    return plots.bars(*strongest(data, attribution), 'adds to the score')
  return ''


def strongest(data: Dataset, attribution: np.ndarray) -> tuple[list[str], list[float]]:
  """The columns that count most, [columns] -> names and what they add."""
  names = column_names(data)
  order = np.argsort(-np.abs(attribution), kind='stable')[:_BARS]
  return [names[i] for i in order], [float(attribution[i]) for i in order]


def column_names(data: Dataset) -> Sequence[str]:
  """Names of the columns of a table that the network sees."""
  return [column.name for column in tabular.fitted_preprocessing(data).columns]


def _svg(drawn: str) -> str:
  return f'data:image/svg+xml;base64,{base64.b64encode(drawn.encode()).decode()}'


def _png(picture: PIL.Image.Image) -> str:
  picture.thumbnail((_LARGEST, _LARGEST))
  file = io.BytesIO()
  picture.save(file, format='PNG', optimize=True)
  return 'data:image/png;base64,' + base64.b64encode(file.getvalue()).decode()
