"""Packages that read medical formats, loaded when such a file is."""

import functools
import importlib
import logging
import warnings
from typing import Any

from medjax.errors import UserError


class MissingPackageError(UserError):
  """A format needs a package that is not installed: no file of it can be read."""


@functools.cache
def load(name: str, what: str) -> Any:
  """A package by name.

  Its own warnings are silenced: they go to the terminal, and may quote what a header says of a
  patient.

  Args:
    name: of the module.
    what: the files that need it, for the error.

  Raises:
    MissingPackageError: it is not installed.
  """
  try:
    module = importlib.import_module(name)
  except ImportError as error:
    raise MissingPackageError(
      f"{what} files need the package {name} ({error}): pip install 'medjax[imaging]'"
    ) from None
  root = name.partition('.')[0]
  warnings.filterwarnings('ignore', module=root)
  logging.getLogger(root).setLevel(logging.CRITICAL + 1)
  return module
