"""People: a name, an age key to which others encrypt, and a key with which the person signs."""

import base64
import dataclasses
import hashlib
import json
import re

from medjax.errors import UserError
from medjax.security.aead import TamperedError, require

_MARK = 'medjax-person'
_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9._@-]{0,63}')


@dataclasses.dataclass(frozen=True)
class Person:
  """What others know of somebody.

  Attributes:
    name: letters, digits and ._@-.
    age: the recipient, 'age1...'.
    sign: the Ed25519 public key in base64.
  """

  name: str
  age: str
  sign: str

  def text(self) -> str:
    """One line that can be sent to others.

    Example:
      >>> Person('anna', 'age1x', 'AA==').text()
      'medjax-person:1:anna:age1x:AA=='
    """
    return ':'.join([_MARK, '1', self.name, self.age, self.sign])

  def verify(self, signature: str, message: bytes, what: str) -> None:
    """Sees that the person signed a message.

    Raises:
      TamperedError: the person did not.
    """
    require()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
      public = Ed25519PublicKey.from_public_bytes(base64.b64decode(self.sign, validate=True))
      public.verify(base64.b64decode(signature, validate=True), message)
    except (InvalidSignature, ValueError):
      raise TamperedError(f'{what}: is not as {self.name} signed it') from None

  def wrap(self, key: bytes) -> str:
    """A key that only this person can unwrap, in base64."""
    require()
    import pyrage

    try:
      to = pyrage.x25519.Recipient.from_str(self.age)
      return base64.b64encode(pyrage.encrypt(key, [to])).decode()
    except (pyrage.RecipientError, pyrage.EncryptError) as error:
      raise UserError(f'{self.name}: no age key to encrypt to: {error}') from None


def person(text: str, where: str) -> Person:
  """The person of a public line.

  Raises:
    UserError: it is none.
  """
  parts = text.strip().split(':')
  if len(parts) != 5 or parts[:2] != [_MARK, '1']:
    raise UserError(f'{where}: expected the public line of keygen, {_MARK}:1:NAME:AGE:KEY')
  found = Person(*parts[2:])
  _check_name(found.name)
  found.wrap(b'')  # refuses a line that was cut off
  try:
    signs = len(base64.b64decode(found.sign, validate=True)) == 32
  except ValueError:
    signs = False
  if not signs:
    raise UserError(f'{where}: the key with which {found.name} signs is not whole')
  return found


def _check_name(name: str) -> None:
  if not _NAME.fullmatch(name):
    raise UserError(f'{name!r}: expected a name of letters, digits and ._@-, such as anna')


@dataclasses.dataclass(frozen=True)
class Identity:
  """Somebody's secret keys; they are shown by nothing, ``repr`` included.

  Attributes:
    person: what others know.
  """

  person: Person
  _age: str = dataclasses.field(repr=False)
  _sign: bytes = dataclasses.field(repr=False)

  def sign(self, message: bytes) -> str:
    """An Ed25519 signature in base64."""
    require()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(self._sign)
    return base64.b64encode(private.sign(message)).decode()

  def unwrap(self, wrapped: str, what: str) -> bytes:
    """A key that was wrapped to this person.

    Raises:
      TamperedError: it was wrapped to another one, or is damaged.
    """
    require()
    import pyrage

    try:
      mine = pyrage.x25519.Identity.from_str(self._age)
      return bytes(pyrage.decrypt(base64.b64decode(wrapped, validate=True), [mine]))
    except (pyrage.DecryptError, ValueError):
      raise TamperedError(f'{what}: the key is not wrapped to {self.person.name}') from None

  def secret(self) -> str:
    """All of it as one line, for ``of_secret``; whoever has it is this person."""
    sign = base64.b64encode(self._sign).decode()
    about = {'name': self.person.name, 'age': self._age, 'sign': sign}
    return json.dumps({**about, 'check': _check(about)})


def generate(name: str) -> Identity:
  """New keys for somebody.

  Raises:
    UserError: of such a name.
  """
  _check_name(name)
  require()
  import pyrage
  from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

  return _of(name, str(pyrage.x25519.Identity.generate()),
             Ed25519PrivateKey.generate().private_bytes_raw())  # fmt: skip


def of_secret(text: str, where: str) -> Identity:
  """The identity of a secret line, which no error repeats.

  Raises:
    UserError: it is none.
  """
  require()
  import pyrage

  try:
    about = json.loads(text)
    name, age, sign = (str(about[part]) for part in ('name', 'age', 'sign'))
    if about['check'] != _check({'name': name, 'age': age, 'sign': sign}):
      raise ValueError
    return _of(name, age, base64.b64decode(sign, validate=True))
  except (ValueError, KeyError, TypeError, pyrage.IdentityError):
    raise UserError(f'{where}: holds no secret key of keygen, or one that is damaged') from None


def _check(about: dict[str, str]) -> str:
  """Tells a secret line that was damaged; whoever can change it could also write another one."""
  return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]


def _of(name: str, age: str, sign: bytes) -> Identity:
  import pyrage
  from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

  public = Ed25519PrivateKey.from_private_bytes(sign).public_key().public_bytes_raw()
  recipient = str(pyrage.x25519.Identity.from_str(age).to_public())
  return Identity(Person(name, recipient, base64.b64encode(public).decode()), age, sign)
