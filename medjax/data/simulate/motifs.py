"""Simulated regulatory DNA whose decisive motifs are known, and whose grammar matters.

A sequence is positive if it has an element: a site of the motif M1 and, 10 to 20 bases downstream
as M1 reads, one of M2 on either strand. The element lies on either strand, so a sequence and its
reverse complement have the same label. Negatives are

* shuffled: an element and what is around it, shuffled so that all dinucleotides are kept,
* single: M1 twice or M2 twice, at the distance of an element,
* spacing: M1 and M2 in order, but nearer or further than in an element,
* order: M1 and M2 at the right distance, but M2 upstream of M1.

Half the sequences of each kind also have a site of M3, which means nothing. So classes hardly
differ in composition, and a model must find motifs to tell positives from shuffled negatives, and
learn distance and order to tell them from the others; which motifs are there is not enough.

Background sequences have between 35 and 60% G and C, and few CpG, as most of a mammal's genome.
The best two sites at the right distance, scored with the true matrices, reach AUROC 0.97, the best
sites anywhere 0.78 and a logistic regression on 6-mers 0.64; a CNN of two layers learns 0.98 from
8000 sequences. The motifs are made up. A model trained on these sequences knows nothing about any
genome.
"""

import dataclasses

import numpy as np

from medjax.data.sequences import pwm, shuffle
from medjax.data.sequences.alphabet import DNA

LENGTHS = (100, 10_000)
GAP = (10, 20)  # bases between M1 and M2 in an element
_WRONG_GAPS = (*range(0, 7), *range(24, 41))
_NEGATIVES = {'shuffled': 0.4, 'single': 0.2, 'spacing': 0.2, 'order': 0.2}
_CPG = 0.25  # CpG relative to what C and G alone would give


def _pwm(letters: str) -> np.ndarray:
  """A capital letter is there in 94 of 100 sites (1.58 bits), a small one in 70 (0.64 bits)."""
  rows = DNA.table[DNA.encode(letters, 'PWMS')].astype(np.float64)
  share = np.array([0.94 if letter.isupper() else 0.7 for letter in letters])[:, None]
  return rows * share + (1 - rows) * (1 - share) / 3


PWMS = {
  'M1': _pwm('GTCAtaGCGt'),  # 13.0 bits
  'M2': _pwm('CGAAAcTC'),  # 11.7 bits
  'M3': _pwm('TaACGgtAtTGc'),  # 14.2 bits
}


@dataclasses.dataclass(frozen=True)
class Site:
  """A planted motif: its name, the number of its first base from 0, and '+' or '-'."""

  name: str
  start: int
  strand: str


@dataclasses.dataclass(frozen=True)
class Case:
  """A sequence and the truth about it.

  Attributes:
    sequence: of A, C, G and T.
    label: 1 with an element, else 0.
    kind: 'element', 'shuffled', 'single', 'spacing' or 'order'.
    mask: bool [length], the two sites of the element; all False for label 0.
    sites: every planted motif, in order of place; a shuffled negative has M3 at most.
    gc: share of G and C.
  """

  sequence: str
  label: int
  kind: str
  mask: np.ndarray
  sites: tuple[Site, ...]
  gc: float


def simulate(seed: int, index: int, length: int = 200) -> Case:
  """One simulated sequence, a function of its arguments alone; half of all are positive.

  Args:
    seed: of the data set, >= 0.
    index: of the sequence in the data set, >= 0.
    length: bases, 100 to 10000.

  Returns:
    The sequence with its truth.

  Raises:
    ValueError: an argument is out of its range.

  Example:
    >>> case = simulate(seed=0, index=3)
    >>> len(case.sequence), case.mask.shape, bool(case.mask.any()) == bool(case.label)
    (200, (200,), True)
  """
  if seed < 0 or index < 0:
    raise ValueError(f'seed and index must not be negative, got seed={seed}, index={index}')
  if not LENGTHS[0] <= length <= LENGTHS[1]:
    raise ValueError(f'length must be from {LENGTHS[0]} to {LENGTHS[1]} bases, got {length}')
  rng = np.random.default_rng([seed, index])
  label = int(rng.random() < 0.5)
  kind = 'element' if label else str(rng.choice(list(_NEGATIVES), p=list(_NEGATIVES.values())))
  sequence = _background(rng, length)
  sites = _arrange(rng, kind, length)
  for site in sites:
    sequence = _plant(rng, sequence, site)
  if kind == 'shuffled':
    sequence, sites = shuffle.dinucleotide(sequence, rng), []
  mask = np.zeros(length, bool)
  if label:
    for site in sites:
      mask[site.start : _end(site)] = True
  if rng.random() < 0.5:
    distractor = _beside(rng, sites, length)
    sequence = _plant(rng, sequence, distractor)
    sites.append(distractor)
  sites.sort(key=lambda site: site.start)
  gc = (sequence.count('G') + sequence.count('C')) / length
  return Case(sequence, label, kind, mask, tuple(sites), gc)


def _background(rng: np.random.Generator, length: int) -> str:
  """A chain in which each base depends on the one before, with few CpG."""
  gc = rng.uniform(0.35, 0.6)
  base = np.array([1 - gc, gc, gc, 1 - gc]) / 2
  step = np.tile(base, (4, 1))
  step[1, 2] *= _CPG
  limits = (step / step.sum(1, keepdims=True)).cumsum(1)[:, :3].tolist()
  tokens, before = [], 0
  for u in rng.random(length).tolist():
    low, middle, high = limits[before]
    before = (u >= low) + (u >= middle) + (u >= high)
    tokens.append(before)
  return ''.join(DNA.letters[token] for token in tokens)


def _arrange(rng: np.random.Generator, kind: str, length: int) -> list[Site]:
  """Two sites as the kind of sequence has them, somewhere and on either strand."""
  gaps = _WRONG_GAPS if kind == 'spacing' else range(GAP[0], GAP[1] + 1)
  gap = int(rng.choice(gaps))
  first, second = {
    'single': ('M1', 'M1') if rng.random() < 0.5 else ('M2', 'M2'),
    'order': ('M2', 'M1'),
  }.get(kind, ('M1', 'M2'))
  # M1 reads along the strand of the element; M2 has no direction of its own.
  strands = ['+' if name == 'M1' else str(rng.choice(['+', '-'])) for name in (first, second)]
  turned = rng.random() < 0.5
  if turned:
    first, second = second, first
    strands = ['-' if strand == '+' else '+' for strand in reversed(strands)]
  offset = len(PWMS[first]) + gap
  start = int(rng.integers(length - offset - len(PWMS[second]) + 1))
  return [Site(first, start, strands[0]), Site(second, start + offset, strands[1])]


def _beside(rng: np.random.Generator, sites: list[Site], length: int) -> Site:
  """A site of M3 outside of the stretch that the others take."""
  starts = np.arange(length - len(PWMS['M3']) + 1)
  if sites:
    left, right = sites[0].start, _end(sites[-1])
    starts = starts[(starts + len(PWMS['M3']) <= left) | (starts >= right)]
  return Site('M3', int(rng.choice(starts)), str(rng.choice(['+', '-'])))


def _plant(rng: np.random.Generator, sequence: str, site: Site) -> str:
  matrix = PWMS[site.name]
  drawn = pwm.sample(matrix if site.strand == '+' else pwm.reverse_complement(matrix), rng)
  return sequence[: site.start] + drawn + sequence[_end(site) :]


def _end(site: Site) -> int:
  return site.start + len(PWMS[site.name])
