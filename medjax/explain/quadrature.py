"""Integrals over 0..1 by nested rules, whose every step keeps the nodes of the one before.

Reference:
  Fejer (1933), Mechanische Quadraturen mit positiven Cotesschen Zahlen, Mathematische Zeitschrift
    37:287-309 (his second rule, that of Clenshaw and Curtis without the ends); Waldvogel (2006),
    Fast construction of the Fejer and Clenshaw-Curtis quadrature rules, BIT 46:195-202.
"""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Nested:
  """Rules for the same nodes, of which each takes the first so many.

  Attributes:
    nodes: [S] in 0..1, in the order in which they are taken.
    counts: Nodes that each rule takes, from few to many.
    weights: [rules, S], 0 behind those that a rule takes; each row adds up to 1.
  """

  nodes: np.ndarray
  counts: tuple[int, ...]
  weights: np.ndarray


def gauss(count: int) -> Nested:
  """The one rule of Gauss and Legendre: exact for polynomials of degree 2 ``count`` - 1.

  Example:
    >>> gauss(2).nodes.round(3), gauss(2).weights
    (array([0.211, 0.789]), array([[0.5, 0.5]]))
  """
  nodes, weights = np.polynomial.legendre.leggauss(count)
  return Nested((nodes + 1) / 2, (count,), weights[None] / 2)


def fejer(doublings: int) -> Nested:
  """Fejer's second rule with 7, 15, 31 and so on nodes: exact for polynomials of degree nodes - 1.

  Args:
    doublings: Rules after the first.

  Example:
    >>> rules = fejer(1)
    >>> rules.counts, (rules.weights @ rules.nodes**6).round(6)
    ((7, 15), array([0.142857, 0.142857]))
  """
  counts = tuple(2 ** (3 + i) - 1 for i in range(doublings + 1))
  places = np.zeros(0, int)  # of the last rule's nodes, from 1 on
  weights = np.zeros((len(counts), counts[-1]))
  for rule, count in enumerate(counts):
    stride = (counts[-1] + 1) // (count + 1)
    own = np.arange(1, count + 1) * stride
    places = np.append(places, np.setdiff1d(own, places))
    weights[rule, :count] = _fejer_weights(count)[places[:count] // stride - 1]
  angles = places * np.pi / (counts[-1] + 1)
  return Nested((1 - np.cos(angles)) / 2, counts, weights)


def _fejer_weights(count: int) -> np.ndarray:
  """Of Fejer's second rule over 0..1, from the first node to the last."""
  angles = np.arange(1, count + 1) * np.pi / (count + 1)
  odd = np.arange(1, count + 1, 2)
  return 2 / (count + 1) * np.sin(angles) * (np.sin(np.outer(angles, odd)) / odd).sum(axis=1)
