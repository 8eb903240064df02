"""One rule for missing values."""

import pytest

from medjax.data import missing
from medjax.data.missing import Missing


@pytest.mark.parametrize(
  'word', ['', ' ', '\u200b', 'n/a', 'NULL', 'NaN', '?', '.', '<NA>', '#N/A']
)
def test_words_that_name_nothing_are_missing_everywhere(word):
  assert Missing().number(word)
  assert Missing().level(word)
  assert Missing().label(word, ['ill', 'well', word]) is True


@pytest.mark.parametrize('word', ['None', 'NA', '-', 'unknown', '*'])
def test_words_that_may_be_names_are_missing_among_numbers_alone(word):
  assert Missing().number(word)
  assert not Missing().level(word)


@pytest.mark.parametrize(
  ('labels', 'word', 'expected'),
  [
    (['ill', 'healthy'], 'NA', True),
    (['yes', 'no'], 'NA', True),
    (['Na', 'K', 'Cl'], 'Na', None),
    (['DE', 'FR'], 'NA', None),
    (['TP53', 'KRAS'], 'NAN', None),
    (['AA', 'AG'], 'NULL', True),
    (['polyp', 'cancer'], 'none', False),
    (['polyp', 'cancer'], 'unknown', False),
    (['LUAD', 'LUSC'], 'NAT', None),
    (['tumor', 'stroma'], 'nat', None),
    (['LUAD', 'LUSC'], 'NaT', True),
    (['trace', '1+'], 'nil', False),
    (['ill', 'healthy'], 'nil', False),
    (['+'], '-', False),
    (['1+', '2+', '3+'], '-', False),
    (['(+)', '(++)'], '--', False),
    (['\u00b1', 'strong'], '-', False),
    (['pos'], '-', False),
    (['weakly positive', 'strongly positive'], '-', False),
    (['pos', 'neg'], '-', True),
    (['reactive', 'non-reactive'], '-', True),
    (['0', '1+', '2+'], '-', None),
    (['HIV+', 'HIV-'], '-', None),
    (['mild', 'severe'], '-', True),
    (['position', 'shape'], '-', True),
  ],
)
def test_a_label_is_a_class_or_missing_or_nobody_can_tell(labels, word, expected):
  assert Missing().label(word, [*labels, word]) is expected


def test_only_the_spelling_of_data_frames_is_no_time():
  words = ('NaT', 'NAT', 'nat', 'Nat')
  assert [Missing().level(word) for word in words] == [True, False, False, False]
  assert [Missing().number(word) for word in words] == [True] * 4


def test_own_words_replace_the_usual_ones_or_add_to_them():
  own = Missing.of(['-9', 'NA'])
  assert [own.number(w) for w in ('-9', 'NA', '', 'NULL', 'na')] == [True, True, True, False, False]
  both = Missing.of(['usual', '-9'])
  assert [both.level(w) for w in ('-9', 'NULL', 'None')] == [True, True, False]
  assert Missing.of([]).label('Na', ['Na', 'K']) is False
  assert Missing.of(['NA']).label('NA', ['NA', 'DE']) is True
  for words in ([], ['-9', 'NA'], ['usual', 'x']):
    assert Missing.of(Missing.of(words).to_json()) == Missing.of(words)


def test_spellings_are_counted():
  assert missing.counted(['NA', '', 'NA ', 'x']) == '2 NA, 1 empty, 1 x'
