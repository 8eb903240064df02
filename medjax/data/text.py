"""One form for texts that look alike: Unicode has several for the same letters."""

import unicodedata

# What word processors write for the signs on a keyboard.
_PLAIN = {ord(dash): '-' for dash in '\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d'}
_PLAIN |= {ord(quote): "'" for quote in '\u2018\u2019\u201b\u02bc\uff07'}
# Of other categories than the rest of what nobody sees.
_UNSEEN = frozenset('\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0').union(
  map(chr, range(0xFE00, 0xFE10)), map(chr, range(0xE0100, 0xE01F0))
)


def clean(text: str) -> str:
  """A name or cell as people see it.

  Composed letters (macOS archives hold u and its two dots apart), without characters that take no
  place (zero-width spaces and joiners, byte-order marks, soft hyphens, selectors of a variant),
  with plain blanks, dashes and apostrophes, and without blanks around it.

  Args:
    text: as a file, a table or a folder has it.

  Example:
    >>> clean(' Mu\\u0308ller\\u200b ') == 'M\\u00fcller'
    True
  """
  if text.isascii():
    return text.strip()
  seen = (
    c
    for c in unicodedata.normalize('NFC', text).translate(_PLAIN)
    if unicodedata.category(c) != 'Cf' and c not in _UNSEEN
  )
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
