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
    ('HIV+', 'HIV-'), ('ER+', 'ER-'), ('HER2 (+)', 'HER2 (-)'), ('CD4 +', 'CD4 \u2212'),
    ('HIVpos', 'HIVneg'), ('1+', '-'), ('++', '--'), ('pos', '-'), ('1+', '0'), ('0,5', '0,25'),
    ('detected', 'undetected'), ('fractured', 'unfractured'), ('covid', 'nofinding'),
    ('covid', 'no findings'), ('melanoma', 'notmelanoma'), ('glioma', 'notumor'),
    ('nodule', 'nonodule'), ('hip fractured', 'hip unfractured'), ('Covid 19', 'noncovid-19'),
    ('ruptured aneurysm', 'unruptured aneurysm'), ('ruptured aneurysm', 'non-ruptured aneurysm'),
    ('diabetic patient', 'non-diabetic patient'), ('COVID-19', 'Non-COVID-19'),
    ('malignant lesion', 'non-malignant lesion'), ('unhealthy', 'healthy'), ('unwell', 'well'),
    ('unaffected relative, ill', 'unaffected'), ('responder', 'nonresponder'),
    ('metastasis', 'free of metastasis'), ('free fluid', 'no free fluid'), ('hazy', 'clear'),
    ('not clear', 'clear'), ('high risk', 'low risk'), ('low EF', 'normal EF'),
    ('KRAS G12D', 'KRAS wild-type'), ('non-small cell', 'normal'), ('1', 'none'),
    ('HIV', 'HIV-'), ('HPV', 'HPV negative'), ('+ve', '-ve'), ('HBsAg+ve', 'HBsAg-ve'),
    ('KRASmut', 'KRASwt'), ('KRAS', 'KRASwt'), ('positive', 'negative'),
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
   ('no edema', 'no mass'), ('left', 'right'),
   ('grade 1', 'grade 2'), ('1+', '2+'), ('1_0', '2_0'), ('type 1', 'type 2'), ('HSV-1', 'HSV-2'),
   ('type 0', 'type 1'), ('1', '2+'), ('HIV', 'HIV+'), ('negative', 'normal'),
   ('clear cell carcinoma', 'papillary carcinoma'),
   ('birth weight', 'low birth weight'), ('low EF', 'preserved EF'), ('headache', 'low back pain'),
   ('ascites', 'free fluid'), ('non-small cell', 'small cell'), ('nonsmall cell', 'small cell'),
   ('Hodgkin lymphoma', 'non-Hodgkin lymphoma'), ('stable angina', 'unstable angina'),
   ('ER+ PR-', 'ER- PR+'), ('lipoma', 'well-differentiated liposarcoma'),
   ('luminal', 'triple negative'), ('fungal', 'gram negative'),
   ('adenoma', 'sarcoma, not otherwise specified')],
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


@pytest.mark.parametrize(
  ('lower', 'higher'),
  [
    ('grade 9', 'grade 10'), ('T2', 'T10'), ('9 mm', '10 mm'), ('grade 9b', 'grade 9c'),
    ('stage 1.25', 'stage 1.5'), ('grade 2', 'grade 10 a'), (f'x{"9" * 400}', f'x{"9" * 5000}'),
  ],
)  # fmt: skip
def test_numbers_in_names_are_compared_as_numbers(lower, higher):
  for names in ([lower, higher], [higher, lower]):
    assert positive.of_two(names) == (higher, '')
