"""One form for texts that look alike."""

import unicodedata

import pytest

from medjax.data import text


@pytest.mark.parametrize(
  'written',
  [
    'M\u00fcller',
    'Mu\u0308ller',
    '\ufeffM\u00fcller',
    'M\u00fcl\u200bler',
    ' M\u00fcller\u00a0',
    'M\u00fcl\u00adler',
    'M\u00fcl\u034fler\ufe0f',
  ],
)
def test_forms_that_look_alike_are_one(written):
  assert text.clean(written) == 'M\u00fcller'
  assert text.key(written) == 'm\u00fcller'


@pytest.mark.parametrize('dash', '\u2010\u2011\u2012\u2013\u2014\u2212\uff0d')
def test_dashes_and_apostrophes_are_those_of_the_keyboard(dash):
  assert text.clean(f'COVID{dash}19') == 'COVID-19'
  assert text.clean('Crohn\u2019s') == "Crohn's"


def test_names_that_differ_to_the_eye_stay_apart():
  names = ['P-1', 'P1', 'P 1x', 'p2', 'Mueller', 'M\u00fcller', 'Muller']
  assert len({text.key(name) for name in names}) == len(names)


@pytest.mark.parametrize('written', ['', 'a b', 'a  b', 'stra\u00dfe', '\u65e5\u672c', 'x\u2009y'])
def test_clean_is_composed_and_stays_as_it_is(written):
  once = text.clean(written)
  assert text.clean(once) == once == unicodedata.normalize('NFC', once)


def test_a_key_does_not_see_case_blanks_or_width():
  assert (
    text.key('Pat 001')
    == text.key('PAT001')
    == text.key('\uff30\uff21\uff34\u3000\uff10\uff10\uff11')
  )
