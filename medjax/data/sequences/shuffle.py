"""Random sequences with the same dinucleotides as a given one."""

import itertools

import numpy as np


def dinucleotide(sequence: str, rng: np.random.Generator) -> str:
  """A sequence in which every pair of neighbours occurs as often as in the given one.

  Letters are the nodes of a graph and neighbours its edges; a walk along all edges is a sequence
  with the same neighbours. Which edge leaves each letter last is drawn first, until these last
  edges lead everywhere to the last letter; then any order of the others gives a walk. All
  sequences with these neighbours, first and last letter are equally likely.

  Args:
    sequence: of any letters.
    rng: draws another one at each call.

  Returns:
    Of the same length, first and last letter.

  Example:
    >>> dinucleotide('ACAGAT', np.random.default_rng(0)) in ('ACAGAT', 'AGACAT')
    True

  Source:
    Altschul, S. F. and Erickson, B. W. (1985), Significance of nucleotide sequence alignments: a
    method for random sequence permutation that preserves dinucleotide and codon usage. Molecular
    Biology and Evolution 2(6), 526-538.
  """
  if not sequence:
    return ''
  after: dict[str, list[str]] = {}
  for letter, following in itertools.pairwise(sequence):
    after.setdefault(letter, []).append(following)
  end = sequence[-1]
  while True:
    last = {
      letter: edges[rng.integers(len(edges))] for letter, edges in after.items() if letter != end
    }
    if all(_leads_to(end, letter, last) for letter in last):
      break
  walks = {}
  for letter, edges in after.items():
    others = list(edges)
    if letter != end:
      others.remove(last[letter])
    order = [others[i] for i in rng.permutation(len(others))]
    walks[letter] = iter(order if letter == end else [*order, last[letter]])
  walk = [sequence[0]]
  for _ in range(len(sequence) - 1):
    walk.append(next(walks[walk[-1]]))
  return ''.join(walk)


def _leads_to(end: str, letter: str, last: dict[str, str]) -> bool:
  """Whether the last edges from ``letter`` on end at ``end`` and not in a circle."""
  for _ in range(len(last)):
    letter = last[letter]
    if letter == end:
      return True
  return False
