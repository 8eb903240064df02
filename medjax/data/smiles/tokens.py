"""The tokens of a SMILES, and the numbers that stand for them.

Source:
  Segler, M. H. S., Kogej, T., Tyrchan, C. and Waller, M. P. (2018), Generating focused molecule
    libraries for drug discovery with recurrent neural networks, ACS Cent. Sci. 4:120.
  Schwaller, P. et al. (2019), Molecular Transformer, ACS Cent. Sci. 5:1572 (the expression).
"""

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from medjax.data.quote import short
from medjax.errors import UserError

PADDING, END = 0, 1
"""Numbers of what fills a row after the end of a molecule, and of that end."""
_FIRST = 2
MOST = 255 - _FIRST
"""Different tokens, at most: more than any set of molecules needs."""

_TOKEN = re.compile(r'\[[^\[\]]+\]|Br|Cl|%\d\d|[BCNOSPFIbcnosp0-9()=#$:/\\.~*@+\-]')


def tokens(smiles: str) -> list[str]:
  """A SMILES in tokens: atoms in brackets, elements of two letters, ring closures %10 to %99.

  Raises:
    UserError: something in it is no token.

  Example:
    >>> tokens('C[C@H](Cl)c%12')
    ['C', '[C@H]', '(', 'Cl', ')', 'c', '%12']
  """
  found = _TOKEN.findall(smiles)
  if sum(map(len, found)) != len(smiles):
    rest = _TOKEN.sub('', smiles)
    raise UserError(f'SMILES {short(smiles)!r}: {rest[0]!r} is no token of a SMILES')
  return found


@dataclasses.dataclass(frozen=True)
class Vocabulary:
  """The tokens that training molecules are written with.

  Attributes:
    names: in the order of the alphabet; the first one has number 2, after ``PADDING`` and ``END``.

  Example:
    >>> vocabulary = Vocabulary.of(['CCO', 'CN'])
    >>> vocabulary.encode('OC').tolist(), vocabulary.spell(np.array([4, 2, 1, 0]))
    ([4, 2, 1], 'OC')
  """

  names: tuple[str, ...]

  @classmethod
  def of(cls, molecules: Iterable[str]) -> 'Vocabulary':
    """That of SMILES.

    Raises:
      UserError: there are more than ``MOST`` different tokens.
    """
    seen: Counter[str] = Counter()
    for smiles in molecules:
      seen.update(tokens(smiles))
    if len(seen) > MOST:
      rare = short(', '.join(name for name, _ in seen.most_common()[-3:]))
      raise UserError(
        f'the molecules have {len(seen)} different tokens, such as {rare}; expected at most {MOST}'
      )
    return cls(tuple(sorted(seen)))

  def __len__(self) -> int:
    """Numbers in use, those of padding and the end among them."""
    return len(self.names) + _FIRST

  def encode(self, smiles: str) -> np.ndarray:
    """The numbers of its tokens and of the end, uint8 [length + 1].

    Raises:
      UserError: a token is not of the vocabulary.
    """
    number = {name: i for i, name in enumerate(self.names, start=_FIRST)}
    return np.array([*self._numbers(smiles, number), END], np.uint8)

  def encode_all(self, molecules: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Rows of numbers, uint8 [N, longest], and how long each is with its end, int64 [N]; a molecule
    with a token that is not of the vocabulary has length 0."""
    number = {name: i for i, name in enumerate(self.names, start=_FIRST)}
    rows = []
    for smiles in molecules:
      parts = tokens(smiles)
      known = all(part in number for part in parts)
      rows.append(bytes([*(number[part] for part in parts), END]) if known else b'')
    lengths = np.array([len(row) for row in rows], np.int64)
    width = int(lengths.max(initial=1))
    padded = b''.join(row.ljust(width, bytes([PADDING])) for row in rows)
    return np.frombuffer(padded, np.uint8).reshape(len(rows), width), lengths

  def _numbers(self, smiles: str, number: dict[str, int]) -> list[int]:
    found = tokens(smiles)
    unknown = next((name for name in found if name not in number), None)
    if unknown is not None:
      raise UserError(f'SMILES {short(smiles)!r}: no training molecule has {unknown!r}')
    return [number[name] for name in found]

  def spell(self, row: np.ndarray) -> str:
    """The text of numbers up to the first end, or all of them where there is none."""
    ends = np.flatnonzero(row == END)
    within = row[: ends[0]] if len(ends) else row
    return ''.join(self.names[number - _FIRST] for number in within.tolist() if number >= _FIRST)
