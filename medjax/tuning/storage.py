"""Where a study keeps its trials: a file of SQLite, or PostgreSQL for many hosts."""

import contextlib
import os
import pathlib
import re
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from medjax.errors import UserError
from medjax.runtime import without_passwords

VARIABLE = 'MEDJAX_TUNE_STORAGE'  # for a URL with a password, which others could read as a flag
_DRIVER = 'postgresql+psycopg'
_HEARTBEAT, _GRACE = 30, 150  # seconds; see ``opened``


def optuna() -> ModuleType:
  """The package, which does not tell of every trial.

  Raises:
    UserError: it is not installed.
  """
  try:
    import optuna as package
  except ImportError as error:
    raise UserError(
      f"tune needs the package optuna ({error}): pip install 'medjax[tune]'"
    ) from None
  package.logging.set_verbosity(package.logging.ERROR)
  return package


def url(given: str, folder: pathlib.Path) -> str:
  """The URL of a storage: what is given, else of the environment, else a file in the folder.

  Args:
    given: of the command line; '' for none.
    folder: of the tuning.

  Raises:
    UserError: it is of a kind that is not known.

  Example:
    >>> url('postgres://me@host/studies', pathlib.Path('runs/a'))
    'postgresql+psycopg://me@host/studies'
  """
  found = given or os.environ.get(VARIABLE, '') or f'sqlite:///{folder.absolute() / "tune.db"}'
  scheme, separator, rest = found.partition('://')
  if not separator or scheme not in ('sqlite', 'postgres', 'postgresql', _DRIVER):
    raise UserError(
      f'--storage={without_passwords(found)}: expected sqlite:///FILE or postgresql://USER@HOST/DATABASE'
    )
  if scheme == 'sqlite' and not rest.strip('/'):
    raise UserError(f'--storage={found}: names no file; expected sqlite:///FILE')
  return found if scheme == 'sqlite' else f'{_DRIVER}://{rest}'


def opened(where: str, heartbeat: int = _HEARTBEAT, grace: int = _GRACE) -> Any:
  """The storage at a URL, with its tables.

  Whoever trains a trial says so every ``heartbeat`` seconds; one of whom nothing was heard for
  ``grace`` seconds is taken for dead by the others, on whatever host.

  Raises:
    UserError: it cannot be reached, or its driver is missing.
  """
  package = optuna()
  if where.startswith('sqlite:///'):
    file = pathlib.Path(where.removeprefix('sqlite:///'))
    if not file.parent.is_dir():
      raise UserError(f'--storage={where}: its folder {file.parent} is not there')
    about: dict[str, Any] = {'connect_args': {'timeout': 60}}  # seconds to wait for another writer
  else:
    # A connection that the server closed meanwhile is made anew.
    about = {'pool_pre_ping': True, 'connect_args': {'connect_timeout': 10}}
  with warnings.catch_warnings(), errors(where):
    warnings.simplefilter('ignore', package.exceptions.ExperimentalWarning)
    return package.storages.RDBStorage(
      where, engine_kwargs=about, heartbeat_interval=heartbeat, grace_period=grace
    )


@contextlib.contextmanager
def errors(where: str) -> Iterator[None]:
  """Errors of a storage as one line without its password.

  Raises:
    UserError: instead of them.
  """
  package = optuna()
  import sqlalchemy.exc

  try:
    yield
  except package.exceptions.StorageInternalError as error:
    reason = str(error.__cause__ or error)
  except sqlalchemy.exc.NoSuchModuleError as error:
    reason = str(error)
  except (sqlalchemy.exc.SQLAlchemyError, RuntimeError) as error:
    if not isinstance(error, sqlalchemy.exc.SQLAlchemyError) and 'schema' not in str(error):
      raise  # not of the storage: a study of another version of Optuna says 'schema'
    reason = str(getattr(error, 'orig', None) or error)
  except ImportError as error:
    if 'psycopg' not in str(error):
      raise
    reason = f"needs the package psycopg ({error}): pip install 'medjax[tune]'"
  else:
    return
  line = ' '.join(reason.split())
  raise UserError(
    f'--storage={without_passwords(where)}: {without_passwords(_without(line, where))}'
  ) from None


def _without(text: str, where: str) -> str:
  """A text in which the password of a URL does not stand by itself either."""
  found = re.search(r'://[^:@/?#\s]*:(\S*)@', where)
  return text.replace(found[1], '***') if found and found[1] else text
