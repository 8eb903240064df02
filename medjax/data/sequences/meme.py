"""Files of motifs in the minimal MEME format, as databases such as JASPAR give them out.

Source:
  Bailey, T. L., Johnson, J., Grant, C. E. and Noble, W. S. (2015), The MEME Suite. Nucleic Acids
  Research 43(W1), W39-W49; the format: https://meme-suite.org/meme/doc/meme-format.html
"""

import pathlib
import re
from collections.abc import Mapping

import numpy as np

from medjax import files
from medjax.data import numerals
from medjax.data.quote import short
from medjax.data.sequences.alphabet import DNA, Alphabet
from medjax.data.text_file import read_text
from medjax.errors import UserError

_ROUNDING = 0.01  # rows of three printed digits add up to 1 but for this


def read(path: pathlib.Path, alphabet: Alphabet = DNA) -> dict[str, np.ndarray]:
  """Reads the probability matrices of a file; everything else in it is passed over.

  Args:
    path: the file.
    alphabet: that of the motifs; the columns stand in the order of its letters.

  Returns:
    float64 [W, letters] by name of the motif, in the order of the file; rows add up to 1.

  Raises:
    UserError: no such file, another format or alphabet, a motif without a name or a matrix, a name
      that stands twice, or a matrix with rows missing, too long or not of probabilities.
  """
  lines = read_text(path, 'motifs in MEME format').splitlines()
  if not any(line.startswith('MEME version') for line in lines):
    raise UserError(f'{path}: has no line "MEME version"; expected motifs in MEME format')
  motifs: dict[str, np.ndarray] = {}
  name, named_at = '', 0
  for number, line in enumerate(lines, start=1):
    where = f'{path} line {number}'
    if line.startswith('ALPHABET'):
      _check_alphabet(line, alphabet, where)
    elif line.startswith('MOTIF'):
      _require_matrix(name, motifs, f'{path} line {named_at}')
      words = line.split()
      if len(words) < 2:
        raise UserError(f'{where}: expected a name after MOTIF')
      name, named_at = words[1], number
      if name in motifs:
        raise UserError(f'{where}: motif {short(name)} was there before; expected each name once')
    elif line.startswith('letter-probability matrix'):
      if not name or name in motifs:
        raise UserError(f'{where}: expected a line MOTIF with a name before each matrix')
      motifs[name] = _matrix(lines, number, alphabet, path)
  _require_matrix(name, motifs, f'{path} line {named_at}')
  if not motifs:
    raise UserError(f'{path}: has no motifs; expected lines that begin with MOTIF')
  return motifs


def write(path: pathlib.Path, motifs: Mapping[str, np.ndarray], alphabet: Alphabet = DNA) -> None:
  """Writes probability matrices, to nine digits.

  Args:
    path: the file, replaced where it exists.
    motifs: [W, letters] by name.
    alphabet: theirs.

  Raises:
    ValueError: a name that is empty or has spaces, or a matrix of another width or whose rows do
      not add up to 1.
  """
  lines = ['MEME version 4', '', f'ALPHABET= {alphabet.letters}', '']
  if alphabet.complement:
    lines += ['strands: + -', '']
  for name, pwm in motifs.items():
    if not name or name.split() != [name]:
      raise ValueError(f'expected a name without spaces, got {name!r}')
    if pwm.ndim != 2 or pwm.shape[1] != len(alphabet.letters):
      raise ValueError(f'{name}: expected shape [W, {len(alphabet.letters)}], got {pwm.shape}')
    if (pwm < 0).any() or not np.allclose(pwm.sum(1), 1):
      raise ValueError(f'{name}: expected rows of probabilities that add up to 1')
    lines += [
      f'MOTIF {name}',
      f'letter-probability matrix: alength= {pwm.shape[1]} w= {len(pwm)} nsites= 20 E= 0',
      *(' ' + ' '.join(f'{value:.9f}' for value in row) for row in pwm),
      '',
    ]
  with files.replacing(path) as new:
    new.write_text('\n'.join(lines))


def _check_alphabet(line: str, alphabet: Alphabet, where: str) -> None:
  match = re.fullmatch(r'ALPHABET=\s*(\w+)\s*', line)
  # RNA is often written with the letters of DNA, in the same order.
  alike = {alphabet.letters, alphabet.letters.replace('U', 'T')}
  if not match or match[1] not in alike:
    raise UserError(f'{where}: {short(line.strip())!r}; expected ALPHABET= {alphabet.letters}')


def _require_matrix(name: str, motifs: dict[str, np.ndarray], where: str) -> None:
  if name and name not in motifs:
    raise UserError(
      f'{where}: motif {short(name)} has no letter-probability matrix; expected one below'
    )


def _matrix(lines: list[str], header: int, alphabet: Alphabet, path: pathlib.Path) -> np.ndarray:
  """The rows below line number ``header``."""
  rows: list[list[float]] = []
  width = re.search(r'\bw=\s*(\S+)', lines[header - 1])
  wanted = numerals.whole(width[1]) if width else None
  if width and not wanted:
    raise UserError(
      f'{path} line {header}: w= {short(width[1])!r}; expected the number of rows below, from 1'
    )
  for number in range(header + 1, len(lines) + 1):
    cells = lines[number - 1].split()
    if len(rows) == wanted or not cells or not re.match(r'[-+.\d]', cells[0]):
      break
    where = f'{path} line {number}'
    if len(cells) != len(alphabet.letters):
      raise UserError(
        f'{where}: has {len(cells)} numbers; expected {len(alphabet.letters)}, one a letter of '
        f'{alphabet.letters}'
      )
    row = [_probability(cell, where) for cell in cells]
    if not abs(sum(row) - 1) <= _ROUNDING:
      raise UserError(f'{where}: adds up to {sum(row):g}; expected probabilities that add up to 1')
    rows.append([value / sum(row) for value in row])
  if not rows or (wanted and len(rows) != wanted):
    expected = f'w= {wanted}' if wanted else 'at least one'
    raise UserError(f'{path} line {header}: has {len(rows)} rows below; expected {expected}')
  return np.array(rows)


def _probability(cell: str, where: str) -> float:
  value = numerals.real(cell)
  if value is None or value < 0:
    raise UserError(f'{where}: {short(cell)!r}; expected probabilities that add up to 1')
  return value
