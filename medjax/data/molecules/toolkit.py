"""RDKit, loaded where it is used, and silent: what it logs becomes the reason of an error."""

import functools
import logging
import re
import threading
from typing import Any

from medjax.errors import UserError

_TIME = re.compile(r'^\[[\d:]+\]\s*')
_INPUT = re.compile(r'( for input| while parsing): .*')  # which the caller quotes
_KEPT = 20  # lines of the log of a thread


class _Log(logging.Handler):
  """The last errors that RDKit logged in each thread."""

  def __init__(self) -> None:
    super().__init__()
    self._of_thread = threading.local()

  def emit(self, record: logging.LogRecord) -> None:
    """Keeps a line, without the time that RDKit puts before it."""
    lines = getattr(self._of_thread, 'lines', [])
    self._of_thread.lines = [*lines[1 - _KEPT :], _TIME.sub('', record.getMessage())]

  def take(self) -> list[str]:
    """The lines since they were taken last."""
    lines = getattr(self._of_thread, 'lines', [])
    self._of_thread.lines = []
    return lines


_log = _Log()


@functools.cache
def chem() -> Any:
  """The module ``rdkit.Chem``.

  From then on RDKit writes nothing on the terminal; see ``problem``.

  Raises:
    UserError: it is not installed.
  """
  try:
    from rdkit import Chem, rdBase
  except ImportError as error:
    raise UserError(
      f"molecules need the package rdkit ({error}): pip install 'medjax[drug]'"
    ) from None
  rdBase.LogToPythonLogger()
  logger = logging.getLogger('rdkit')
  logger.handlers, logger.propagate = [_log], False
  for level in ('debug', 'info', 'warning'):
    rdBase.DisableLog(f'rdApp.{level}')
  return Chem


def forget() -> None:
  """Drops what was logged, before something is tried."""
  _log.take()


def problem() -> str:
  """The first error that RDKit logged in this thread since ``forget``, or words that say none.

  Example:
    >>> forget(); _ = chem().MolFromSmiles('C1CC'); problem()
    'SMILES Parse Error: unclosed ring'
  """
  lines = _log.take()
  return _INPUT.sub('', ' '.join(lines[0].split())) if lines else 'RDKit gives no reason'
