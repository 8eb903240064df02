"""Which of two classes is the finding."""

import pytest

from medjax.data import positive


@pytest.mark.parametrize(
  ('finding', 'other'),
  [
    ('malignant', 'not malignant'), ('edema', 'no edema'), ('covid', 'non-covid'),
    ('Covid19', 'NonCovid19'), ('cancer', 'noncancer'), ('abnormal', 'normal'),
    ('not normal', 'normal'), ('non-benign', 'benign'), ('invasion', 'without invasion'),
    ('tumour', 'tumour-free'), ('HER2 positive', 'HER2 negative'), ('mutant', 'wild type'),
    ('dead', 'alive'), ('case', 'control'), ('present', 'absent'), ('Yes', 'No'), ('Y', 'N'),
    ('+', '-'), ('1', '0'), ('2', '1'), ('10', '9'), ('nodule', 'no_nodule'), ('ill', 'healthy'),
    ('polyp', 'none'), ('adenocarcinoma in situ, malignant', 'adenoma'), ('responder', 'other'),
    ('PNEUMONIA', 'NORMAL'), ('True', 'False'), ('bleeding', 'w/o bleeding'),
  ],
)  # fmt: skip
def test_the_finding_is_positive_whatever_the_order(finding, other):
  for names in ([finding, other], [other, finding]):
    found, why = positive.of_two(names)
    assert (found, bool(why)) == (finding, True)
  (note,) = positive.note([other, finding], '')
  assert note.startswith(f'positive class: {finding} (')


@pytest.mark.parametrize(
  'names',
  [('a', 'b'), ('f', 'm'), ('adeno', 'squamous'), ('benign', 'normal'), ('noble', 'notable'),
   ('no edema', 'no mass'), ('left', 'right')],
)  # fmt: skip
def test_where_names_do_not_tell_the_user_is_asked(names):
  found, why = positive.of_two(names)
  assert (found, why) == (max(names), '')
  (note,) = positive.note(names, '')
  assert note == (
    f'positive class: {names[1]}, A GUESS: neither {names[0]!r} nor {names[1]!r} says which is the '
    f'finding; config.data.positive={names[0]} or ={names[1]} says it'
  )
  assert positive.note(names, names[1]) == [f'positive class: {names[1]}']
