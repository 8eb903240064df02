"""A table ``labels.csv`` that names a mask for each image."""

import pathlib
from typing import Any

from medjax.data import source_files
from medjax.data.images import labels_table
from medjax.data.images.config import MaskConfig
from medjax.data.images.messages import for_all, short
from medjax.errors import UserError


def read(table: pathlib.Path, config: MaskConfig) -> tuple[list[dict[str, Any]], list[str], str]:
  """Rows with ``mask``, the path of a file; otherwise as ``labels_table.read``.

  Masks are looked for beside the table and in ``masks`` there. Rows without a mask are left out,
  with a note: it is not known what their image shows.

  Raises:
    UserError: as there, or the file of a mask is not there.
  """
  if not source_files.exists(table):
    raise UserError(
      f'{table}: no such file; expected a table with {config.file_column},{config.mask_column}, '
      'which names the mask of each image'
    )
  rows, notes, origin = labels_table.read(table, config, config.mask_column)
  find = labels_table.Finder(table, config.mask_column, 'masks', 'a mask')
  errors = []
  for row in rows:
    try:
      row['mask'] = find(row['label'], f'{table}: mask of {short(row["id"])}')
    except UserError as error:
      errors.append(error)
  if errors:
    raise for_all(errors, f'in {table} have no mask')
  return rows, notes, origin
