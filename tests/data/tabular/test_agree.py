"""Preprocessing that sites agree on, beside that of all rows in one place."""

import numpy as np
import pytest

from medjax.data.tabular import agree, preprocess
from medjax.data.tabular.modality import Table
from medjax.errors import UserError


def rows(numbers, texts):
  return [{'x': n, 't': t} for n, t in zip(numbers, texts, strict=True)]


def fitted(*parts, **settings):
  return [preprocess.fit(part, ['x', 't'], **settings) for part in parts]


def test_numbers_are_those_of_all_rows():
  random = np.random.default_rng(0)
  parts = [
    rows([f'{v:.3f}' for v in random.normal(mean, 2, count)], ['a', 'b'] * (count // 2))
    for mean, count in ((0, 400), (5, 1000), (9, 200))
  ]
  whole = fitted([row for part in parts for row in part])[0].columns[0]
  found, notes = agree.preprocessing(fitted(*parts), [400, 1000, 200], ['a', 'b', 'c'])
  column = found.columns[0]
  assert notes == []
  assert column.mean == pytest.approx(whole.mean)
  assert column.scale == pytest.approx(whole.scale)
  assert column.median == pytest.approx(whole.median, abs=0.1)
  # Within a tenth of the standard deviation, as tails beyond 5% are not told.
  np.testing.assert_allclose(column.quantiles[1:-1], whole.quantiles[1:-1], atol=0.1 * whole.scale)


def test_levels_of_any_site_are_levels():
  parts = [
    rows('123456', ['m', 'm', 'f', 'm', 'f', 'm']),
    rows('123456', ['f', 'f', 'm', 'f', 'm', 'f']),
  ]
  found, _ = agree.preprocessing(fitted(*parts), [6, 6], ['a', 'b'])
  assert found.columns[1].inputs == ['t=f']  # two levels are one question
  third = rows('123456', ['x', 'm', 'f', 'm', 'f', 'm'])
  found, _ = agree.preprocessing(fitted(*parts, third), [6, 6, 6], ['a', 'b', 'c'])
  assert sorted(found.columns[1].inputs) == ['t=f', 't=m', 't=x']
  found, _ = agree.preprocessing(fitted(*parts, third, reference=True), [6] * 3, ['a', 'b', 'c'])
  assert sorted(found.columns[1].inputs) == ['t=f', 't=x']


def test_a_missing_number_anywhere_has_an_input_everywhere():
  parts = [rows('1234', 'abab'), rows(['1', 'NA', '3', '5'], 'abab')]
  found, _ = agree.preprocessing(fitted(*parts), [4, 4], ['a', 'b'])
  assert found.inputs == ['x', 'x (missing)', 't=b']


def test_a_column_that_a_site_lacks_is_left_out_and_said():
  parts = fitted(rows('1234', 'abab'), rows('1234', 'aaaa'))
  found, notes = agree.preprocessing(parts, [4, 4], ['north', 'south'])
  assert found.inputs == ['x']
  assert notes == ["column 't' is left out: it is none, or has one value, at south"]
  with pytest.raises(UserError, match='no column is an input at every site'):
    agree.preprocessing(
      [
        preprocess.fit(rows('1234', 'aaaa'), ['x', 't']),
        preprocess.fit(rows('1111', 'abab'), ['x', 't']),
      ],
      [4, 4],
      ['a', 'b'],
    )


def test_no_row_is_told():
  numbers = ['17', *['50', '55', '60', '65'] * 10, '93']
  own = fitted(rows(numbers, ['a', 'b'] * 21))[0]
  details = Table(own, np.ones((20, 2), np.float32)).details()
  told = agree.told(details)
  assert '17.0' in str(details)
  assert '17.0' not in str(told)
  assert '93.0' not in str(told)
  assert 'typical' not in told
  found = agree.typical(own)
  assert found.shape == (20, 2)
  assert found[:, 1].mean() == 0.5
