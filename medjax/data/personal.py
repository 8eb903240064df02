"""Columns that say who or where somebody is: by their names in several languages, and by cells.

What HIPAA's Safe Harbor (45 CFR 164.514(b)(2)) lists and a table can hold: names, places smaller
than a state, dates of birth, numbers of telephones, e-mail and web addresses, numbers of social
security, insurance and records.
"""

import re
import unicodedata
from collections.abc import Sequence

from medjax.data import numerals

OLDEST = 89
"""Years; who is older is one of few (HIPAA's Safe Harbor, 45 CFR 164.514(b)(2)(i)(C))."""

_KINDS = {
  'names of people': (
    'surname', 'lastname', 'firstname', 'forename', 'fullname', 'givenname', 'familyname',
    'middlename', 'maidenname', 'nachname', 'vorname', 'vornamen', 'familienname', 'geburtsname',
    'rufname', 'prenom', 'nomdefamille', 'nomdenaissance', 'nompatient', 'nom', 'apellido',
    'apellidos', 'nombre', 'nombres', 'cognome', 'sobrenome', 'apelido', 'voornaam', 'achternaam',
    'patientname', 'patientenname', 'initialen', 'initials',
  ),
  'e-mail addresses': ('email', 'mail', 'emailaddress', 'correo', 'courriel', 'emailadresse'),
  'telephone numbers': (
    'phone', 'phonenumber', 'telephone', 'tel', 'telnr', 'telefon', 'telefonnummer', 'telefono',
    'telefone', 'telefoon', 'cellphone', 'mobilephone', 'mobilnummer', 'handynummer', 'handy',
    'mobiltelefon', 'fax', 'faxnumber', 'faxnummer',
  ),
  'places': (
    'address', 'adresse', 'anschrift', 'street', 'strasse', 'hausnummer', 'housenumber', 'rue',
    'calle', 'direccion', 'domicilio', 'indirizzo', 'endereco', 'adres', 'zip', 'zipcode', 'plz',
    'postcode', 'postleitzahl', 'postalcode', 'codepostal', 'codigopostal', 'city', 'town', 'ort',
    'wohnort', 'stadt', 'ville', 'ciudad', 'municipality', 'latitude', 'longitude', 'geburtsort',
    'birthplace', 'placeofbirth',
  ),
  'dates of birth': (
    'dob', 'dateofbirth', 'birthdate', 'birthday', 'birthdays', 'datebirth', 'geburtsdatum',
    'geburtstag', 'gebdatum', 'gebdat', 'datenaissance', 'datedenaissance', 'ddn',
    'fechanacimiento', 'fechadenacimiento', 'datadinascita', 'datanascita', 'datadenascimento',
    'datanascimento', 'geboortedatum',
  ),
  'numbers of persons or records': (
    'ssn', 'socialsecurity', 'socialsecuritynumber', 'nino', 'nhsnumber', 'kvnr', 'kvnummer',
    'krankenversicherungsnummer', 'versichertennummer', 'versichertennr', 'versicherungsnummer',
    'insurancenumber', 'insuranceid', 'policynumber', 'sozialversicherungsnummer', 'svnr',
    'rentenversicherungsnummer', 'passport', 'passportnumber', 'reisepass', 'ausweisnummer',
    'steuerid', 'iban', 'mrn', 'medicalrecordnumber', 'krankenaktennummer', 'kisnr', 'kisnummer',
    'kisid', 'numerosecu', 'numerosecuritesociale', 'numerohistoria', 'historiaclinica',
    'codicefiscale', 'cpf', 'curp', 'bsn', 'personnummer', 'licenseplate', 'kennzeichen',
  ),
}  # fmt: skip
_NAMED = {name: kind for kind, names in _KINDS.items() for name in names}
# What may follow a word without changing what it is about.
_NUMBERED = frozenset({'name', 'number', 'nummer', 'nr', 'no', 'num', 'id', 'code', 'line'})
_BIRTH = 'dates of birth'
_NO_AGE = 130
_YES = frozenset(
  {'0', '1', 'yes', 'no', 'true', 'false', 'ja', 'nein', 'y', 'n', 'j', 'oui', 'non'}
)
_CELLS = (
  ('e-mail addresses', 0.1, r'[^@\s]+@[^@\s]+\.[A-Za-z]{2,}'),
  ('social security numbers', 0.1, r'\d{3}-\d{2}-\d{4}'),
  ('numbers of health insurance', 0.5, r'[A-Z]\d{9}'),
  ('web addresses', 0.5, r'(https?://|www\.)\S+'),
  ('addresses of computers', 0.5, r'(\d{1,3}\.){3}\d{1,3}'),
  (
    'telephone numbers', 0.5,
    r'(\+|00)\d{1,3}[ ()/.-]*\d[\d ()/.-]{5,}|\(0?\d{2,5}\) ?\d[\d /-]{4,}'
    r'|0\d{2,5}[ /-]\d[\d -]{4,}|(\d{3}-)?\d{3}-\d{4}',
  ),
)  # fmt: skip
_PATTERNS = tuple((kind, share, re.compile(pattern)) for kind, share, pattern in _CELLS)


def why(name: str, cells: Sequence[str]) -> str:
  """What a column says of people, such as 'telephone numbers'; '' where it seems to say nothing.

  Args:
    name: of the column.
    cells: that are not missing.

  Example:
    >>> why('Geburtsdatum', ['1.2.1950']), why('Prénom', ['Ana']), why('x', ['123-45-6789'])
    ('dates of birth', 'names of people', 'social security numbers')
    >>> why('has_email', ['0', '1']), why('city_distance', ['3.5', '12'])
    ('', '')
  """
  if not cells or {cell.casefold() for cell in cells} <= _YES:
    return ''
  kind = _by_name(name)
  if kind == _BIRTH and all(numerals.real(cell) is not None for cell in cells):
    kind = ''  # of years, weights or counts; numbers that are dates look like dates
  return kind or by_cells(cells)


def by_cells(cells: Sequence[str]) -> str:
  """As ``why``, from cells alone: what most of them look like, or a tenth where it is unmistakable.

  Example:
    >>> by_cells(['a@b.org', '']), by_cells(['1.5', '2'])
    ('e-mail addresses', '')
  """
  for kind, share, pattern in _PATTERNS:
    found = sum(bool(pattern.fullmatch(cell.strip())) for cell in cells)
    if found and found >= share * len(cells):
      return kind
  return ''


def is_age(name: str) -> bool:
  """Whether a column is called one of ages in years.

  Example:
    >>> is_age('Alter'), is_age('age_at_diagnosis'), is_age('stage'), is_age('age_group')
    (True, True, False, False)
  """
  found = words(name)
  ages = {'age', 'ages', 'alter', 'edad', 'eta', 'idade', 'leeftijd', 'patientage'}
  return bool(ages & set(found)) and not {'group', 'gruppe', 'gestational'} & set(found)


def oldest(name: str, cells: Sequence[str]) -> int:
  """How many cells of a column of ages, as its name says, are over ``OLDEST`` years.

  A column with numbers over 130 is none of years, and counts as none.

  Example:
    >>> oldest('age', ['40', '93']), oldest('age_days', ['93', '4000'])
    (1, 0)
  """
  if not is_age(name):
    return 0
  years = [number for cell in cells if (number := numerals.real(cell)) is not None]
  return 0 if max(years, default=0) > _NO_AGE else sum(number > OLDEST for number in years)


def _by_name(name: str) -> str:
  found = words(name)
  while found:
    # The last words say what it is: the "city distance" is a distance, the "patient city" a city.
    for first in range(len(found)):
      if kind := _NAMED.get(''.join(found[first:])):
        return kind
    if found[-1] not in _NUMBERED:
      break
    found = found[:-1]
  return ''


def words(name: str) -> list[str]:
  """The words in the name of a column, in lower case, without accents.

  Example:
    >>> words('Prénom'), words('PatientStraße_2')
    (['prenom'], ['patient', 'strasse'])
  """
  plain = unicodedata.normalize('NFKD', name.replace('ß', 'ss').replace('ẞ', 'SS'))
  plain = ''.join(c for c in plain if not unicodedata.combining(c))
  apart = re.sub(r'(?<=[a-z])(?=[A-Z])', ' ', plain)
  return re.findall(r'[a-z]+', apart.lower())
