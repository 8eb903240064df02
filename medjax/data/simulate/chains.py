"""Simulated protein chains whose secondary structure is known, and how well it can be known.

A chain has a fold (mostly helices, mostly strands, or both) and is a semi-Markov sequence of
segments: coil, then a helix or a strand, then coil again. Helices have 4 to 30 residues, strands 2
to 12, coil 1 to 25, with the means that known structures have (about 11, 5 and 6). Residues are
drawn from the composition of Swiss-Prot times the propensity of their state (Chou and Fasman), and
in addition

* one side of a helix, with a period of 100 degrees a residue, and every second residue of a strand
  are hydrophobic, on a scale by Eisenberg et al.; which side is drawn for each segment,
* the first turn of a helix is acidic and the last basic, as the helix's dipole wants.

Residues at the ends of some chains are not resolved. A model trained on these chains knows nothing
about any protein: tertiary structure, homology and everything else that decides is not there.

References:
  Chou and Fasman (1978), Empirical predictions of protein conformation, Annual Review of
    Biochemistry 47:251-276 (propensities; those of turns stand for coil).
  Eisenberg, Weiss and Terwilliger (1984), The hydrophobic moment detects periodicity in protein
    hydrophobicity, PNAS 81:140-144.
  Richardson and Richardson (1988), Amino acid preferences for specific locations at the ends of
    alpha helices, Science 240:1648-1652.
  Schmidler, Liu and Brutlag (2000), Bayesian segmentation of protein secondary structure, Journal
    of Computational Biology 7:233-248 (segments as a semi-Markov model).
"""

import dataclasses
import functools
import itertools

import numpy as np

from medjax.data.sequences.alphabet import PROTEIN

STATES = 'HEC'
FOLDS = {'helices': 0.9, 'strands': 0.1, 'both': 0.5}  # how often a segment is a helix, else strand
LENGTHS = (60, 192)
_LONGEST = {'H': 30, 'E': 12, 'C': 25}
_PHASES = 4
_ANGLE = {'H': 100.0, 'E': 170.0, 'C': 0.0}  # degrees from one residue to the next
_MOMENT = {'H': 0.9, 'E': 0.9, 'C': 0.0}
_TURN = 4
_ENDS = 2.0  # how much more often a residue is found in the turn that it prefers

# percent in Swiss-Prot; propensity for helix, strand and turn; hydrophobicity
_RESIDUES = {
  'A': (8.25, 1.42, 0.83, 0.66, 0.62), 'R': (5.53, 0.98, 0.93, 0.95, -2.53),
  'N': (4.06, 0.67, 0.89, 1.56, -0.78), 'D': (5.46, 1.01, 0.54, 1.46, -0.90),
  'C': (1.38, 0.70, 1.19, 1.19, 0.29), 'Q': (3.93, 1.11, 1.10, 0.98, -0.85),
  'E': (6.72, 1.51, 0.37, 0.74, -0.74), 'G': (7.07, 0.57, 0.75, 1.56, 0.48),
  'H': (2.27, 1.00, 0.87, 0.95, -0.40), 'I': (5.91, 1.08, 1.60, 0.47, 1.38),
  'L': (9.65, 1.21, 1.30, 0.59, 1.06), 'K': (5.80, 1.14, 0.74, 1.01, -1.50),
  'M': (2.41, 1.45, 1.05, 0.60, 0.64), 'F': (3.86, 1.13, 1.38, 0.60, 1.19),
  'P': (4.74, 0.57, 0.55, 1.52, 0.12), 'S': (6.63, 0.77, 0.75, 1.43, -0.18),
  'T': (5.36, 0.83, 1.19, 0.96, -0.05), 'W': (1.10, 1.08, 1.37, 0.96, 0.81),
  'Y': (2.92, 0.69, 1.47, 1.14, 0.26), 'V': (6.86, 1.06, 1.70, 0.50, 1.08),
}  # fmt: skip
_TABLE = np.array([_RESIDUES[letter] for letter in PROTEIN.letters])
_ACID = np.array([(a in 'DE') - float(a in 'KRH') for a in PROTEIN.letters])


@dataclasses.dataclass(frozen=True)
class Case:
  """A chain and the truth about it.

  Attributes:
    sequence: residues.
    states: of every residue, letters of ``STATES``.
    observed: the same with '-' at residues that are not resolved.
    fold: in ``FOLDS``.
  """

  sequence: str
  states: str
  observed: str
  fold: str


def simulate(seed: int, index: int) -> Case:
  """One simulated chain of 60 to 192 residues, a function of its arguments alone.

  Args:
    seed: of the data set, >= 0.
    index: of the chain in the data set, >= 0.

  Raises:
    ValueError: an argument is negative.

  Example:
    >>> case = simulate(seed=0, index=3)
    >>> len(case.sequence) == len(case.states) == len(case.observed)
    True
  """
  if seed < 0 or index < 0:
    raise ValueError(f'seed and index must not be negative, got seed={seed}, index={index}')
  rng = np.random.default_rng([seed, index])
  length = int(rng.integers(LENGTHS[0], LENGTHS[1] + 1))
  fold = str(rng.choice(list(FOLDS)))
  sequence, states = [], ''
  for state, count in _segments(rng, length, FOLDS[fold]):
    chances = emissions(state, count)[rng.integers(_PHASES)]
    drawn = (rng.random((count, 1)) > chances.cumsum(axis=1)).sum(axis=1)
    sequence += [PROTEIN.letters[i] for i in drawn.clip(max=len(chances[0]) - 1)]
    states += state * count
  first, last = (int(rng.integers(1, 9)) if rng.random() < 0.4 else 0 for _ in range(2))
  observed = '-' * first + states[first : length - last] + '-' * last
  return Case(''.join(sequence), states, observed, fold)


@functools.lru_cache(maxsize=200)
def emissions(state: str, length: int) -> np.ndarray:
  """Probability of each residue at each place of a segment, float64 [phases, length, 20]."""
  base = _TABLE[:, 0] * _TABLE[:, 1 + STATES.index(state)]
  place = np.arange(length)
  phases = 360.0 * np.arange(_PHASES) / _PHASES
  angle = np.radians(_ANGLE[state] * place + phases[:, None])
  weight = _MOMENT[state] * np.cos(angle)[..., None] * _TABLE[:, 4]
  if state == 'H':
    first, last = place < _TURN, place >= length - _TURN
    weight = weight + np.log(_ENDS) * (first.astype(int) - last)[:, None] * _ACID
  chances = base * np.exp(weight)
  return chances / chances.sum(axis=-1, keepdims=True)


@functools.lru_cache
def _length_chances(state: str) -> np.ndarray:
  """Probability of each length of a segment, [1 + longest]."""
  n = np.arange(_LONGEST[state] + 1.0)
  shape = {
    'H': (n - 3).clip(0) * np.exp(-n / 4.5),
    'E': (n - 1).clip(0) * np.exp(-n / 2.0),
    'C': (n > 0) * np.exp(-n / 5.0),
  }[state]
  return shape / shape.sum()


@functools.lru_cache
def _ways(helices: float) -> dict[str, np.ndarray]:
  """Total probability of segments that fill n residues and end in coil, by what came before:
  'C' where coil did, 'X' where a helix or a strand did; each [1 + longest chain]."""
  count = LENGTHS[1] + 1
  after = {name: np.zeros(count) for name in 'CX'}
  after['C'][0] = 1.0
  for n in range(1, count):
    for state, share in (('H', helices), ('E', 1 - helices)):
      chances = _length_chances(state)[: n + 1]
      after['C'][n] += share * (chances * after['X'][n::-1][: len(chances)]).sum()
    chances = _length_chances('C')[: n + 1]
    after['X'][n] = (chances * after['C'][n::-1][: len(chances)]).sum()
  return after


def _segments(rng: np.random.Generator, length: int, helices: float) -> list[tuple[str, int]]:
  """States and lengths of segments that add up to ``length``, coil first and last."""
  ways, segments, left, before = _ways(helices), [], length, 'X'
  while left:
    options = [('C', 1.0)] if before == 'X' else [('H', helices), ('E', 1 - helices)]
    parts = []
    for state, share in options:
      chances = _length_chances(state)[: left + 1]
      following = ways['C' if state == 'C' else 'X'][left::-1][: len(chances)]
      parts.append(share * chances * following)
    whole = np.concatenate(parts)
    pick = int(rng.choice(len(whole), p=whole / whole.sum()))
    state, count = ('C', pick) if before == 'X' else ('H', pick)
    if before != 'X' and pick >= len(parts[0]):
      state, count = 'E', pick - len(parts[0])
    segments.append((state, count))
    left, before = left - count, 'C' if state == 'C' else 'X'
  return segments


def posterior(sequence: str) -> np.ndarray:
  """Probability of each state at each residue, by forward and backward sums over all segments.

  It is what a model could know at best: the fold is not known, and nothing is estimated. No other
  prediction is right more often on chains of ``simulate``.

  Args:
    sequence: residues of a simulated chain.

  Returns:
    float64 [L, 3], rows that sum to 1.
  """
  tokens = PROTEIN.encode(sequence, 'sequence').astype(int) - 1
  length = len(tokens)
  scores = {state: _scores(state, tokens) for state in STATES}
  weights, parts = [], []
  for helices in FOLDS.values():
    shares = {'H': helices, 'E': 1 - helices, 'C': 1.0}
    forward = {name: np.zeros(length + 1) for name in 'CX'}
    backward = {name: np.zeros(length + 1) for name in 'CX'}
    forward['X'][0] = 1.0
    for end in range(1, length + 1):
      for state in STATES:
        before, after = ('X', 'C') if state == 'C' else ('C', 'X')
        lengths = np.arange(1, min(end, _LONGEST[state]) + 1)
        starts = end - lengths
        forward[after][end] += (
          shares[state] * (forward[before][starts] * scores[state][starts, lengths]).sum()
        )
    backward['C'][length] = 1.0
    for start in range(length - 1, -1, -1):
      for state in STATES:
        before, after = ('X', 'C') if state == 'C' else ('C', 'X')
        lengths = np.arange(1, min(length - start, _LONGEST[state]) + 1)
        backward[before][start] += (
          shares[state] * (scores[state][start, lengths] * backward[after][start + lengths]).sum()
        )
    changes = np.zeros((length + 1, len(STATES)))
    for column, state in enumerate(STATES):
      before, after = ('X', 'C') if state == 'C' else ('C', 'X')
      for start, count in itertools.product(range(length), range(1, _LONGEST[state] + 1)):
        if start + count <= length:
          chance = shares[state] * forward[before][start] * backward[after][start + count]
          chance *= scores[state][start, count]
          changes[start, column] += chance
          changes[start + count, column] -= chance
    weights.append(forward['C'][length] / _ways(helices)['X'][length])
    parts.append(changes.cumsum(axis=0)[:length] / forward['C'][length])
  return np.average(parts, axis=0, weights=weights)


def _scores(state: str, tokens: np.ndarray) -> np.ndarray:
  """Probability of a segment's length and residues, relative to ones drawn from the composition of
  Swiss-Prot, by start and length: [L, 1 + longest]."""
  background = _TABLE[:, 0] / _TABLE[:, 0].sum()
  chances = _length_chances(state)
  scores = np.zeros((len(tokens), len(chances)))
  for count in range(1, min(len(chances), len(tokens) + 1)):
    ratios = emissions(state, count) / background
    starts = np.arange(len(tokens) - count + 1)
    windows = tokens[starts[:, None] + np.arange(count)]
    each = ratios[:, np.arange(count), windows].prod(axis=-1)
    scores[starts, count] = chances[count] * each.mean(axis=0)
  return scores
