"""Which columns say who somebody is, in the words of several languages, and which do not."""

import pytest

from medjax.data import personal


@pytest.mark.parametrize(
  ('name', 'kind'),
  [
    ('Nachname', 'names'), ('patient_last_name', 'names'), ('Prénom', 'names'), ('nom', 'names'),
    ('Apellido 1', 'names'), ('Geburtsdatum', 'birth'), ('date of birth', 'birth'),
    ('Date_de_naissance', 'birth'), ('fecha de nacimiento', 'birth'), ('DOB', 'birth'),
    ('E-Mail', 'e-mail'), ('Telefon-Nr.', 'telephone'), ('home_address', 'places'),
    ('PatientStraße', 'places'), ('PLZ', 'places'), ('zip_code', 'places'), ('SSN', 'numbers'),
    ('KIS-Nr', 'numbers'), ('Medical Record Number', 'numbers'), ('MRN', 'numbers'),
    ('Versichertennummer', 'numbers'),
  ],
)  # fmt: skip
def test_by_name(name, kind):
  assert kind in personal.why(name, ['abc', 'def'])


@pytest.mark.parametrize(
  'name',
  ['tissue', 'report', 'sort', 'city_distance', 'peso_nacimiento', 'comfort', 'capacity', 'NIR',
   'stage', 'insurance', 'mobility', 'phoneme', 'tel_score', 'birth_weight', 'CPR', 'hospital'],
)  # fmt: skip
def test_measurements_are_none(name):
  assert personal.why(name, ['1.5', '2.5', '7']) == ''


def test_yes_and_no_say_nobody():
  assert personal.why('email', ['yes', 'no', 'yes']) == ''
  assert personal.why('address', ['0', '1']) == ''


@pytest.mark.parametrize(
  ('cells', 'kind'),
  [
    (['a@b.org'] + ['x'] * 9, 'e-mail addresses'),
    (['123-45-6789'] + ['none'] * 9, 'social security numbers'),
    (['+49 221 123456', '0221/123456', '(555) 123-4567'], 'telephone numbers'),
    (['A123456789', 'B123456780'], 'numbers of health insurance'),
    (['https://x.org/a', 'www.y.de'], 'web addresses'),
    (['10.0.0.1', '192.168.1.20'], 'addresses of computers'),
    (['123.4567', '555.1234'], ''),
    (['120/80', '135/90'], ''),
    (['2020-03-01', '2020-04-01'], ''),
    (['1-2', '3-4'], ''),
    (['9 mg', '10 mg'], ''),
  ],
)  # fmt: skip
def test_by_cells(cells, kind):
  assert personal.by_cells(cells) == kind


def test_old_ages_are_counted():
  assert personal.oldest('Alter', ['40', '90', '93', 'unknown']) == 2
  assert personal.oldest('age (days)', ['93', '4000']) == 0
  assert personal.oldest('stage', ['95']) == 0
