"""What a file of an image is, whatever it shows: format, size and kind of pixels."""

import PIL.Image

from medjax.data import source_files
from medjax.errors import UserError


def of_file(path: str) -> dict[str, str]:
  """Format, width, height and mode by its header; nothing of a file that Pillow does not know.

  Args:
    path: the file.

  Raises:
    UserError: it cannot be read.
  """
  try:
    with source_files.open_file(path) as file, PIL.Image.open(file) as image:
      return {
        'file format': image.format or '',
        'file width': str(image.width),
        'file height': str(image.height),
        'file pixels': image.mode,
      }
  except PIL.UnidentifiedImageError:
    return {}
  except (OSError, PIL.Image.DecompressionBombError) as error:
    raise UserError(f'{path}: cannot be read: {error}') from None
