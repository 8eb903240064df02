"""Simulated proteins with the signals that send real ones to their place in the cell.

Cytosolic proteins have none. Secreted ones begin with a signal peptide: a few residues with a
positive charge, 8 to 12 hydrophobic ones, and small residues one and three before the cut (von
Heijne 1986). Mitochondrial ones begin with an amphipathic helix, in which arginine and lysine come
every three or four residues and acidic ones hardly at all (von Heijne 1986b). Nuclear ones have
four or five basic residues in a row, or two and three with ten between them, anywhere (Dingwall and
Laskey 1991). Membrane proteins have two to six stretches of 19 to 23 hydrophobic residues.
Everything else is drawn from the mean composition of UniProtKB/Swiss-Prot. A tenth of the other
proteins carry half a signal, so that its presence must be told from a likeness.

These are the rules of textbooks, not of any organism: a network trained on them knows nothing about
real proteins.

References:
  von Heijne, G. (1986), A new method for predicting signal sequence cleavage sites, Nucleic Acids
    Research 14:4683-4690; (1986b), Mitochondrial targeting sequences may form amphiphilic helices,
    EMBO Journal 5:1335-1342. Dingwall, C. and Laskey, R. A. (1991), Nuclear targeting sequences: a
    consensus? Trends in Biochemical Sciences 16:478-481.
"""

import dataclasses
from typing import Any

import numpy as np

CLASSES = ('cytosol', 'secreted', 'mitochondrion', 'nucleus', 'membrane')
LENGTHS = (60, 400)  # residues
# Per cent, in Swiss-Prot.
_COMPOSITION = {
  'A': 8.3, 'R': 5.5, 'N': 4.1, 'D': 5.5, 'C': 1.4, 'Q': 3.9, 'E': 6.7, 'G': 7.1, 'H': 2.3,
  'I': 5.9, 'L': 9.7, 'K': 5.8, 'M': 2.4, 'F': 3.9, 'P': 4.7, 'S': 6.6, 'T': 5.3, 'W': 1.1,
  'Y': 2.9, 'V': 6.9,
}  # fmt: skip
_LETTERS = np.array(list(_COMPOSITION))
_SHARES = np.array(list(_COMPOSITION.values())) / sum(_COMPOSITION.values())
_DECOYS = 0.1  # of the proteins have half a signal of another class


@dataclasses.dataclass(frozen=True)
class Case:
  """A protein and the truth about it.

  Attributes:
    sequence: of the 20 residues.
    label: number of its class in ``CLASSES``.
    mask: bool [length], the residues of its signal; all False in the cytosol.
    length: residues.
  """

  sequence: str
  label: int
  mask: np.ndarray
  length: int


def simulate(seed: int, index: int) -> Case:
  """One simulated protein, a function of its arguments alone; classes are equally frequent.

  Args:
    seed: of the data set, >= 0.
    index: of the protein in the data set, >= 0.

  Returns:
    The protein with its truth.

  Raises:
    ValueError: an argument is negative.

  Example:
    >>> case = simulate(seed=0, index=1)
    >>> len(case.sequence) == case.length == len(case.mask)
    True
  """
  if seed < 0 or index < 0:
    raise ValueError(f'seed and index must not be negative, got seed={seed}, index={index}')
  random = np.random.default_rng([seed, index])
  label = int(random.integers(len(CLASSES)))
  length = int(random.integers(*LENGTHS))
  residues = random.choice(_LETTERS, length, p=_SHARES)
  residues[0] = 'M'
  mask = np.zeros(length, bool)
  if random.random() < _DECOYS:
    other = int(random.choice([i for i in range(1, len(CLASSES)) if i != label]))
    for start, signal in _signals(random, other, length)[:1]:
      half = signal[: len(signal) // 2]
      residues[start : start + len(half)] = list(half)
  for start, signal in _signals(random, label, length):
    residues[start : start + len(signal)] = list(signal)
    mask[start : start + len(signal)] = True
  return Case(''.join(residues), label, mask, length)


def _signals(random: np.random.Generator, label: int, length: int) -> list[tuple[int, str]]:
  """Starts and residues of what makes a protein of this class."""
  name = CLASSES[label]
  if name == 'secreted':
    front = _some(random, 'KRN', random.integers(1, 4))
    core = _some(random, 'LLLLAAVIF', random.integers(8, 13))
    end = _some(random, 'SGTPQ', random.integers(2, 4))
    cut = random.choice(list('AVST')) + random.choice(list('QSLRF')) + random.choice(list('AGS'))
    return [(1, front + core + end + cut)]
  if name == 'mitochondrion':
    signal, next_basic = '', int(random.integers(1, 4))
    for _ in range(int(random.integers(18, 30))):
      next_basic -= 1
      signal += random.choice(list('RRRK')) if next_basic == 0 else random.choice(list('LASAFLTVQ'))
      next_basic = next_basic or int(random.integers(3, 5))
    return [(1, signal)]
  if name == 'nucleus':
    if random.random() < 0.5:
      signal = 'P' + _some(random, 'KKR', random.integers(4, 6))
    else:
      between = ''.join(random.choice(_LETTERS, 10, p=_SHARES))
      signal = _some(random, 'KR', 2) + between + _some(random, 'KKR', 3)
    return [(int(random.integers(10, length - len(signal))), signal)]
  if name == 'membrane':
    count = int(random.integers(2, min(6, length // 30) + 1))
    step = length // count
    segments = []
    for number in range(count):
      signal = _some(random, 'LLLAAVVIIFGMW', random.integers(19, 24))
      start = number * step + int(random.integers(2, step - len(signal)))
      segments.append((start, signal))
    return segments
  return []


def _some(random: np.random.Generator, among: str, count: Any) -> str:
  return ''.join(random.choice(list(among), int(count)))
