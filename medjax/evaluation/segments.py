"""Segment overlap: whether helices and strands are found as such, not only how many positions.

Source:
  Zemla, A., Venclovas, C., Fidelis, K. and Rost, B. (1999), A modified definition of Sov, a
  segment-based measure for protein secondary structure prediction assessment. Proteins 34(2),
  220-223.
"""

from collections.abc import Sequence

import numpy as np


def runs(text: str, state: str) -> list[tuple[int, int]]:
  """First position and the one after the last of each run of a letter.

  Example:
    >>> runs('CHHCH', 'H')
    [(1, 3), (4, 5)]
  """
  is_in = np.frombuffer(f' {text} '.encode(), np.uint8) == ord(state)
  edges = np.flatnonzero(is_in[1:] != is_in[:-1]).tolist()
  return list(zip(edges[::2], edges[1::2], strict=True))


def overlap(
  label: str, prediction: str, states: Sequence[str], unknown: str = '-'
) -> tuple[np.ndarray, np.ndarray]:
  """Numerators and denominators of SOV'99 of one chain, for each state.

  Over all pairs of an observed segment s1 and a predicted one s2 of the state that share a
  position,

      sum of len(s1) (minov + delta) / maxov   of   sum of len(s1),

  where minov is how many positions both have, maxov how many either has, and delta the least of
  maxov - minov, minov, len(s1) // 2 and len(s2) // 2. Observed segments that no predicted one meets
  count in the denominator only. Sums over states, and over chains, divided by one another are the
  SOV of all; it is in 0..1 here, and often given in percent.

  Args:
    label: true states.
    prediction: predicted ones, as many.
    states: letters of the states that count.
    unknown: letter of positions that are left out of both; it parts segments.

  Returns:
    The sums, float64 [C] each; where a state was not observed both are 0.

  Example:
    >>> top, below = overlap('CCEEECCCCCCEEEEEECCC', 'CCCCCCCEEEEECCCEECCC', ('E',))
    >>> round(float(top[0] / below[0]), 3)
    0.28
  """
  seen = ''.join(
    p if known != unknown else unknown for known, p in zip(label, prediction, strict=True)
  )
  top, below = np.zeros(len(states)), np.zeros(len(states))
  for i, state in enumerate(states):
    predicted = runs(seen, state)
    for start, end in runs(label, state):
      length, met = end - start, 0
      for first, last in predicted:
        shared = min(end, last) - max(start, first)
        if shared <= 0:
          continue
        met += 1
        either = max(end, last) - min(start, first)
        delta = min(either - shared, shared, length // 2, (last - first) // 2)
        top[i] += length * (shared + delta) / either
      below[i] += length * max(met, 1)
  return top, below
