"""Classes from labels: their order, the positive one, and what is said of labels that are wrong."""

import pytest

from medjax.data import labels
from medjax.errors import UserError


@pytest.mark.parametrize(
  ('found', 'expected'),
  [
    (['Sick', 'Healthy', 'Sick'], ('Healthy', 'Sick')),
    (['control', 'case'], ('control', 'case')),
    (['1', '0'], ('0', '1')),
    (['1', '2'], ('1', '2')),
    (['10', '9', '1'], ('1', '9', '10')),
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
    (list(map(str, range(1001))), 'x.csv: 1001 different labels; expected classes, at most 1000'),
  ],
)
def test_labels_that_are_no_classes(found, message):
  with pytest.raises(UserError, match=message):
    labels.class_names(found, '', 'x.csv')
