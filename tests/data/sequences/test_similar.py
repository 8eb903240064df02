"""Groups of similar sequences: against all pairs compared one by one, copies, strangers."""

import itertools
from collections import Counter

import numpy as np
import pytest

from medjax.data.sequences import fasta, similar
from medjax.data.sequences.alphabet import DNA, PROTEIN, RNA
from medjax.errors import UserError

COMPLEMENT = str.maketrans('ACGT', 'TGCA')


def _random(rng, count, length, letters='ACGT', p=None):
  return [''.join(row) for row in rng.choice(list(letters), (count, length), p=p)]


def _mutated(rng, sequence, share, letters='ACGT', even=False):
  """A copy with exactly this share of its letters replaced by others."""
  count, text = int(share * len(sequence)), list(sequence)
  places = np.linspace(0, len(text) - 1, count + 2)[1:-1].astype(int)
  for place in places if even else rng.choice(len(text), count, replace=False):
    text[place] = rng.choice([letter for letter in letters if letter != text[place]])
  return ''.join(text)


def _other_strand(sequence):
  return sequence.translate(COMPLEMENT)[::-1]


def _one_by_one(sequences, k, threshold, both_strands=False):
  """The definition, pair by pair."""

  def words(sequence):
    found = [sequence[i : i + k] for i in range(len(sequence) - k + 1)]
    if both_strands:
      found = [min(word, _other_strand(word)) for word in found]
    return Counter(word for word in found if 'N' not in word)

  bags = [words(sequence) for sequence in sequences]
  group = list(range(len(sequences)))
  for i, j in itertools.combinations(range(len(sequences)), 2):
    smaller = min(bags[i].total(), bags[j].total())
    similar_ = smaller and (bags[i] & bags[j]).total() >= threshold * smaller - 1e-9
    if similar_ or sequences[i] == sequences[j]:
      old, new = max(group[i], group[j]), min(group[i], group[j])
      group = [new if number == old else number for number in group]
  numbers = {number: i for i, number in enumerate(dict.fromkeys(group))}
  return [numbers[number] for number in group]


@pytest.fixture(scope='module')
def families():
  """Copies near and far, fragments, shared ends, repeats, short and ambiguous ones, shuffled."""
  rng = np.random.default_rng(5)
  sequences = []
  for parent in _random(rng, 12, 90):
    sequences += [_mutated(rng, parent, share) for share in (0, 0.03, 0.08, 0.15, 0.25, 0.4)]
    sequences += [parent[20:60], _other_strand(parent), parent[:30] + _random(rng, 1, 60)[0]]
  tail = _random(rng, 1, 25)[0]
  sequences += [body + tail for body in _random(rng, 30, 65)]
  sequences += ['A' * 40, 'A' * 38 + 'C', 'AC' * 20, 'CA' * 20 + 'G', 'N' * 50, 'ACG', 'ACG', 'AC']
  sequences += [_random(rng, 1, 40)[0] + 'A' * 20 for _ in range(10)]
  sequences += [f'{sequence[:30]}N{sequence[31:]}' for sequence in sequences[:20:3]]
  return [sequences[i] for i in rng.permutation(len(sequences))]


@pytest.mark.parametrize('k', [4, 8])
@pytest.mark.parametrize('threshold', [0.2, 0.3, 0.6, 1.0])
@pytest.mark.parametrize('both_strands', [False, True])
def test_agrees_with_all_pairs_compared_one_by_one(
  families, k, threshold, both_strands, monkeypatch
):
  expected = _one_by_one(families, k, threshold, both_strands)
  options = {'k': k, 'threshold': threshold, 'both_strands': both_strands}
  assert similar.groups(families, DNA, **options).tolist() == expected
  # Small blocks, and nearly every word common: other ways to the same groups.
  monkeypatch.setattr(similar, '_BLOCK', 1000)
  monkeypatch.setattr(similar, '_COMMON', 2)
  assert similar.groups(families, DNA, **options).tolist() == expected


@pytest.mark.parametrize('even', [False, True])
@pytest.mark.parametrize(
  ('alphabet', 'length', 'share'),
  [(DNA, 101, 0.01), (DNA, 101, 0.05), (DNA, 200, 0.05), (PROTEIN, 60, 0.1), (PROTEIN, 400, 0.1)],
)
def test_mutated_copies_are_found(alphabet, length, share, even):
  rng = np.random.default_rng(0)
  parents = _random(rng, 1000, length, alphabet.letters)
  copies = [_mutated(rng, parent, share, alphabet.letters, even) for parent in parents]
  groups = similar.groups(parents + copies, alphabet)
  assert groups.tolist() == [*range(1000)] * 2


@pytest.mark.parametrize('shift', [10, 50])
def test_overlapping_windows_and_fragments_are_found(shift):
  rng = np.random.default_rng(1)
  genome = _random(rng, 500, 101 + shift)
  windows = [g[:101] for g in genome] + [g[shift:] for g in genome]
  assert similar.groups(windows, DNA).tolist() == [*range(500)] * 2
  pieces = [g[30:70] for g in genome]
  assert similar.groups(genome + pieces, DNA).tolist() == [*range(500)] * 2
  turned = windows[:500] + [_other_strand(window) for window in windows[500:]]
  assert similar.groups(turned, DNA, both_strands=True).tolist() == [*range(500)] * 2
  assert len(set(similar.groups(turned, DNA))) == 1000


@pytest.mark.parametrize(
  ('alphabet', 'count', 'length', 'p'),
  [
    (DNA, 4000, 101, None),
    (DNA, 4000, 101, [0.4, 0.1, 0.1, 0.4]),
    (DNA, 40, 101, [0.4, 0.1, 0.1, 0.4]),
    (DNA, 1000, 40, None),
    (PROTEIN, 1000, 300, None),
  ],
)
def test_strangers_are_not_joined(alphabet, count, length, p):
  sequences = _random(np.random.default_rng(2), count, length, alphabet.letters, p)
  assert len(set(similar.groups(sequences, alphabet))) == count


def test_a_short_chain_is_not_taken_for_a_part_of_a_very_long_one():
  rng = np.random.default_rng(3)
  long = _random(rng, 1, 13_000, PROTEIN.letters)
  short = _random(rng, 300, 50, PROTEIN.letters)
  assert len(set(similar.groups(long + short, PROTEIN))) == 301
  assert len(set(similar.groups([*long, long[0][5000:5050]], PROTEIN))) == 1


def test_a_shared_end_or_a_poly_a_tail_joins_nothing():
  rng = np.random.default_rng(4)
  adapter = _random(rng, 1, 20)[0]
  ends = [adapter + body + 'A' * 15 for body in _random(rng, 3000, 100)]
  assert len(set(similar.groups([*ends, 'A' * 101], DNA))) == 3001


def test_the_order_of_the_input_and_the_way_of_writing_do_not_matter(families):
  groups = similar.groups(families, DNA)
  order = np.random.default_rng(0).permutation(len(families))
  again = similar.groups([families[i] for i in order], DNA)
  for i, j in itertools.combinations(range(len(families)), 2):
    assert (again[i] == again[j]) == (groups[order[i]] == groups[order[j]])
  assert similar.groups(['acgtNNac', 'ACGUNNAC', 'AC-GTNNAC*'], RNA).tolist() == [0, 0, 0]


def test_word_length_follows_the_data():
  assert similar.word_length([101] * 30_000, DNA) == 11
  assert similar.word_length([101] * 10, DNA) == 8
  assert similar.word_length([101] * 10**7, DNA) == 12
  assert similar.word_length([300] * 1000, PROTEIN) == 5
  assert similar.word_length([9] * 1000, PROTEIN) == 3
  assert similar.word_length([21] * 10**5, RNA) == 7


def test_nothing_and_one():
  assert similar.groups([], DNA).tolist() == []
  assert similar.groups(['ACGT'], DNA).tolist() == [0]
  assert similar.groups(['AC', 'NN', 'AC'], DNA).tolist() == [0, 1, 0]


def test_summary():
  assert similar.summary(np.array([0, 1, 0, 2, 3, 3, 3])) == {
    'sequences': 7, 'groups': 4, 'largest': 3, 'not_alone': 5,
  }  # fmt: skip
  assert similar.summary(np.zeros(0, int))['largest'] == 0


def test_what_is_refused():
  with pytest.raises(UserError, match="sequence 2: position 1 is 'Z'; expected DNA letters"):
    similar.groups(['ACGT', 'ZZ'], DNA)
  with pytest.raises(ValueError, match=r'threshold must be above 0 and at most 1, got 1.5'):
    similar.groups(['ACGT'], DNA, threshold=1.5)
  with pytest.raises(ValueError, match='k must be from 1 to 31, got 32'):
    similar.groups(['ACGT'], DNA, k=32)
  with pytest.raises(ValueError, match='protein has no complement'):
    similar.groups(['MK'], PROTEIN, both_strands=True)


def test_real_windows_that_overlap_are_one_group(shared_data):
  entries = fasta.read(shared_data('genome_rbp') / 'qki_test.fa.gz')
  groups = similar.groups([entry.sequence for entry in entries], DNA)
  places = []
  for entry, group in zip(entries, groups, strict=True):
    chromosome, strand, start, _ = entry.id.split(',')
    if 'N' not in entry.sequence:  # else there may be too few words
      places.append((chromosome, strand, int(start), group))
  close = 0
  for (*before, start, group), (*after, next_start, next_group) in itertools.pairwise(
    sorted(places)
  ):
    if before == after and next_start - start <= 50:
      close += 1
      assert group == next_group
  assert close > 200
  assert similar.summary(groups)['largest'] < 0.05 * len(entries)


@pytest.mark.core
def test_names_of_groups_and_what_is_said_of_them():
  names, note = similar.named(np.array([0, 1, 0, 2]), 'sequences', 'copies')
  assert names.tolist() == ['group-0', 'group-1', 'group-0', 'group-2']
  assert note == '2 of 4 sequences have copies: 3 groups, the largest of 2'
