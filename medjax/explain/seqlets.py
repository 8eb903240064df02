"""Motifs that predictions rest on: stretches with large contributions, aligned and gathered.

A small relative of TF-MoDISco: the stretch with the largest contributions starts a motif, those
like it on either strand are aligned to it, their mean takes its place until it stays, and what is
left starts the next.

Reference:
  Shrikumar et al. (2018), Technical note on transcription factor motif discovery from importance
    scores (TF-MoDISco), arXiv:1811.00416.
"""

from collections.abc import Sequence

import numpy as np

from medjax.explain.motifs import Readout

_LIKE = 0.7  # cosine of two stretches of one motif
_ROUNDS = 10
_WEAK = 0.125  # share of a typical sequence's strongest stretch that a stretch must have
_SAYS = 0.2  # bits; less at an end is cut off


def discover(
  x: np.ndarray,
  contributions: np.ndarray,
  *,
  complement: Sequence[int] | None = None,
  width: int = 11,
  shift: int = 4,
  least: int = 20,
  most: int = 20,
  pseudocount: float = 0.5,
) -> dict[str, Readout]:
  """The motifs of stretches on which predictions rest.

  Args:
    x: [N, L, letters] one-hot sequences.
    contributions: [N, L], what each letter adds to the score, such as by ``mutagenesis``.
    complement: number of each letter's partner, where either strand will do.
    width: letters of a stretch.
    shift: letters by which stretches are moved to fit, and by which a motif may be longer.
    least: stretches that a motif needs.
    most: motifs, at most.
    pseudocount: added to the count of each letter.

  Returns:
    Read-outs 'motif_1' and so on, in the order of their strongest stretch, without ends that say
    nothing.

  Raises:
    ValueError: sequences are shorter than ``width``.
  """
  x, contributions = np.asarray(x, np.float64), np.asarray(contributions, np.float64)
  if x.shape[1] < width:
    raise ValueError(f'sequences of {x.shape[1]} letters are shorter than {width}')
  rows, starts = _stretches(contributions, width)
  if not len(rows):
    return {}
  margin = 2 * shift
  wide = np.pad(x, ((0, 0), (margin, margin), (0, 0)))
  weight = np.pad(contributions, ((0, 0), (margin, margin)))
  places = starts[:, None] + np.arange(width + 2 * margin)
  letters = wide[rows[:, None], places]
  both = letters * weight[rows[:, None], places][..., None]
  strands = [(letters, both)]
  if complement is not None:
    strands.append(tuple(part[:, ::-1][..., np.asarray(complement)] for part in strands[0]))
  # [stretches, strand and shift, width, letters]
  views = np.concatenate([_shifted(one[1], width, shift, 0) for one in strands], axis=1)
  shown = np.concatenate([_shifted(one[0], width, shift, shift) for one in strands], axis=1)
  views /= np.maximum(np.sqrt(np.square(views).sum(axis=(2, 3), keepdims=True)), 1e-12)
  motifs: dict[str, Readout] = {}
  left = np.ones(len(rows), bool)
  while left.sum() >= least and len(motifs) < most:
    seed = int(np.flatnonzero(left)[0])
    center = views[seed, shift]  # not moved, on its own strand
    for _ in range(_ROUNDS):
      likeness = np.einsum('svwl,wl->sv', views, center / np.linalg.norm(center))
      best = likeness.argmax(axis=1)
      members = np.flatnonzero(left & (likeness.max(axis=1) > _LIKE))
      if not len(members):
        break
      center = views[members, best[members]].mean(axis=0)
    left[seed] = False
    if len(members) >= least:
      counts = shown[members, best[members]].sum(axis=0) + pseudocount
      pwm = _trimmed(counts / counts.sum(axis=1, keepdims=True))
      if len(pwm):
        motifs[f'motif_{len(motifs) + 1}'] = Readout(pwm, len(members))
      left[members] = False
  return motifs


def _stretches(contributions: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
  """Rows and starts of strong stretches that do not overlap, the strongest first."""
  sums = np.lib.stride_tricks.sliding_window_view(contributions, width, axis=1).sum(axis=2)
  limit = _WEAK * max(float(np.quantile(sums.max(axis=1), 0.25)), 0.0)
  stretches = []
  for row, values in enumerate(sums.copy()):
    while values.max() > limit:
      start = int(values.argmax())
      stretches.append((float(values[start]), row, start))
      values[max(0, start - width + 1) : start + width] = -np.inf
  stretches.sort(reverse=True)
  rows = np.array([row for _, row, _ in stretches], int)
  return rows, np.array([start for _, _, start in stretches], int)


def _shifted(letters: np.ndarray, width: int, shift: int, margin: int) -> np.ndarray:
  """Stretches with ``margin`` letters on either side, moved by -shift to shift."""
  first = letters.shape[1] // 2 - width // 2 - shift - margin
  size = width + 2 * margin
  return np.stack(
    [letters[:, first + move : first + move + size] for move in range(2 * shift + 1)], axis=1
  )


def _trimmed(pwm: np.ndarray) -> np.ndarray:
  """Without the ends that say less than ``_SAYS`` bits."""
  bits = np.log2(pwm.shape[1]) + (pwm * np.log2(np.maximum(pwm, 1e-12))).sum(axis=1)
  says = np.flatnonzero(bits >= _SAYS)
  return pwm[says[0] : says[-1] + 1] if len(says) else pwm[:0]
