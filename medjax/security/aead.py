"""Bytes that only a key opens, and only at the place for which they were sealed."""

import os
from typing import Any

from medjax.errors import UserError

KEY_BYTES = 32
_NONCE_BYTES = 12  # random: at most 2**32 of them under one key (NIST SP 800-38D, 8.3)
OVERHEAD = _NONCE_BYTES + 16
"""Bytes that sealing adds."""


class TamperedError(UserError):
  """Something is not what was written: damaged, swapped, cut off or put back."""


def require() -> None:
  """Sees that the packages are there.

  Raises:
    UserError: they are not.
  """
  try:
    import cryptography  # noqa: F401
    import pyrage  # noqa: F401
  except ImportError:
    raise UserError(
      'encrypted data need cryptography and age, which are not installed; expected '
      "pip install 'medjax[secure]'"
    ) from None


def new_key() -> bytes:
  """256 random bits of the operating system."""
  return os.urandom(KEY_BYTES)


def cipher(key: bytes) -> Any:
  """AES-256-GCM with a key; threads may share it."""
  require()
  from cryptography.hazmat.primitives.ciphers.aead import AESGCM

  return AESGCM(key)


def seal(key: bytes, about: bytes, content: bytes) -> bytes:
  """A random nonce, the encrypted content and its tag.

  Args:
    key: 32 bytes.
    about: what the content is and where it stands; needed, and checked, to open it.
    content: any bytes, less than 2 GiB.

  Example:
    >>> key = new_key()                                            # doctest: +SKIP
    >>> unseal(key, b'row 1', seal(key, b'row 1', b'age 61'))      # doctest: +SKIP
    b'age 61'
  """
  return seal_with(cipher(key), about, content)


def seal_with(cipher: Any, about: bytes, content: bytes) -> bytes:
  """As ``seal``, with a cipher that is used many times."""
  nonce = os.urandom(_NONCE_BYTES)
  return nonce + cipher.encrypt(nonce, content, about)


def unseal(key: bytes, about: bytes, sealed: bytes, what: str = 'the content') -> bytes:
  """What ``seal`` sealed.

  Args:
    key: 32 bytes.
    about: as it was sealed.
    sealed: what was made.
    what: it is, for the error.

  Raises:
    TamperedError: the key, the place or any bit is another.
  """
  return unseal_with(cipher(key), about, sealed, what)


def unseal_with(cipher: Any, about: bytes, sealed: bytes, what: str) -> bytes:
  """As ``unseal``, with a cipher that is used many times."""
  from cryptography.exceptions import InvalidTag

  try:
    return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], about)
  except (InvalidTag, ValueError):
    raise TamperedError(f'{what}: is not what was encrypted there, or under another key') from None


def subkey(key: bytes, purpose: str) -> bytes:
  """A key of its own for another purpose (HKDF-SHA256, RFC 5869), 32 bytes."""
  require()
  from cryptography.hazmat.primitives import hashes
  from cryptography.hazmat.primitives.kdf.hkdf import HKDF

  derive = HKDF(hashes.SHA256(), KEY_BYTES, None, b'medjax ' + purpose.encode())
  return derive.derive(key)


def keyed_digest(key: bytes, content: bytes) -> str:
  """32 hexadecimal digits that nobody without the key can compare with a guess (HMAC-SHA256)."""
  import hmac

  return hmac.digest(key, content, 'sha256').hex()[:32]
