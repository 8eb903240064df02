"""Letters of DNA, RNA and proteins as numbers, ambiguity codes included.

Token 0 is padding, which stands after a sequence only; then come the letters and then the IUPAC
codes for "one of these letters". Lower case, with which genome browsers mark repeats, is read like
upper case. T and U are one letter, written T in DNA and U in RNA. In proteins the two rare
residues are read as what they are built like: selenocysteine (U) as cysteine, pyrrolysine (O) as
lysine. A '*' at the very end, the stop codon of a translated sequence, is dropped.

Source:
  Cornish-Bowden, A. (1985), Nomenclature for incompletely specified bases in nucleic acid
  sequences. Nucleic Acids Research 13(9), 3021-3030. IUPAC-IUB (1984), Nomenclature and symbolism
  for amino acids and peptides. European Journal of Biochemistry 138, 9-37.
"""

import dataclasses
import functools
import string
from collections.abc import Iterable

import numpy as np

from medjax.errors import UserError

PADDING = 0
GAPS = '-.'
_OTHER, _GAP = 255, 254  # not tokens


@dataclasses.dataclass(frozen=True)
class Alphabet:
  """The letters of one kind of sequence.

  Attributes:
    name: 'DNA', 'RNA' or 'protein'.
    letters: the residues, in the order of their tokens.
    ambiguous: (code, the letters that it stands for), in the order of their tokens.
    same: (other letter, the letter it is read as).
    complement: the letters' partners in a double helix, in the order of ``letters``; '' for none.
  """

  name: str
  letters: str
  ambiguous: tuple[tuple[str, str], ...]
  same: tuple[tuple[str, str], ...]
  complement: str = ''

  @property
  def tokens(self) -> str:
    """What decodes each token, with '-' for padding."""
    return '-' + self.letters + ''.join(code for code, _ in self.ambiguous)

  @functools.cached_property
  def table(self) -> np.ndarray:
    """Probability of each letter under each token: float32 [tokens, letters].

    ``table[tokens]`` is the one-hot input of a network: all 0 for padding, equal shares for an
    ambiguity code.
    """
    rows = ['', *self.letters, *(among for _, among in self.ambiguous)]
    shares = [[(letter in row) / max(len(row), 1) for letter in self.letters] for row in rows]
    return np.array(shares, np.float32)

  @functools.cached_property
  def letter_complement(self) -> np.ndarray:
    """Number of each letter's partner: int32 [letters].

    ``one_hot[..., ::-1, letter_complement]`` is the reverse complement of a sequence without
    padding.

    Raises:
      ValueError: the alphabet has no complement.
    """
    if not self.complement:
      raise ValueError(f'{self.name} has no complement')
    return np.array([self.letters.index(letter) for letter in self.complement], np.int32)

  @functools.cached_property
  def token_complement(self) -> np.ndarray:
    """Number of each token's partner: int32 [tokens]; padding stays padding.

    Raises:
      ValueError: the alphabet has no complement.
    """
    possible = self.table > 0
    partners = possible[:, self.letter_complement]
    return (partners[:, None] == possible).all(-1).argmax(1).astype(np.int32)

  @functools.cached_property
  def _lookup(self) -> np.ndarray:
    """Token of each byte: uint8 [256]."""
    lookup = np.full(256, _OTHER, np.uint8)
    lookup[[ord(gap) for gap in GAPS]] = _GAP
    spelled = {letter: number for number, letter in enumerate(self.tokens) if number != PADDING}
    spelled |= {other: spelled[letter] for other, letter in self.same}
    for letter, number in spelled.items():
      lookup[[ord(letter), ord(letter.lower())]] = number
    return lookup

  def encode(self, sequence: str, where: str, drop_gaps: bool = False) -> np.ndarray:
    """Tokens of a sequence.

    Args:
      sequence: letters and ambiguity codes, in either case.
      where: file and line or row, for errors.
      drop_gaps: leave out '-' and '.', as stand in alignments, instead of refusing them.

    Returns:
      uint8 [length].

    Raises:
      UserError: another letter, named with its position from 1, or no letters at all.

    Example:
      >>> DNA.encode('acgtn', 'reads.fa line 2').tolist()
      [1, 2, 3, 4, 15]
    """
    # What is not ASCII becomes '?', one for each letter, so that positions hold.
    tokens = self._lookup[np.frombuffer(sequence.encode('ascii', 'replace'), np.uint8)]
    if sequence.endswith('*'):
      tokens = tokens[:-1]
    if tokens.max(initial=PADDING) >= _GAP:
      wrong = np.flatnonzero(tokens >= (_OTHER if drop_gaps else _GAP))
      if len(wrong):
        letter, codes = sequence[wrong[0]], self.tokens[len(self.letters) + 1 :]
        raise UserError(
          f'{where}: position {wrong[0] + 1} is {letter!r}{" (a gap)" if letter in GAPS else ""}; '
          f'expected {self.name} letters {self.letters} or codes {codes}'
        )
      tokens = tokens[tokens != _GAP]
    if not len(tokens):
      raise UserError(f'{where}: the sequence is empty; expected {self.name} letters')
    return tokens

  def spelled(self, text: str) -> str:
    """Letters in this alphabet's own spelling: equal for what is read alike, such as U and T.

    Args:
      text: letters in either case; what is none of the alphabet stays as it is.

    Example:
      >>> RNA.spelled('acT'), DNA.spelled('ACU'), PROTEIN.spelled('MUT')
      ('ACU', 'ACT', 'MCT')
    """
    other, letter = (''.join(part) for part in zip(*self.same, strict=True))
    return text.upper().translate(str.maketrans(other, letter))

  def remarks(self, sequences: Iterable[str]) -> list[str]:
    """Which letters are not read as they stand, with counts, a line each.

    Example:
      >>> DNA.remarks(['ACGU', 'ACGT'])
      ['1 of 8 letters are U, read as T']
    """
    counts = _letter_counts(sequences)
    total = sum(counts.values())
    said = [
      f'{counts[other]} of {total} letters are {other}, read as {letter}'
      for other, letter in self.same
      if counts[other]
    ]
    several = {code: counts[code] for code, _ in self.ambiguous if counts[code]}
    if several:
      spelled = ', '.join(f'{count} {code}' for code, count in several.items())
      said.append(
        f'{sum(several.values())} of {total} letters stand for several, in equal shares: {spelled}'
      )
    return said

  def decode(self, tokens: np.ndarray) -> str:
    """The letters of tokens [length], without padding.

    Example:
      >>> RNA.decode(np.array([1, 2, 3, 4, 0]))
      'ACGU'
    """
    tokens = np.asarray(tokens)
    spelled = np.frombuffer(self.tokens.encode(), np.uint8)
    return spelled[tokens[tokens != PADDING]].tobytes().decode()

  def reverse_complement(self, tokens: np.ndarray) -> np.ndarray:
    """The other strand, read in its own direction.

    Args:
      tokens: [..., length], padding after each sequence.

    Returns:
      [..., length] of the same type, padding again after each sequence.

    Raises:
      ValueError: the alphabet has no complement.

    Example:
      >>> DNA.decode(DNA.reverse_complement(DNA.encode('AACGR', 'here')))
      'YCGTT'
    """
    length = tokens.shape[-1]
    flipped = self.token_complement.astype(tokens.dtype)[tokens[..., ::-1]]
    padding = (tokens == PADDING).sum(-1, keepdims=True)
    return np.take_along_axis(flipped, (np.arange(length) + padding) % max(length, 1), -1)


def _bases(thymine: str, other: str) -> dict[str, tuple[tuple[str, str], ...]]:
  """Ambiguity codes of a nucleic acid, and the other spelling of its fourth letter."""
  codes = {
    'R': 'AG', 'Y': 'CT', 'S': 'CG', 'W': 'AT', 'K': 'GT', 'M': 'AC',
    'B': 'CGT', 'D': 'AGT', 'H': 'ACT', 'V': 'ACG', 'N': 'ACGT',
  }  # fmt: skip
  spelled = tuple((code, among.replace('T', thymine)) for code, among in codes.items())
  return {'ambiguous': spelled, 'same': ((other, thymine),)}


_RESIDUES = 'ACDEFGHIKLMNPQRSTVWY'

DNA = Alphabet('DNA', 'ACGT', complement='TGCA', **_bases('T', 'U'))
RNA = Alphabet('RNA', 'ACGU', complement='UGCA', **_bases('U', 'T'))
PROTEIN = Alphabet(
  'protein',
  _RESIDUES,
  ambiguous=(('B', 'DN'), ('Z', 'EQ'), ('J', 'IL'), ('X', _RESIDUES)),
  same=(('U', 'C'), ('O', 'K')),
)
ALPHABETS = {alphabet.name: alphabet for alphabet in (DNA, RNA, PROTEIN)}


def guess(sequences: Iterable[str]) -> Alphabet:
  """Tells DNA, RNA and protein from all letters together.

  Where nine of ten letters are A, C, G, T, U or N, it is a nucleic acid: RNA if there is more U
  than T, else DNA. Anything else is protein, where these six make up a quarter. So a few wrong
  letters in a nucleic acid are still found by ``encode``, and peptides of these letters alone are
  mistaken for DNA.

  Raises:
    UserError: no letters.

  Example:
    >>> guess(['ACGUUN', 'acg']).name, guess(['MKTAYIAK']).name
    ('RNA', 'protein')
  """
  counts = _letter_counts(sequences)
  total = sum(counts.values())
  if not total:
    raise UserError('the sequences have no letters; expected DNA, RNA or protein')
  if sum(counts[letter] for letter in 'ACGTUN') < 0.9 * total:
    return PROTEIN
  return RNA if counts['U'] > counts['T'] else DNA


def _letter_counts(sequences: Iterable[str]) -> dict[str, int]:
  """How often each letter from A to Z stands there, in either case."""
  counts = np.zeros(256, int)
  for sequence in sequences:
    text = sequence.upper().encode('ascii', 'replace')
    counts += np.bincount(np.frombuffer(text, np.uint8), minlength=256)
  return {letter: int(counts[ord(letter)]) for letter in string.ascii_uppercase}
