"""A full disk, of which the writers of checkpoints tell in many ways."""

import contextlib
import pathlib
from collections.abc import Iterator

from medjax import files
from medjax.errors import DiskFullError


@contextlib.contextmanager
def full_in_one_line(folder: pathlib.Path) -> Iterator[None]:
  """Turns the errors that a full disk makes into one line.

  Args:
    folder: where checkpoints are written.

  Raises:
    DiskFullError: an error of what is inside, or one that it came from, was for want of space.
  """
  try:
    yield
  except BaseException as error:
    seen: BaseException | None = error
    while seen is not None:
      full = isinstance(seen, OSError) and files.is_full(seen)
      if full or any(text in str(seen) for text in ('No space left', 'ENOSPC', 'quota exceeded')):
        raise DiskFullError(
          f'{folder}: no space left for a checkpoint; free some and repeat the command to '
          'continue from the one before'
        ) from None
      seen = seen.__cause__ or seen.__context__
    raise
