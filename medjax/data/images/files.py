"""Image files that a user names: found by suffix or by content, read when they are asked for."""

import pathlib
from collections.abc import Sequence

from PIL import Image

from medjax.data.images import decode
from medjax.data.images.decode import SUFFIXES
from medjax.data.modality import Case


def find(names: Sequence[str], size: int, channels: int) -> list[Case]:
  """Image files by name, and in folders every file that is an image by its suffix or content.

  Files named outright come as they are, also when they are missing: loading them says so.

  Args:
    names: files and folders.
    size: height and width in pixels that the network sees.
    channels: 1 or 3.
  """

  def case(name: str) -> Case:
    return Case(name, lambda: {'image': decode.decode(name, size, channels)})

  cases = []
  for name in names:
    path = pathlib.Path(name)
    if not path.is_dir():
      cases.append(case(name))
      continue
    inside = sorted(p for p in path.rglob('*') if p.is_file() and not p.name.startswith('.'))
    for file in inside:
      if file.suffix.lower() in SUFFIXES or _is_image(file):
        cases.append(case(str(file)))
  return cases


def _is_image(path: pathlib.Path) -> bool:
  try:
    with Image.open(path):
      return True
  except Image.DecompressionBombError:
    return True
  except Exception:  # Pillow's format readers raise anything on what is not theirs
    return False
