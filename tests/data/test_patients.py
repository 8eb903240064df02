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
    ('1000', '1000,0', '1,000', "'01000", '1000.0'),
    ('P-001', 'P\u2011001', 'P_001', 'P\u20131', 'p-1'),
    ('P1', 'P01', 'P 001'),
  ],
)
def test_spellings_of_one_patient(names):
  assert len({patients.key(name) for name in names}) == 1
  found, notes = patients.one_each(names)
  assert found == [names[0]] * len(names)
  assert len(notes) == 1
  assert notes[0].startswith('1 of 1 groups are spelled in more than one way, such as ')


def test_patients_that_differ_stay_apart_and_nothing_is_said():
  names = ['P1', 'P11', 'P10', '1', '10', '100', '1.5', '1.50', '1.05', 'a-1', 'a1', 'b0', '1,5']
  assert patients.one_each(names) == (names, [])


@pytest.mark.parametrize(
  'name',
  [
    *('patient', 'Patient ID', 'subject_id', 'MRN', 'Pat.-Nr', 'eid', 'anon_patient_id', 'USUBJID'),
    *('patient_mrn', 'study_subject_id', 'patientid_2', 'Patienten-ID', 'Patientennummer', 'empi'),
    *('hospital number', 'Hospital No.', 'hosp_no', 'Krankenhausnummer', 'medical_record_number'),
    *('Pseudonym', 'PatNum', 'person_id', 'patient_id_hash', 'patientunitstayid'),
  ],
)
def test_columns_of_patients(name):
  assert patients.is_column(name)


@pytest.mark.parametrize(
  'name',
  [
    *('patients', 'inpatient', 'id', 'age', 'subjective', '', 'patient age', 'case', 'pt', 'pat'),
    *('person years', 'donor age', 'hospital', 'study', 'hospital_id', 'number of hospitals'),
    *('case number', 'case_no', 'Fallnummer', 'Aufnahmenummer'),  # of a stay, not of a person
  ],
)
def test_other_columns(name):
  assert not patients.is_column(name)
