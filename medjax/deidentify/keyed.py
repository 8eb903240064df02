"""What stands for a patient, a UID, a file name and a date: made with a key (HMAC-SHA256).

The same key gives the same everywhere, so that files and tables that were de-identified one after
the other still belong together. Who has the key can try ids; who has not, can not.
"""

import datetime
import hmac
import re

from medjax.data import patients
from medjax.data.images import pseudonym
from medjax.errors import UserError
from medjax.runtime import cache_folder
from medjax.security import keys

_DAYS = 3650  # dates move back by 1 to this many days
_DATE = re.compile(r'(\d{4})([-./]?)(\d{2})\2(\d{2})')


class Keyed:
  """Makes them.

  Args:
    key: any bytes that nobody can guess.

  Example:
    >>> keyed = Keyed(b'sixteen bytes...')
    >>> keyed.patient('P 001') == keyed.patient('p1'), keyed.uid('1.2.3').startswith('2.25.')
    (True, True)
  """

  def __init__(self, key: bytes):
    self._key = key

  def patient(self, name: str) -> str:
    """What stands for a patient, however the id is spelled; '' for ''."""
    return f'patient-{self._number("patient", patients.key(name)):064x}'[:28] if name else ''

  def code(self, kind: str, name: str) -> str:
    """What stands for another name, such as that of a study or a file; '' for ''."""
    return f'{kind}-{self._number(kind, name):064x}'[: len(kind) + 21] if name else ''

  def uid(self, uid: str) -> str:
    """A UID in place of another: '2.25.' and a number of 128 bits (DICOM PS3.5, B.2)."""
    return f'2.25.{self._number("uid", uid) >> 128}'

  def days(self, patient: str) -> int:
    """By how many days dates of a patient move back, 1 to 3650."""
    return 1 + self._number('days', patients.key(patient)) % _DAYS

  def moved(self, date: str, patient: str) -> str:
    """A date that begins with year, month and day, moved; '' for another text.

    What follows, such as a time, stays. Order and intervals of a patient's dates are as before.

    Example:
      >>> keyed = Keyed(b'sixteen bytes...')
      >>> keyed.moved('20200301', 'P1') == keyed.moved('2020-03-01', 'p 1').replace('-', '')
      True
    """
    found = _DATE.match(date)
    if not found:
      return ''
    try:
      day = datetime.date(int(found[1]), int(found[3]), int(found[4]))
      day -= datetime.timedelta(self.days(patient))
    except (ValueError, OverflowError):
      return ''
    return day.strftime(f'{day.year:04d}{found[2]}%m{found[2]}%d') + date[found.end() :]

  def _number(self, kind: str, name: str) -> int:
    content = f'{kind}\0{name}'.encode(errors='surrogatepass')
    return int.from_bytes(hmac.digest(self._key, content, 'sha256'))


def load(reference: str) -> Keyed:
  """With the key that a reference names, or with the random one of this machine.

  Args:
    reference: as ``medjax.security.keys`` has it; '' for the key in the cache folder, with which
      the loaders make digests of ids.

  Raises:
    UserError: the key cannot be read.
  """
  if reference:
    return Keyed(
      hmac.digest(b'medjax deidentify', keys.load(reference).secret().encode(), 'sha256')
    )
  try:
    return Keyed(pseudonym.key(cache_folder()))
  except UserError as error:
    raise UserError(f'{error}; or --key names another key') from None
