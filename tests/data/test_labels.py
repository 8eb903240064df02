"""Classes from labels: their order, the positive one, and what is said of labels that are wrong."""

import pytest

from medjax.data import labels, missing
from medjax.errors import UserError


@pytest.mark.parametrize(
  ('found', 'expected'),
  [
    (['Sick', 'Healthy', 'Sick'], ('Healthy', 'Sick')),
    (['control', 'case'], ('control', 'case')),
    (['1', '0'], ('0', '1')),
    (['1', '2'], ('1', '2')),
    (['10', '9', '1'], ('1', '9', '10')),
    (['10', '9,5', '0,25'], ('0,25', '9,5', '10')),
    (['b', '10', 'a'], ('10', 'a', 'b')),
    (['2', 'nan', '10'], ('10', '2', 'nan')),
  ],
)
def test_the_order_of_classes(found, expected):
  assert labels.class_names(found, '', 'x.csv') == expected


def test_the_positive_class_may_be_given():
  assert labels.class_names(['a', 'b'], 'a', 'x.csv') == ('b', 'a')
  with pytest.raises(UserError, match=r'data.positive=aa: expected one of two classes'):
    labels.class_names(['a', 'b'], 'aa', 'x.csv')
  with pytest.raises(UserError, match=r'data.positive=a: expected one of two classes'):
    labels.class_names(['a', 'b', 'c'], 'a', 'x.csv')


@pytest.mark.parametrize(
  ('found', 'message'),
  [
    (['a', 'a'], "x.csv: every example is 'a'; expected at least two classes"),
    (['Ill', 'ill', 'well'], "x.csv: classes 'Ill' and 'ill' differ only by case or space"),
    (['0', '1', '0.0'], "x.csv: classes '0' and '0.0' are the same number; expected one"),
    (
      [f'c{i}' for i in range(1001)] * 2,
      'x.csv: 1001 different labels; expected classes, at most 1000',
    ),
  ],
)
def test_labels_that_are_no_classes(found, message):
  with pytest.raises(UserError, match=message):
    labels.class_names(found, '', 'x.csv')


@pytest.mark.parametrize(
  ('found', 'message'),
  [
    (['effusion|mass', 'normal', 'mass'] * 9, "label 'effusion.mass' looks like several findings"),
    (['a;b', 'a', 'b'] * 9, "label 'a;b' looks like several findings joined by ';'"),
    (['a, b', 'a', 'b'] * 9, "label 'a, b' looks like several findings joined by ','"),
    ([f'{i / 7:.2f}' for i in range(40)] * 3, 'look like measurements, 40 different numbers from'),
    (
      [f'0.{i} mg' for i in range(110, 140)] * 4,
      "x.csv: labels look like measurements with a unit, 30 different numbers such as '0.110 mg'; "
      'expected classes, or numbers without a unit',
    ),
    ([f'{i},5ng/mL' for i in range(11)] * 9, 'measurements with a unit, 11 different numbers'),
    ([f'{i} %' for i in range(12)] * 9 + ['low'], 'measurements with a unit, 12 different numbers'),
    ([f'<{i} \u00b5g' for i in range(12)] * 9, 'measurements with a unit, 12 different numbers'),
    ([f'{i + 1} {"mg" if i % 2 else "g"}' for i in range(14)] * 9, 'with a unit, 14 different'),
    (
      [f'{i / 7:.3f}'.replace('.', ',') for i in range(11)] * 3,
      'look like measurements, 11 different numbers from 0,000 to 1,429',
    ),
    (['0,5', '0.50', '1'], "classes '0,5' and '0.50' are the same number; expected one"),
    (["['effusion', 'mass']", 'normal'] * 9, 'looks like several findings joined by a list'),
    ([str(i) for i in range(90)] * 9, 'look like measurements, 90 different numbers from 0 to 89'),
    ([f'scan {i}' for i in range(30)], "30 different labels of 30 examples, such as 'scan 0'"),
    (['a\x00b', 'c'], 'holds a control character; expected text'),
    (['M\u00fcller', 'Mu\u0308ller', 'x'], 'differ only by case or space; expected one'),
  ],
)
def test_labels_of_another_task_are_refused(found, message):
  with pytest.raises(UserError, match=message):
    labels.class_names(found, '', 'x.csv')


@pytest.mark.parametrize(
  'found',
  [
    ['basal cell carcinoma, NOS', 'squamous cell carcinoma, NOS', 'normal'],
    [str(i) for i in range(20)] * 3,
    ['0.5', '1', '2'],
    ['0,5', '1', '5', '0'],
    [f'class {i}' for i in range(15)] * 2,
  ],
)
def test_classes_with_commas_or_numbers_are_classes(found):
  assert set(labels.class_names(found, '', 'x.csv')) == set(found)


def test_joined_names_are_classes_where_the_user_says_so():
  found = ['fracture, patella', 'fracture, sternum', 'normal|no', 'normal']
  with pytest.raises(
    UserError,
    match=r"x.csv: label 'normal\|no' looks like several findings joined by '\|'; expected one "
    'class an example, or config.data.joined_names=true where each such label is one class',
  ):
    labels.class_names(found, '', 'x.csv')
  assert labels.class_names(found, '', 'x.csv', joined=True) == tuple(sorted(found))


@pytest.mark.parametrize('text', ['1_0', '1e300', 'nan', '', 'x', '\uff11', 'inf'])
def test_a_label_that_is_no_number(text):
  with pytest.raises(UserError, match=r'x.csv: label'):
    labels.number(text, 'x.csv')


def test_rows_without_a_label_are_counted_by_their_words():
  rows = [
    (2, {'y': 'ill'}),
    (3, {'y': 'NA'}),
    (4, {'y': 'well'}),
    (5, {'y': ''}),
    (6, {'y': 'none'}),
  ]
  kept, notes = labels.labelled_rows(rows, 'y', 'x.csv')
  assert [line for line, _ in kept] == [2, 4, 6]
  assert notes == [
    '2 rows without y left out (1 NA, 1 empty)',
    "y 'none' (1 rows) is taken as a class; config.data.missing=usual,none leaves such rows out",
  ]


def test_a_word_among_numbers_with_a_decimal_comma_is_missing():
  rows = [(2, {'y': '0,5'}), (3, {'y': 'none'}), (4, {'y': '1'})]
  kept, notes = labels.labelled_rows(rows, 'y', 'x.csv')
  assert [line for line, _ in kept] == [2, 4]
  assert notes == ['1 rows without y left out (1 none)']


def test_a_label_that_may_be_missing_is_asked_about():
  rows = [(2, {'y': 'Na'}), (3, {'y': 'K'}), (4, {'y': 'Na'})]
  with pytest.raises(UserError) as caught:
    labels.labelled_rows(rows, 'y', 'x.csv')
  assert str(caught.value) == (
    "x.csv: y is 'Na' in 2 of 3 rows, a class or a missing value; expected "
    'config.data.missing=usual,Na to leave these rows out, or config.data.missing= (empty) where '
    'it is a class'
  )
  assert len(labels.labelled_rows(rows, 'y', 'x.csv', missing.Missing.of([]))[0]) == 3


@pytest.mark.parametrize(
  'found',
  [
    [f'{i} mg' for i in range(10)],
    [f'{5 * i}-{5 * i + 4} years' for i in range(18)],
    [f'85{i}/3' for i in range(10, 30)],
    [f'{i} {name}' for i, name in enumerate('abcdefghijklmn')],
  ],
)
def test_classes_that_begin_with_a_number(found):
  assert labels.class_names(found * 3, '', 'x.csv') == tuple(sorted(found))
