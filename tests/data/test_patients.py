"""Who is the same patient."""

import pytest

from medjax.data import patients


@pytest.mark.parametrize(
  'names',
  [
    ('P001', 'p001', ' P001 ', 'P 001', '\uff30001'),
    ('12', '12.0', '012', '0012.00', ' 12'),
    ('M\u00fcller', 'Mu\u0308ller', 'M\u00dcLLER', 'm\u00fcller\u200b'),
    ('0', '000', '0.0'),
  ],
)
def test_spellings_of_one_patient(names):
  assert len({patients.key(name) for name in names}) == 1
  found, notes = patients.one_each(names)
  assert found == [names[0]] * len(names)
  assert len(notes) == 1
  assert notes[0].startswith('1 of 1 groups are spelled in more than one way, such as ')


def test_patients_that_differ_stay_apart_and_nothing_is_said():
  names = ['P1', 'P01', 'P10', '1', '10', '1.5', '1.50', 'a-1', 'a1']
  assert patients.one_each(names) == (names, [])


@pytest.mark.parametrize('name', ['patient', 'Patient ID', 'subject_id', 'MRN', 'Pat.-Nr', 'eid'])
def test_columns_of_patients(name):
  assert patients.is_column(name)


@pytest.mark.parametrize('name', ['patients', 'inpatient', 'id', 'age', 'subjective', ''])
def test_other_columns(name):
  assert not patients.is_column(name)
