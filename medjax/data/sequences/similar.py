"""Groups of identical and nearly identical sequences, so that no split parts two of a kind.

Two sequences are similar where they share enough words of ``k`` letters: at least ``threshold`` of
the words of the shorter one, repeats counted. Groups are what chains of similar sequences connect
(single linkage), so that sequences in different groups are never similar. With the defaults, a
word length from the amount of data and a threshold of 0.3,

* copies are found in which at most 5% of the letters of DNA or 10% of those of proteins differ,
  wherever they differ, if the sequence is at least eight words long,
* windows of a genome that overlap by half or more, and fragments inside longer sequences, are
  found, with ``both_strands`` also from the other strand,
* unrelated sequences are not joined, as they share next to no words, unless both are low in
  complexity or shorter than 30 bases,
* distant relatives are not found: proteins that share 30 to 70% of their residues are homologous
  and easily predicted from one another, and few of them share enough words. Where these count,
  cluster with a tool that aligns (MMseqs2, CD-HIT) and give the clusters as groups.

Words with an ambiguity code do not count. It takes about 100 bytes of memory a letter.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy import sparse

from medjax.data.sequences.alphabet import Alphabet

# Words in more sequences than this are looked up only where a sequence has little else; without it
# an adapter or a poly-A tail that all share would cost the square of their number.
_COMMON = 500
_BLOCK = 30_000_000  # multiplications at once, which bounds the memory


def groups(
  sequences: Sequence[str],
  alphabet: Alphabet,
  *,
  k: int | None = None,
  threshold: float = 0.3,
  both_strands: bool = False,
) -> np.ndarray:
  """Numbers the groups of identical and nearly identical sequences.

  The answer is exact for its definition (see the top of the file) and the same on every machine.

  Args:
    sequences: N sequences of letters of ``alphabet``; gaps are left out.
    alphabet: theirs.
    k: letters of a word; None for the length at which words rarely agree by chance.
    threshold: share of the shorter one's words that similar sequences have in common, above 0.
    both_strands: whether the reverse complement counts as the same sequence.

  Returns:
    int64 [N], numbered from 0 as they first appear.

  Raises:
    UserError: a letter that is not in the alphabet.
    ValueError: a threshold outside of (0, 1], words that do not fit in 62 bits, or both strands of
      proteins.

  Example:
    >>> from medjax.data.sequences.alphabet import DNA
    >>> groups(['ACGTTGCA', 'GGGATCCATT', 'acgttgca'], DNA).tolist()
    [0, 1, 0]

  Source:
    Edgar, R. C. (2010), Search and clustering orders of magnitude faster than BLAST.
    Bioinformatics 26(19), 2460-2461 (similarity from shared words). Chaudhuri, S., Ganti, V. and
    Kaushik, R. (2006), A primitive operator for similarity joins in data cleaning. ICDE (looking
    up the rarest words alone).
  """
  if not 0 < threshold <= 1:
    raise ValueError(f'threshold must be above 0 and at most 1, got {threshold}')
  encoded = [
    alphabet.encode(sequence, f'sequence {number}', drop_gaps=True)
    for number, sequence in enumerate(sequences, start=1)
  ]
  first: dict[bytes, int] = {}
  copies = np.array(
    [first.setdefault(_key(t, alphabet, both_strands), len(first)) for t in encoded]
  )
  if not len(copies):
    return np.zeros(0, np.int64)
  _, rows = np.unique(copies, return_index=True)
  distinct = [encoded[row] for row in rows]
  if k is None:
    k = word_length([len(tokens) for tokens in distinct], alphabet)
  words = _words(distinct, alphabet, k, both_strands)
  return _in_order(_link(words, threshold)[copies])


def word_length(lengths: Sequence[int], alphabet: Alphabet) -> int:
  """Letters of the words by which sequences of these lengths are compared.

  There are about as many different words as letters in all sequences, or a hundred times those of
  the longest, so that a word in common is rarely chance; but never words longer than a third of a
  typical sequence, as one difference would spoil them all.
  """
  wanted = min(max(sum(lengths), 100 * max(lengths), 2**16), 2**24)
  longest = max(3, int(np.median(lengths)) // 3)
  return min(math.ceil(math.log(wanted, len(alphabet.letters)) - 1e-9), longest)


def summary(groups: np.ndarray) -> dict[str, int]:
  """How many sequences and groups, the size of the largest, and how many are not alone in theirs.

  Example:
    >>> summary(np.array([0, 1, 0, 2, 0]))
    {'sequences': 5, 'groups': 3, 'largest': 3, 'not_alone': 3}
  """
  sizes = np.bincount(groups)
  return {
    'sequences': len(groups),
    'groups': len(sizes),
    'largest': int(sizes.max(initial=0)),
    'not_alone': int(sizes[sizes > 1].sum()),
  }


def _key(tokens: np.ndarray, alphabet: Alphabet, both_strands: bool) -> bytes:
  """Equal for identical sequences."""
  key = tokens.tobytes()
  return min(key, alphabet.reverse_complement(tokens).tobytes()) if both_strands else key


def _words(
  sequences: Sequence[np.ndarray], alphabet: Alphabet, k: int, both_strands: bool
) -> sparse.csr_array:
  """Which words each sequence has: float32 [sequences, words] of ones.

  The second 'AAAA' of a sequence is another word than the first. Else poly-A would have one word
  only, and be inside of everything with a few A in a row.
  """
  letters = len(alphabet.letters)
  if k < 1 or k * math.log2(letters) > 62:
    raise ValueError(f'k must be from 1 to {int(62 / math.log2(letters))}, got {k}')
  lengths = np.array([len(tokens) for tokens in sequences])
  residues = np.concatenate(sequences).astype(np.int64) - 1
  count = max(len(residues) - k + 1, 0)
  word = np.zeros(count, np.int64)
  whole = np.ones(count, bool)
  for offset in range(k):
    residue = residues[offset : offset + count]
    word = word * letters + residue
    whole &= residue < letters
  if both_strands:
    other = np.zeros(count, np.int64)
    partner = np.append(alphabet.letter_complement, [0] * len(alphabet.ambiguous))[residues]
    for offset in reversed(range(k)):
      other = other * letters + partner[offset : offset + count]
    word = np.minimum(word, other)
  row = np.repeat(np.arange(len(sequences)), lengths)
  whole &= row[:count] == row[k - 1 :][:count]
  row, word = row[:count][whole], word[whole]
  order = np.lexsort((word, row))
  row, word = row[order], word[order]
  start = np.ones(len(word), bool)
  start[1:] = (word[1:] != word[:-1]) | (row[1:] != row[:-1])
  starts = np.flatnonzero(start)
  repeat = np.arange(len(word)) - np.repeat(starts, np.diff(np.append(starts, len(word))))
  # Numbers of the distinct (word, repeat): the word fits in 62 bits alone, not with its repeat.
  order = np.lexsort((repeat, word))
  new = np.zeros(len(word), np.int64)
  new[1:] = (np.diff(word[order]) != 0) | (np.diff(repeat[order]) != 0)
  column = np.zeros(len(word), np.int64)
  column[order] = np.cumsum(new)
  ones = np.ones(len(word), np.float32)
  shape = (len(sequences), int(column.max(initial=-1)) + 1)
  return sparse.csr_array((ones, (row, column)), shape=shape)


def _link(words: sparse.csr_array, threshold: float) -> np.ndarray:
  """Number of the group of each row: int64 [rows]."""
  rows = words.shape[0]
  size = np.diff(words.indptr)
  needed = np.ceil(threshold * size - 1e-9).astype(np.int64)
  group = np.arange(rows)
  # Rows that follow one another in the list of a word, in many lists: these are similar for sure,
  # and joining them spares big families the comparison of all with all.
  by_word = words.tocsc()
  before, after = by_word.indices[:-1].astype(np.int64), by_word.indices[1:].astype(np.int64)
  within = np.ones(len(before), bool)
  within[by_word.indptr[1:-1] - 1] = False
  pair, shared = np.unique(before[within] * rows + after[within], return_counts=True)
  i, j = pair // rows, pair % rows
  group = _join(group, i, j, shared >= np.minimum(needed[i], needed[j]))

  # A word of one group alone tells nothing more.
  high, low = _extremes(group[by_word.indices], by_word.indptr)
  words = words[:, high != low]
  probe, left_out = _rarest(words, needed)
  by_word = words.T.tocsr()
  cost = np.concatenate([[0], np.cumsum(probe @ np.diff(by_word.indptr).astype(np.float64))])
  top = 0
  while top < rows:
    bottom = max(top + 1, int(np.searchsorted(cost, cost[top] + _BLOCK, 'right')) - 1)
    common = (probe[top:bottom] @ by_word).tocoo()
    i, j, shared = common.row.astype(np.int64) + top, common.col.astype(np.int64), common.data
    keep = (size[i] <= size[j]) & (group[i] != group[j]) & (shared + left_out[i] >= needed[i])
    i, j, shared = i[keep], j[keep], shared[keep]
    unsure = shared < needed[i]
    if unsure.any():
      shared[unsure] = _shared(words, i[unsure], j[unsure])
    group = _join(group, i, j, shared >= needed[i])
    top = bottom
  return group


def _rarest(words: sparse.csr_array, needed: np.ndarray) -> tuple[sparse.csr_array, np.ndarray]:
  """Words to look up: all but common ones, of which ``needed`` - 1 a row can be left out.

  Two sequences that share ``needed`` words also share one of those that stay.

  Returns:
    The words to look up, and how many each row leaves out.
  """
  frequency = np.bincount(words.indices, minlength=words.shape[1])
  row = np.repeat(np.arange(words.shape[0]), np.diff(words.indptr))
  order = np.lexsort((-frequency[words.indices], row))  # the commonest of each row first
  rank = np.empty(len(row), np.int64)
  rank[order] = np.arange(len(row)) - words.indptr[row]
  out = (rank < needed[row] - 1) & (frequency[words.indices] > _COMMON)
  kept = sparse.csr_array((words.data[~out], (row[~out], words.indices[~out])), shape=words.shape)
  return kept, np.bincount(row[out], minlength=words.shape[0])


def _shared(words: sparse.csr_array, i: np.ndarray, j: np.ndarray) -> np.ndarray:
  """How many words the rows i and j have in common: [pairs]."""
  parts = [
    words[i[top : top + 10_000]].multiply(words[j[top : top + 10_000]]).sum(1)
    for top in range(0, len(i), 10_000)
  ]
  return np.concatenate(parts)


def _extremes(values: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """The highest and lowest of each run of values; no run is empty."""
  if not len(values):
    return np.zeros(0, int), np.zeros(0, int)
  return np.maximum.reduceat(values, starts[:-1]), np.minimum.reduceat(values, starts[:-1])


def _join(group: np.ndarray, i: np.ndarray, j: np.ndarray, which: np.ndarray) -> np.ndarray:
  """Groups after the pairs (i, j) are put together."""
  ends = group[i[which]], group[j[which]]
  edges = sparse.coo_array((np.ones(len(ends[0]), bool), ends), shape=(len(group), len(group)))
  return sparse.csgraph.connected_components(edges, directed=False)[1][group].astype(np.int64)


def _in_order(group: np.ndarray) -> np.ndarray:
  """The same groups, numbered as they first appear."""
  _, first, inverse = np.unique(group, return_index=True, return_inverse=True)
  return np.argsort(np.argsort(first))[inverse]


def named(group: np.ndarray, what: str, alike: str = 'near copies') -> tuple[np.ndarray, str]:
  """Names of the groups of ``groups``, [N], and a note on them.

  Args:
    group: number of the group of each sequence, [N].
    what: what the sequences are called.
    alike: what those of a group are called.

  Example:
    >>> named(np.array([0, 0, 1]), 'chains')[1]
    '2 of 3 chains have near copies: 2 groups, the largest of 2'
  """
  about = summary(group)
  note = (
    f'{about["not_alone"]} of {about["sequences"]} {what} have {alike}: {about["groups"]} groups, '
    f'the largest of {about["largest"]}'
  )
  return np.array([f'group-{number}' for number in group]), note
