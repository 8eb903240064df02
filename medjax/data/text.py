"""One form for texts that look alike: Unicode has several for the same letters."""

import unicodedata


def clean(text: str) -> str:
  """A name or cell as people see it.

  Composed letters (macOS archives hold u and its two dots apart), without characters that take no
  place (zero-width spaces and joiners, byte-order marks, soft hyphens), with plain blanks, and
  without blanks around it.

  Args:
    text: as a file, a table or a folder has it.

  Example:
    >>> clean(' Mu\\u0308ller\\u200b ') == 'M\\u00fcller'
    True
  """
  if text.isascii():
    return text.strip()
  seen = (c for c in unicodedata.normalize('NFC', text) if unicodedata.category(c) != 'Cf')
  return ''.join(' ' if unicodedata.category(c) == 'Zs' else c for c in seen).strip()


def key(text: str) -> str:
  """What two spellings of one name have in common: neither case, blanks nor width count.

  Args:
    text: any.

  Example:
    >>> key('PAT 001') == key('pat001'), key('P-1') == key('P1')
    (True, False)
  """
  return ''.join(unicodedata.normalize('NFKC', clean(text)).casefold().split())
