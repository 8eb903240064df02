"""Tokens of SMILES and the numbers that stand for them."""

import re

import numpy as np
import pytest

from medjax.data.smiles import Vocabulary, tokens
from medjax.errors import UserError


def test_atoms_in_brackets_elements_of_two_letters_and_rings_of_two_digits_are_one_token():
  smiles = 'C[C@@H](Br)c%11cn(Cl)B%11/C=C\\[nH+]1'
  assert tokens(smiles) == [
    'C', '[C@@H]', '(', 'Br', ')', 'c', '%11', 'c', 'n', '(', 'Cl', ')', 'B', '%11', '/', 'C', '=',
    'C', '\\', '[nH+]', '1',
  ]  # fmt: skip
  assert ''.join(tokens(smiles)) == smiles


@pytest.mark.parametrize(('smiles', 'odd'), [('CXC', 'X'), ('C[NH', '['), ('N->[Pt]', '>')])
def test_what_is_no_token_is_named(smiles, odd):
  with pytest.raises(UserError, match=re.escape(f'{odd!r} is no token')):
    tokens(smiles)


def test_encoding_is_undone_by_spelling_and_stops_at_the_end():
  molecules = ['CCO', 'c1ccccc1Cl', 'C[C@H](N)C']
  vocabulary = Vocabulary.of(molecules)
  rows, lengths = vocabulary.encode_all(molecules)
  assert [vocabulary.spell(row) for row in rows] == molecules
  assert lengths.tolist() == [len(tokens(one)) + 1 for one in molecules]
  for row, one, length in zip(rows, molecules, lengths, strict=True):
    np.testing.assert_array_equal(row[:length], vocabulary.encode(one))
    assert not row[length:].any()
  assert vocabulary.spell(np.array([2, 1, 3])) == vocabulary.names[0]
  assert len(vocabulary) == 2 + len(set(vocabulary.names))


def test_a_token_that_is_not_known_is_refused_or_marked():
  vocabulary = Vocabulary.of(['CCO'])
  with pytest.raises(UserError, match="'CN': no training molecule has 'N'"):
    vocabulary.encode('CN')
  rows, lengths = vocabulary.encode_all(['CN', 'OC'])
  assert lengths.tolist() == [0, 3]
  assert not rows[0].any()


def test_too_many_different_tokens_are_refused():
  with pytest.raises(UserError, match='260 different tokens'):
    Vocabulary.of([f'[{mass}CH4]' for mass in range(260)])
