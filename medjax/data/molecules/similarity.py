"""How alike molecules are: Tanimoto similarity of ECFP4, and clusters by it.

Source:
  Rogers, D. and Hahn, M. (2010), Extended-connectivity fingerprints, J. Chem. Inf. Model. 50:742.
  Butina, D. (1999), Unsupervised data base clustering based on Daylight's fingerprint and Tanimoto
  similarity, J. Chem. Inf. Comput. Sci. 39:747.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from medjax.data.molecules import toolkit
from medjax.errors import UserError

BITS = 2048
MOST = 100_000
"""Molecules that are clustered, at most: 5e9 pairs."""
_BLOCK = 512  # rows that are compared with all others at once
_ROUNDING = 1e-6


def ecfp4(mols: Sequence[Any]) -> np.ndarray:
  """Which of 2048 places of ECFP4 each molecule has, uint8 [N, 2048] of 0 and 1."""
  toolkit.chem()
  from rdkit.Chem import rdFingerprintGenerator

  generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=BITS)
  found = np.zeros((len(mols), BITS), np.uint8)
  for row, mol in enumerate(mols):
    found[row] = generator.GetFingerprintAsNumPy(mol)
  return found


def nearest(bits: np.ndarray, among: np.ndarray) -> np.ndarray:
  """The highest Tanimoto similarity of each to any of others.

  Args:
    bits: 0 and 1, uint8 [N, bits].
    among: the others, uint8 [M, bits], M at least 1.

  Returns:
    float32 [N], from 0 to 1.

  Example:
    >>> bits = np.array([[1, 1, 0], [0, 0, 1]], np.uint8)
    >>> nearest(bits, np.array([[1, 0, 0]], np.uint8)).tolist()
    [0.5, 0.0]
  """
  return np.concatenate([block.max(axis=1) for block in _blocks(bits, among)])


def nearest_other(bits: np.ndarray) -> np.ndarray:
  """The highest Tanimoto similarity of each molecule to any but itself, float32 [N]; 0 of one.

  Args:
    bits: 0 and 1, uint8 [N, bits].

  Example:
    >>> nearest_other(np.array([[1, 1, 0], [0, 1, 0]], np.uint8)).tolist()
    [0.5, 0.5]
  """
  found = np.zeros(len(bits), np.float32)
  top = 0
  for block in _blocks(bits, bits):
    rows = np.arange(len(block))
    block[rows, top + rows] = 0
    found[top : top + len(block)] = block.max(axis=1)
    top += len(block)
  return found


def tanimoto(bits: np.ndarray, among: np.ndarray) -> np.ndarray:
  """The similarity of each to each of others, float32 [N, M]; arguments as for ``nearest``."""
  return np.concatenate([np.zeros((0, len(among)), np.float32), *_blocks(bits, among)])


def butina(bits: np.ndarray, similarity: float) -> np.ndarray:
  """The number of the cluster of each molecule, int64 [N].

  The molecule with the most neighbours takes those that no cluster has yet, then the next; of
  equals the later one comes first, as in ``rdkit.ML.Cluster.Butina``. All pairs are compared, so
  that the time grows with the square of N.

  Args:
    bits: 0 and 1, uint8 [N, bits].
    similarity: Tanimoto similarity of neighbours, at least.

  Raises:
    UserError: more than ``MOST`` molecules.

  Example:
    >>> butina(np.array([[1, 0], [0, 1], [1, 0]], np.uint8), 0.5).tolist()
    [0, 1, 0]
  """
  if len(bits) > MOST:
    raise UserError(
      f'config.data.split=cluster: compares every pair of {len(bits)} molecules; expected at most '
      f'{MOST}, or config.data.split=scaffold'
    )
  neighbours = [
    np.flatnonzero(row).astype(np.int32)
    for block in _blocks(bits, bits)
    for row in block >= similarity - _ROUNDING
  ]
  order = sorted(range(len(bits)), key=lambda i: (len(neighbours[i]), i), reverse=True)
  cluster = np.full(len(bits), -1, np.int64)
  count = 0
  for centre in order:
    if cluster[centre] < 0:
      members = neighbours[centre]
      cluster[members[cluster[members] < 0]] = count
      cluster[centre] = count  # a molecule without a bit is no neighbour of itself
      count += 1
  return cluster


def _blocks(bits: np.ndarray, others: np.ndarray) -> Iterator[np.ndarray]:
  """Tanimoto similarities float32 [rows, M] of some rows at a time; 0 of two without any bit."""
  columns = others.astype(np.float32).T
  of_others = columns.sum(axis=0)
  for top in range(0, len(bits), _BLOCK):
    rows = bits[top : top + _BLOCK].astype(np.float32)
    shared = rows @ columns
    either = rows.sum(axis=1)[:, None] + of_others - shared
    yield shared / np.maximum(either, 1)
