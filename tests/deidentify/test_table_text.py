"""Tables of careless exports: which columns stay, and that nothing of the others does."""

import csv
import io
import pathlib

import pytest

from medjax.deidentify import table_text
from medjax.deidentify.keyed import Keyed
from medjax.errors import UserError

KEYED = Keyed(b'a key of tests, which is no secret')
TABLE = """Patienten-ID;Name;Prénom;Geburtsdatum;Telefon;Kontakt;PLZ;SV;Alter;CRP;Visite;Ward;Befund
0017;Zweig;Paula;07.04.1930;0221-1234;p@zweig.de;50667;123-45-6789;93;1.5;01.03.2020;A;wie Zweig
17;Zweig;Paula;07.04.1930;0221-1234;p@zweig.de;50667;123-45-6789;94;2.5;11.03.2020;B;kein Befund
18;Eiche;Karl;01.01.1950;0221-9999;k@eiche.de;50668;123-45-6780;70;=1+1;05.05.2020;A;Eiche
"""


def cleaned(text=TABLE, **asked):
  out, done, _ = table_text.deidentify(text, pathlib.Path('a.csv'), KEYED, {}, **asked)
  return list(csv.DictReader(io.StringIO(out))), done, out


def test_who_somebody_is_is_left_out():
  rows, done, out = cleaned()
  assert list(rows[0]) == ['Patienten-ID', 'Alter', 'CRP', 'Ward']
  for word in ('Zweig', 'Paula', '1930', '0221', '50667', '123-45', '@', 'Eiche', '01.03.2020'):
    assert word not in out
    assert word not in repr(done)
  assert rows[0]['Patienten-ID'] == rows[1]['Patienten-ID'] == KEYED.patient('17')
  assert rows[2]['Patienten-ID'] != rows[0]['Patienten-ID']
  assert [row['Alter'] for row in rows] == ['90', '90', '70']
  assert rows[2]['CRP'] == "'=1+1"
  assert done['Kontakt'] == 'left out: looks like one of e-mail addresses'
  assert done['SV'] == 'left out: looks like one of social security numbers'
  assert done['Geburtsdatum'] == 'left out: looks like one of dates of birth'
  assert done['Befund'].startswith('left out: repeats')


def test_dates_move_as_in_images_and_columns_can_be_kept():
  rows, done, _ = cleaned(keep_dates=True, keep=['PLZ'])
  assert rows[0]['Visite'] == KEYED.moved('2020-03-01', '17')
  assert rows[0]['Visite'] < rows[1]['Visite']
  assert rows[0]['PLZ'] == '50667'
  assert 'PLZ' not in done
  assert 'Geburtsdatum' not in rows[0]


def test_dates_without_a_patient_are_left_out():
  text = 'visit,x\n2020-03-01,1\n2020-03-02,2\n'
  rows, done, _ = cleaned(text, keep_dates=True)
  assert list(rows[0]) == ['x']
  assert 'no column says of which patient' in done['visit']
  unclear = 'patient,visit,x\na,03/01/2020,1\nb,03/02/2020,2\n'
  assert 'cannot be told' in cleaned(unclear, keep_dates=True)[1]['visit']


def test_names_of_files_become_those_of_the_copies():
  text = 'file,label\nzweig/a.dcm,1\nb.dcm,0\n'
  new = {'zweig/a.dcm': 'image-1.dcm', 'b.dcm': 'image-2.dcm'}
  out, done, _ = table_text.deidentify(text, pathlib.Path('a.csv'), KEYED, new)
  assert out == 'file,label\r\nimage-1.dcm,1\r\nimage-2.dcm,0\r\n'
  assert done == {'file': 'names of files replaced'}


def test_free_texts_and_record_numbers_are_left_out():
  lines = [f'{4711000 + 37 * i},text number {i} of somebody,{i % 2}' for i in range(30)]
  rows, done, _ = cleaned('Fallnummer,Arztbrief,label\n' + '\n'.join(lines))
  assert list(rows[0]) == ['label']
  assert done['Fallnummer'] == 'left out: looks like names of rows or records'
  assert 'texts' in done['Arztbrief']


def test_nothing_left_and_nothing_there_are_one_line():
  with pytest.raises(UserError, match=r'a\.csv: every column says who somebody is; --keep=COLUMN'):
    cleaned('Name\nPaula\nKarl\n')
  with pytest.raises(UserError, match='has no rows'):
    cleaned('Name,Alter\n')
