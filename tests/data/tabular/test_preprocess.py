"""Inputs of rows against scikit-learn's imputation, scaling and one-hot encoding."""

import json

import numpy as np
import pytest
import sklearn.impute
import sklearn.preprocessing

from medjax.data.tabular import preprocess
from medjax.errors import UserError


def _rows(**columns):
  return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _inputs(fitted, rows):
  return np.stack([fitted.row(row, f'row {i}') for i, row in enumerate(rows)])


def test_numbers_equal_scikit_learns_scaler():
  cells = [str(x) for x in np.random.default_rng(0).normal(50, 12, 40).round(1)]
  rows = _rows(age=cells)
  fitted = preprocess.fit(rows, ['age'])
  expected = sklearn.preprocessing.StandardScaler().fit_transform(np.array([cells], float).T)
  np.testing.assert_allclose(_inputs(fitted, rows), expected, atol=1e-6)
  assert fitted.scales == pytest.approx([np.array(cells, float).std()])
  column = fitted.columns[0]
  quantiles = np.quantile(np.array(cells, float), np.arange(21) / 20)
  np.testing.assert_allclose(column.quantiles, quantiles)


@pytest.mark.parametrize('missing', ['', 'NA', '?', 'NaN', 'n/a', 'NULL', ' None '])
def test_missing_numbers_in_training_become_the_median_and_say_so(missing):
  cells = ['40', missing, '1e2', '-7.5', missing, '12']
  rows = _rows(x=cells)
  fitted = preprocess.fit(rows, ['x'])
  values = np.array([[40, np.nan, 100, -7.5, np.nan, 12]]).T
  filled = sklearn.impute.SimpleImputer(strategy='median', add_indicator=True).fit_transform(values)
  filled[:, :1] = sklearn.preprocessing.StandardScaler().fit_transform(filled[:, :1])
  assert fitted.inputs == ['x', 'x (missing)']
  np.testing.assert_allclose(_inputs(fitted, rows), filled, atol=1e-6)
  assert fitted.scales[1] == 1
  # Quantiles are of the numbers that are known.
  assert (fitted.columns[0].quantiles[0], fitted.columns[0].quantiles[-1]) == (-7.5, 100)


def test_a_number_missing_after_training_becomes_the_median():
  fitted = preprocess.fit(_rows(x=['1', '2', '6']), ['x'])
  assert fitted.inputs == ['x']
  assert fitted.row({'x': '?'}, 'new') == pytest.approx([(2 - 3) / np.std([1, 2, 6])])


def test_categories_equal_scikit_learns_one_hot_encoding():
  cells = ['b', 'a', 'c', 'c', '', 'c', 'b', 'n/a']
  rows = _rows(site=cells)
  fitted = preprocess.fit(rows, ['site'])
  # The most frequent first, equals by name; a missing cell is a level of its own.
  assert fitted.inputs == ['site=c', 'site=(missing)', 'site=b', 'site=a']
  levels = [['c', '(missing)', 'b', 'a']]
  encoder = sklearn.preprocessing.OneHotEncoder(
    categories=levels, sparse_output=False, handle_unknown='ignore'
  )
  named = ['(missing)' if cell in ('', 'n/a') else cell for cell in cells]
  expected = encoder.fit_transform(np.array([named]).T)
  np.testing.assert_array_equal(_inputs(fitted, rows), expected)
  unknown = encoder.transform([['d']])[0]
  np.testing.assert_array_equal(fitted.row({'site': 'd'}, 'new'), unknown)
  assert not unknown.any()
  np.testing.assert_array_equal(fitted.scales, np.ones(4))


def test_a_text_missing_after_training_is_none_of_the_levels():
  fitted = preprocess.fit(_rows(site=['a', 'b', 'c']), ['site'])
  assert fitted.row({'site': ''}, 'new').tolist() == [0, 0, 0]


def test_a_reference_level_and_two_levels_leave_one_out():
  rows = _rows(site=['b', 'a', 'c', 'c', 'c'], sex=['f', 'm', 'm', 'm', 'f'])
  assert preprocess.fit(rows, ['site', 'sex']).inputs == ['site=c', 'site=a', 'site=b', 'sex=f']
  fitted = preprocess.fit(rows, ['site', 'sex'], reference=True)
  assert fitted.inputs == ['site=a', 'site=b', 'sex=f']
  assert [column.reference for column in fitted.columns] == ['c', 'm']
  with_constant = np.column_stack([np.ones(5), _inputs(fitted, rows)])
  assert np.linalg.matrix_rank(with_constant) == 4


def test_codes_are_numbers_unless_they_are_said_to_be_categories():
  rows = _rows(code=['1', '2', '3', '3'], x=['1', '2', '3', '5'])
  assert preprocess.fit(rows, ['code', 'x']).inputs == ['code', 'x']
  fitted = preprocess.fit(rows, ['code', 'x'], categorical=['code'])
  assert fitted.inputs == ['code=3', 'code=1', 'code=2', 'x']
  assert fitted.row({'code': '2', 'x': '2.75'}, 'new').tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize('text', ['<5', '12_3', 'inf', '1,5', '0x10'])
def test_what_is_no_number_makes_a_column_of_texts_and_is_refused_in_numbers(text):
  assert f'x={text}' in preprocess.fit(_rows(x=['1', '2', text]), ['x']).inputs
  fitted = preprocess.fit(_rows(x=['1', '2', '3']), ['x'])
  with pytest.raises(UserError, match=r'^new.csv row 4: x is .*; expected a number$') as caught:
    fitted.row({'x': text}, 'new.csv row 4')
  assert repr(text) in str(caught.value)


def test_few_texts_among_numbers_are_told():
  rows = _rows(age=['40', '52', 'n/a', '< 60'], sex=['f', 'm', 'f', 'm'], ward=['1', '2', 'A', 'B'])
  fitted = preprocess.fit(rows, ['age', 'sex', 'ward'])
  (note,) = preprocess.strays(fitted, rows, ())
  assert note == "column 'age' is read as categories, as 1 of 4 cells is no number, such as '< 60'"
  assert preprocess.strays(fitted, rows, ['age']) == []
  codes = _rows(code=['1', '2', 'n/a'])
  assert preprocess.strays(preprocess.fit(codes, ['code'], categorical=['code']), codes, ()) == []


def test_columns_with_one_value_give_no_input():
  rows = _rows(same=['1', '1'], text=['a', 'a'], none=['', 'NA'], x=['1', '2'])
  assert preprocess.fit(rows, ['same', 'text', 'none', 'x']).inputs == ['x']
  with pytest.raises(UserError, match='no column of same, none has two different values'):
    preprocess.fit(rows, ['same', 'none'])


def test_equal_numbers_with_gaps_are_not_scaled_by_rounding():
  # The mean of 0.1, 0.1 and 0.1 is not 0.1 in floating point.
  fitted = preprocess.fit(_rows(x=['0.1', '0.1', '0.1', '']), ['x'])
  assert fitted.row({'x': '0.1'}, 'new').tolist() == [0, 0]
  assert fitted.row({'x': ''}, 'new').tolist() == [0, 1]
  assert fitted.row({'x': '1.1'}, 'new') == pytest.approx([1, 0])


def test_too_many_levels_are_names():
  names = [f'name {i}' for i in range(101)]
  with pytest.raises(UserError, match=r"'who': 101 .* 'name 0'; expected .*data.drop=who"):
    preprocess.fit(_rows(who=names), ['who'])
  codes = [str(i) for i in range(101)]
  with pytest.raises(UserError, match="column 'zip': 101 different texts, such as '0'"):
    preprocess.fit(_rows(zip=codes), ['zip'], categorical=['zip'])
  assert len(preprocess.fit(_rows(zip=codes[:100]), ['zip'], categorical=['zip']).inputs) == 100


def test_a_missing_column_is_named_and_others_are_ignored():
  fitted = preprocess.fit(_rows(a=['1', '3'], b=['x', 'y']), ['a', 'b'])
  assert fitted.row({'c': '9', 'b': 'y', 'a': '2'}, 'new').tolist() == [0, 1]
  with pytest.raises(UserError, match=r"^new.csv row 2: no column 'b'; the model was trained with"):
    fitted.row({'a': '2'}, 'new.csv row 2')


def test_json_gives_the_same_inputs_to_the_bit():
  random = np.random.default_rng(0)
  numbers = [str(x) for x in random.normal(size=50)]
  gaps = ['' if random.random() < 0.2 else cell for cell in numbers]
  rows = _rows(a=numbers, b=gaps, c=random.choice(['é', 'ü', '', 'x|y'], 50).tolist())
  fitted = preprocess.fit(rows, ['a', 'b', 'c'], reference=True)
  stored = json.loads(json.dumps(fitted.to_json()))
  assert stored == fitted.to_json()
  again = preprocess.Preprocessing.from_json(stored)
  assert again == fitted
  np.testing.assert_array_equal(_inputs(again, rows), _inputs(fitted, rows), strict=True)


def test_a_number_too_far_from_the_others_is_refused():
  fitted = preprocess.fit(_rows(x=['1e-12', '2e-12', '3e-12']), ['x'])
  assert np.isfinite(fitted.row({'x': '1'}, 'row 4')).all()
  with pytest.raises(UserError, match=r'^row 5: x is 1e30, 1e\+42 standard deviations from'):
    fitted.row({'x': '1e30'}, 'row 5')


def test_names_of_another_site_may_differ_by_case_and_blanks():
  fitted = preprocess.fit(_rows(age=['1', '3'], sex=['m', 'f']), ['age', 'sex'])
  expected = fitted.row({'age': '3', 'sex': 'f'}, 'row')
  for names in (('AGE', 'Sex'), (' age', 'sex '), ('ＡＧＥ', 'sex')):
    found = fitted.row(dict(zip(names, ('3', 'f'), strict=True)), 'row')
    np.testing.assert_array_equal(found, expected)
  # The exact name counts first, and of two others nobody knows which is meant.
  np.testing.assert_array_equal(fitted.row({'AGE': '9', 'age': '3', 'sex': 'f'}, 'row'), expected)
  with pytest.raises(UserError, match="no column 'age'"):
    fitted.row({'AGE': '3', 'Age': '3', 'sex': 'f'}, 'row')
  both = preprocess.fit(_rows(x=['1', '3'], X=['5', '9']), ['x', 'X'])
  with pytest.raises(UserError, match="no column 'X'"):
    both.row({'x': '1'}, 'row')


def test_a_number_that_may_stand_for_a_missing_one_is_said():
  fitted = preprocess.fit(_rows(age=['20', '60', '40'], sex=['m', 'f', 'm']), ['age', 'sex'])
  assert fitted.far({'age': '-999', 'sex': 'm'}) == ['age -999 (trained on 20 to 60)']
  assert 'age -999 (trained on 20 to 60): far from all' in fitted.note({'age': '-999', 'sex': 'm'})
  for usual in ('-20', '100', '41.5', '', 'NA', 'old'):
    assert fitted.far({'age': usual, 'sex': 'm'}) == []
    assert fitted.note({'age': usual, 'sex': 'm'}) == ''
  assert fitted.far({'age': '100.5', 'sex': '-999'}) == ['age 100.5 (trained on 20 to 60)']
