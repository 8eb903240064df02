"""Alphabets: every letter and code, both strands, and what is refused."""

import itertools

import numpy as np
import pytest

from medjax.data.sequences import fasta
from medjax.data.sequences.alphabet import ALPHABETS, DNA, PROTEIN, RNA, guess
from medjax.errors import UserError

PARTNERS = dict(zip('ACGTRYSWKMBDHVN', 'TGCAYRSWMKVHDBN', strict=True))


def test_sizes_and_order():
  assert DNA.tokens == '-ACGTRYSWKMBDHVN'
  assert RNA.tokens == '-ACGURYSWKMBDHVN'
  assert PROTEIN.tokens == '-ACDEFGHIKLMNPQRSTVWYBZJX'
  assert list(ALPHABETS) == ['DNA', 'RNA', 'protein']


@pytest.mark.parametrize('alphabet', ALPHABETS.values(), ids=str)
def test_every_letter_comes_back(alphabet):
  text = alphabet.tokens[1:]
  tokens = alphabet.encode(text, 'here')
  assert tokens.dtype == np.uint8
  assert tokens.tolist() == list(range(1, len(text) + 1))
  assert alphabet.decode(tokens) == text
  assert alphabet.decode(alphabet.encode(text.lower() + '*', 'here')) == text


def test_letters_that_are_read_as_others():
  assert DNA.decode(DNA.encode('ATUu', 'here')) == 'ATTT'
  assert RNA.decode(RNA.encode('ATUt', 'here')) == 'AUUU'
  assert PROTEIN.decode(PROTEIN.encode('MUOo', 'here')) == 'MCKK'
  np.testing.assert_array_equal(DNA.encode('GATTACA', ''), RNA.encode('GAUUACA', ''))


def test_table_gives_one_hot_and_equal_shares():
  np.testing.assert_array_equal(DNA.table[:5], [[0] * 4, *np.eye(4)])
  by_code = dict(zip(DNA.tokens, DNA.table, strict=True))
  np.testing.assert_array_equal(by_code['R'], [0.5, 0, 0.5, 0])
  np.testing.assert_allclose(by_code['B'], [0, 1 / 3, 1 / 3, 1 / 3])
  np.testing.assert_array_equal(by_code['N'], [0.25] * 4)
  assert PROTEIN.table.shape == (25, 20)
  assert PROTEIN.table.dtype == np.float32
  np.testing.assert_allclose(PROTEIN.table.sum(1), [0, *[1] * 24], rtol=1e-6)
  z = PROTEIN.table[PROTEIN.encode('Z', '')[0]]
  assert {PROTEIN.letters[i] for i in np.flatnonzero(z)} == {'E', 'Q'}


def test_reverse_complement_agrees_with_strings():
  text = 'AACGTRYSWKMBDHVNNGC'
  expected = ''.join(PARTNERS[letter] for letter in reversed(text))
  assert DNA.decode(DNA.reverse_complement(DNA.encode(text, ''))) == expected
  assert RNA.decode(RNA.reverse_complement(RNA.encode('AACGU', ''))) == 'ACGUU'


def test_reverse_complement_keeps_padding_at_the_end():
  rng = np.random.default_rng(0)
  tokens = np.zeros((2, 3, 12), np.uint8)
  for place, length in zip(itertools.product(range(2), range(3)), range(0, 12, 2), strict=True):
    tokens[place][:length] = rng.integers(1, 16, length)
  turned = DNA.reverse_complement(tokens)
  assert turned.dtype == np.uint8
  for place in itertools.product(range(2), range(3)):
    length = np.count_nonzero(tokens[place])
    assert not turned[place][length:].any()
    expected = ''.join(PARTNERS[letter] for letter in reversed(DNA.decode(tokens[place])))
    assert DNA.decode(turned[place]) == expected
  np.testing.assert_array_equal(DNA.reverse_complement(turned), tokens)


def test_complement_of_letters_turns_one_hots_as_that_of_tokens_does():
  tokens = DNA.encode(DNA.tokens[1:], '')
  one_hot = DNA.table[tokens][::-1][:, DNA.letter_complement]
  np.testing.assert_array_equal(one_hot, DNA.table[DNA.reverse_complement(tokens)])
  for alphabet in (DNA, RNA):
    both = alphabet.token_complement[alphabet.token_complement]
    np.testing.assert_array_equal(both, np.arange(16))
    assert alphabet.token_complement[0] == 0


def test_proteins_have_no_complement():
  with pytest.raises(ValueError, match='protein has no complement'):
    PROTEIN.reverse_complement(PROTEIN.encode('MK', ''))


@pytest.mark.parametrize(
  ('alphabet', 'text', 'message'),
  [
    (DNA, 'ACGE', "a.fa line 3: position 4 is 'E'; expected DNA letters ACGT or codes RYSWKM"),
    (DNA, 'AXG', "position 2 is 'X'"),
    (DNA, 'AC-G', r"position 3 is '-' \(a gap\)"),
    (DNA, 'A*CG', r"position 2 is '\*'"),
    (DNA, 'AC**', r"position 3 is '\*'"),
    (DNA, 'AC G', "position 3 is ' '"),
    (DNA, 'ACΩG', "position 3 is 'Ω'"),
    (PROTEIN, 'MKſ', "position 3 is 'ſ'"),
    (DNA, 'A?', r"position 2 is '\?'"),
    (PROTEIN, 'MK1', "is '1'; expected protein letters ACDEFGHIKLMNPQRSTVWY or codes BZJX"),
    (PROTEIN, '*', 'a.fa line 3: the sequence is empty; expected protein letters'),
    (RNA, '', 'the sequence is empty; expected RNA letters'),
  ],
)  # fmt: skip
def test_other_letters_are_refused_with_their_place(alphabet, text, message):
  with pytest.raises(UserError, match=message) as caught:
    alphabet.encode(text, 'a.fa line 3')
  assert '\n' not in str(caught.value)


def test_gaps_are_dropped_where_asked_for():
  assert DNA.decode(DNA.encode('..A-C-GT.', '', drop_gaps=True)) == 'ACGT'
  with pytest.raises(UserError, match='is empty'):
    DNA.encode('--', 'here', drop_gaps=True)
  with pytest.raises(UserError, match="position 3 is 'E'"):
    DNA.encode('A-E', 'here', drop_gaps=True)


def test_guess():
  assert guess(['ACGT', 'ttgaNN']) is DNA
  assert guess(['ACGU', 'ACG']) is RNA
  assert guess(['ACGACG']) is DNA
  assert guess(['MKTAYIAKQR']) is PROTEIN
  assert guess(['ACGTACGTACGTACGTACGE']) is DNA  # encode will name the E
  assert guess(['ACRYKM--']) is PROTEIN
  for none in ([], ['', '--12']):
    with pytest.raises(UserError, match='have no letters'):
      guess(none)


def test_guess_on_real_data(shared_data):
  for folder, name, alphabet in [
    ('genome_rbp', 'qki_test.fa.gz', DNA),
    ('genome_promoters', 'mouse_tata.fa.gz', DNA),
    ('protein_deeploc', 'deeploc_our_val_set.fasta.gz', PROTEIN),
  ]:
    entries = fasta.read(shared_data(folder) / name)
    assert guess(entry.sequence for entry in entries) is alphabet
    for entry in entries:
      assert len(alphabet.encode(entry.sequence, entry.where)) == len(entry.sequence)
