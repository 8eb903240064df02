"""How large and how small a picture may be."""

from medjax.errors import UserError

# Pillow warns above this number of pixels and refuses above twice as many.
MAX_PIXELS = 89_478_485
MIN_SIDE = 8
# Slices, frames or pages of one file.
MAX_PLACES = 100_000
MAX_VOXELS = 2**29

EXPECTED = f'expected at most {MAX_PIXELS:,} in all'


def require(name: str, width: int, height: int) -> None:
  """Sees that a picture has a size that is decoded.

  Raises:
    UserError: it is too small or too large; ``name`` says which.
  """
  if min(width, height) < MIN_SIDE:
    raise UserError(f'{name}: {width}x{height} pixels; expected at least {MIN_SIDE}x{MIN_SIDE}')
  if width * height > MAX_PIXELS:
    raise UserError(f'{name}: {width}x{height} pixels; {EXPECTED}')
