"""Motifs that a network's first layer looks for, and which known ones they are.

References:
  Alipanahi et al. (2015), Predicting the sequence specificities of DNA- and RNA-binding proteins by
    deep learning, Nature Biotechnology 33:831-838; Kelley, Snoek and Rinn (2016), Basset: learning
    the regulatory code of the accessible genome with deep convolutional neural networks, Genome
    Research 26:990-999 (aligning what a filter responds to).
  Pietrokovski (1996), Searching databases of conserved sequence regions by aligning protein
    multiple-alignments, Nucleic Acids Research 24:3836-3845 (correlation of aligned motifs).
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

_FLOOR = 0.8  # share of a filter's strongest response from which a place counts as a site
_CHUNK = 256  # sequences at a time


@dataclasses.dataclass(frozen=True)
class Readout:
  """What one filter responds to, or what many predictions rest on.

  Attributes:
    pwm: share of each letter at each place, float64 [width, letters].
    sites: how many sites it was made of.
  """

  pwm: np.ndarray
  sites: int


@dataclasses.dataclass(frozen=True)
class Match:
  """The likeness of a read-out and a known motif.

  Attributes:
    name: of the read-out.
    correlation: Pearson's, over the letters of the known motif's places, -1 to 1.
    offset: place of the read-out, from 0 and maybe below, at which the known motif begins.
    strand: '+', or '-' where the read-out is its reverse complement.
  """

  name: str
  correlation: float
  offset: int
  strand: str


def read_out(
  kernel: np.ndarray, x: np.ndarray, *, least: int = 10, pseudocount: float = 0.5
) -> dict[str, Readout]:
  """The motif of each filter: letters where it responds almost as strongly as ever.

  Args:
    kernel: [width, letters, filters] of a convolution along one-hot sequences.
    x: [N, L, letters] sequences to look at, rows of zeros for padding.
    least: sites that a motif needs.
    pseudocount: added to the count of each letter.

  Returns:
    Read-outs 'filter_0' and so on, without filters that have too few sites.

  Example:
    >>> kernel = np.eye(4)[:, :, None]
    >>> readouts = read_out(kernel, np.tile(np.eye(4), (3, 1))[None], least=1, pseudocount=0)
    >>> readouts['filter_0'].pwm.argmax(axis=1), readouts['filter_0'].sites
    (array([0, 1, 2, 3]), 3)
  """
  kernel, x = np.asarray(kernel, np.float64), np.asarray(x, np.float32)
  # What is the same for all letters of a place says nothing about them.
  kernel = kernel - kernel.mean(axis=1, keepdims=True)
  width, letters, filters = kernel.shape
  flat = kernel.reshape(width * letters, filters).astype(np.float32)
  best = np.full(filters, -np.inf)
  for windows in _windows(x, width):
    best = np.maximum(best, (windows @ flat).max(axis=0, initial=-np.inf))
  counts, sites = np.zeros((filters, width * letters)), np.zeros(filters, int)
  for windows in _windows(x, width):
    strong = windows @ flat >= _FLOOR * best
    counts += strong.T.astype(np.float32) @ windows
    sites += strong.sum(axis=0)
  counts = counts.reshape(filters, width, letters) + pseudocount
  shares = counts / counts.sum(axis=2, keepdims=True)
  return {
    f'filter_{i}': Readout(shares[i], int(sites[i]))
    for i in range(filters)
    if best[i] > 0 and sites[i] >= least
  }


def best_match(
  readouts: Mapping[str, Readout], known: np.ndarray, complement: Sequence[int] | None = None
) -> Match | None:
  """The read-out that is most like a known motif.

  Both are aligned without gaps; where one ends before the known motif does, it is taken to be
  indifferent there.

  Args:
    readouts: of ``read_out`` or ``seqlets.discover``.
    known: [places, letters], rows that sum to 1.
    complement: number of each letter's partner, where either strand will do.

  Returns:
    The match; None where there is no read-out.

  Example:
    >>> known = np.eye(4)[[0, 1, 2]]
    >>> best_match({'filter_7': Readout(np.eye(4), 20)}, known)
    Match(name='filter_7', correlation=1.0, offset=0, strand='+')
  """
  matches = []
  for name, one in readouts.items():
    strands = {'+': one.pwm}
    if complement is not None:
      strands['-'] = one.pwm[::-1][:, np.asarray(complement)]
    for strand, pwm in strands.items():
      size, letters = known.shape
      margin = np.full((size - 1, letters), 1 / letters)
      wide = np.concatenate([margin, pwm, margin])
      for start in range(len(wide) - size + 1):
        value = _correlation(wide[start : start + size], known)
        matches.append(Match(name, value, start - (size - 1), strand))
  return max(matches, key=lambda match: match.correlation, default=None)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
  a, b = one - one.mean(), other - other.mean()
  length = float(np.sqrt((a * a).sum() * (b * b).sum()))
  return round(float((a * b).sum()) / length, 12) if length else 0.0


def _windows(x: np.ndarray, width: int) -> Iterator[np.ndarray]:
  """Windows [n, width * letters] without padding, a few sequences at a time."""
  for start in range(0, len(x), _CHUNK):
    part = x[start : start + _CHUNK]
    if part.shape[1] < width:
      return
    cut = np.lib.stride_tricks.sliding_window_view(
      part, width, axis=1
    )  # [n, places, letters, width]
    there = part.any(axis=2)
    whole = np.lib.stride_tricks.sliding_window_view(there, width, axis=1).all(axis=2)
    yield cut.swapaxes(2, 3)[whole].reshape(-1, width * x.shape[2])
