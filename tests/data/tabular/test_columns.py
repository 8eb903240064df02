"""Columns that are no inputs, and what is said of those that are."""

import pytest
from made_table import COUNT, load_table, made_columns, splits_of, write_table

from medjax.errors import UserError


def loaded(tmp_path, **more):
  settings = more.pop('settings', {})
  columns = made_columns() | more
  return load_table(write_table(tmp_path / 'clinic.csv', columns), **settings)


@pytest.mark.parametrize(
  ('name', 'cells', 'why'),
  [
    ('record_id', [f'r{i}' for i in range(COUNT)], 'looks like a name of rows or patients'),
    ('StudyID', [str(i * i) for i in range(COUNT)], 'looks like a name of rows or patients'),
    ('mrn_old', [str(7 * i) for i in range(COUNT)], 'looks like a name of rows or patients'),
    ('Unnamed: 0', [str(i) for i in range(COUNT)], 'looks like a name of rows or patients'),
    ('nr', [str(i + 1) for i in range(COUNT)], 'looks like a name of rows or patients'),
    ('position', [str(COUNT - i) for i in range(COUNT)], 'counts the rows'),
    ('code', [str(52311 + 13 * i) for i in range(COUNT)], 'looks like a name of rows, all 60'),
    ('position', [f'{i + i // 5}' for i in range(COUNT)], 'counts the rows'),
    ('position', [f'{100 + 2 * (i * 7 % COUNT)}' for i in range(COUNT)], 'counts the rows'),
    ('position', [f'{i + 99 * (i // 20)}.0' for i in range(COUNT)], 'counts the rows'),
    ('code', [f'{123456 + 37 * (i * i)}.0' for i in range(COUNT)], 'a name of rows, all 60 being'),
    ('code', [str(95000 + 593 * (i * 7 % COUNT)) for i in range(COUNT)], 'a name of rows, all 60'),
    ('note', [f'seen {i}' for i in range(COUNT)], 'has 60 different texts in 60 rows'),
    ('visit', [f'2021-03-{i % 28 + 1:02d}' for i in range(COUNT)], "holds dates, such as '2021-0"),
    ('study', [f'2019{i % 12 + 1:02d}{i % 28 + 1:02d}' for i in range(COUNT)], 'holds dates, such'),
    ('seen', [f'{i % 12 + 1:02d}/2020' for i in range(COUNT)], "holds dates, such as '01/2020'"),
    (
      'op',
      [f'{i % 28 + 1:02d}.02.2020' if i % 5 else 'unbekannt' for i in range(COUNT)],
      "holds dates, such as '02.02.2020'",
    ),
    (
      'exam',
      [f'2019{i % 12 + 1:02d}03' if i % 9 else 'unbekannt' for i in range(COUNT)],
      "holds dates, such as '20190203'",
    ),
    ('OPDatum', [str(43210 + i % 50) for i in range(COUNT)], "dates as numbers, as 'OPDatum' says"),
    ('date of birth', [f'{21000 + 9 * i}.5' for i in range(COUNT)], 'holds dates as numbers, as'),
  ],
)
def test_names_of_rows_and_dates_are_no_inputs_and_it_is_said(tmp_path, name, cells, why):
  data = loaded(tmp_path, **{name: cells})
  assert not any(column.startswith(name) for column in data.details['inputs'])
  (note,) = [note for note in data.notes if note.startswith(f'column {name!r}')]
  assert why in note
  assert note.endswith(f'left out; config.data.keep={name} makes it an input')
  if name in ('StudyID', 'position', 'code'):
    data = loaded(tmp_path, **{name: cells}, settings={'keep': (name.lower(),)})
    assert data.details['inputs'][-1] == name


@pytest.mark.parametrize(
  ('name', 'cells'),
  [
    ('body_mass_index', [f'{20 + i / 7:.3f}' for i in range(COUNT)]),
    ('ward_id', [f'w{i % 4}' for i in range(COUNT)]),
    ('platelets', [str(1000 * (95 + 3 * i)) for i in range(COUNT)]),
    ('weight_g', [str(2000 + 37 * (i * 7 % COUNT)) for i in range(COUNT)]),
    ('INR', [str(i * i) for i in range(COUNT)]),
    ('case', [str(i % 2) for i in range(COUNT)]),
    ('visit', [str(i % 5) for i in range(COUNT)]),
    ('nodes_no', [str(i % 30) for i in range(COUNT)]),
    ('steroid', [str(i * i) for i in range(COUNT)]),
    ('platelets', [str(1000 * (150 + i % 40)) for i in range(COUNT)]),
    ('IDH', [['wt', 'mut'][i % 2] for i in range(COUNT)]),
    ('dose', [str(43210 + 1000 * (i % 30)) for i in range(COUNT)]),
    ('days_to_date', [str(20 + i % 50) for i in range(COUNT)]),
    ('year of birth date', [str(1960 + i % 50) for i in range(COUNT)]),
    ('titer', [f'1/{2 ** (i % 12)}' for i in range(COUNT)]),
    ('year', [str(1960 + i % 50) for i in range(COUNT)]),
  ],
)
def test_measurements_are_inputs_whatever_they_are_called(tmp_path, name, cells):
  assert any(
    column.startswith(name) for column in loaded(tmp_path, **{name: cells}).details['inputs']
  )


@pytest.mark.parametrize(
  'name',
  ['study_no', 'case number', 'Fallnummer', 'fallnr', 'encounter', 'case_no', 'visit',
   'chart', 'IDNR', 'case', 'studyid', 'recordid', 'FallNr', 'Aufnahmenummer',
   'sample no.', 'Slide', 'episode_id'],
)  # fmt: skip
def test_whole_numbers_that_are_all_different_name_rows_where_the_column_says_so(tmp_path, name):
  for cell in ('{}', '{}.0'):
    data = loaded(tmp_path, **{name: [cell.format(7 + i * i) for i in range(COUNT)]})
    assert not any(column.startswith(name) for column in data.details['inputs'])
    why = f'column {name!r} looks like a name of rows or patients (60 different of 60): left out'
    assert any(note.startswith(why) for note in data.notes)


def test_a_table_that_is_sorted_by_a_measurement_keeps_it_and_says_so(tmp_path):
  heights = [str(3 * i + i * i % 3) for i in range(COUNT)]
  data = loaded(tmp_path, height=heights)
  assert 'height' in data.details['inputs']
  assert (
    "column 'height' is an input, though its numbers, all different, are in the order of the rows: "
    'if it counts them, config.data.drop=height leaves it out'
  ) in data.notes
  left = loaded(tmp_path, height=list(map(str, range(COUNT))))
  assert 'height' not in left.details['inputs']
  assert not any('in the order of the rows' in note for note in left.notes)


@pytest.mark.parametrize('name', ['subject_id', 'MRN', 'Patient-ID', 'participant'])
def test_patients_are_found_under_another_name_however_they_are_spelled(tmp_path, name):
  spelled = [f'{"P" if i % 2 else "p"}{i // 2:03d}' for i in range(COUNT)]
  data = loaded(tmp_path, **{name: spelled})
  where = splits_of(data)
  for i in range(0, COUNT, 2):
    assert where[f'row-{i + 2}'] == where[f'row-{i + 3}']
  assert f'column {name!r} is taken for the patient: 30 in {COUNT} rows' in data.notes
  spelled = "30 of 30 groups are spelled in more than one way, such as 'p000' and 'P000'"
  assert any(note.startswith(spelled) for note in data.notes)
  assert len({g for split in data.splits.values() for g in split.group}) == 30
  assert not any('P0' in column or 'p0' in column for column in data.details['inputs'])


def test_a_patient_of_two_spellings_in_two_given_splits_is_refused(tmp_path):
  split = ['train'] * 40 + ['val'] * 10 + ['test'] * 10
  patient = [f'P{i}' for i in range(COUNT - 1)] + ['p0']
  with pytest.raises(UserError, match="1 groups are in two splits, the first 'P0' in train and te"):
    loaded(tmp_path, patient=patient, split=split)


def test_one_text_among_numbers_is_asked_about(tmp_path):
  ages = [*made_columns()['age'][:-1], 'unkown']
  with pytest.raises(UserError) as caught:
    loaded(tmp_path, age=ages)
  assert str(caught.value).endswith(
    "clinic.csv row 61: age is 'unkown', one of 1 texts among 59 numbers; expected a number, or "
    'config.data.missing=usual,unkown where it is missing, or config.data.categorical=age'
  )
  data = loaded(tmp_path, age=ages, settings={'missing': ('usual', 'unkown')})
  assert data.details['inputs'][:2] in (['age', 'age (missing)'], ['age', 'sex=m'])
  assert "column 'age' is one of numbers: missing: 1 unkown" in data.notes


def test_none_is_a_level_beside_empty_cells(tmp_path):
  alcohol = [['None', 'daily', ''][i % 3] for i in range(COUNT)]
  data = loaded(tmp_path, alcohol=alcohol)
  levels = [name for name in data.details['inputs'] if name.startswith('alcohol')]
  assert sorted(levels) == ['alcohol=(missing)', 'alcohol=None', 'alcohol=daily']
  assert (
    "column 'alcohol' is one of categories: missing: 20 empty; 'None' (20) is a category like "
    'others; config.data.missing=usual,None makes it missing'
  ) in data.notes
  joined = loaded(tmp_path, alcohol=alcohol, settings={'missing': ('usual', 'None')})
  assert [n for n in joined.details['inputs'] if n.startswith('alc')] == ['alcohol=daily']


def test_labels_that_are_mostly_numbers_are_asked_about(tmp_path):
  label = [f'{i / 4}' for i in range(COUNT - 1)] + ['high']
  with pytest.raises(
    UserError, match=r"holds 59 different numbers and 1 texts, such as 'high'; exp"
  ):
    loaded(tmp_path, label=label)
  with pytest.raises(UserError, match=r"holds 59 different numbers and 1 texts, such as '1e300'"):
    loaded(tmp_path, label=[*label[:-1], '1e300'])


def test_a_table_without_an_input_says_what_was_left_out(tmp_path):
  path = tmp_path / 'a.csv'
  path.write_text('record_id,label\n' + ''.join(f'{i},{"ab"[i % 2]}\n' for i in range(1, 30)))
  with pytest.raises(UserError) as caught:
    load_table(path)
  assert 'no column is left as an input: ' in str(caught.value)
  assert 'record_id' in str(caught.value)
  assert str(caught.value).endswith('; config.data.keep takes one')


@pytest.mark.parametrize('count', [10, 15, 40])
def test_texts_of_which_nearly_each_is_another_are_no_categories(tmp_path, count):
  columns = made_columns(count)
  columns |= {'finding': [f'{"ab"[i % 2]} seen {i // 2}' for i in range(count)]}
  # More than half of those that there are, although most are missing.
  columns |= {'remark': ['abcde'[i] if i < 5 else '' for i in range(count)]}
  columns |= {'stage': ['abc'[i] if i < 3 else '' for i in range(count)]}
  data = load_table(write_table(tmp_path / 'clinic.csv', columns))
  inputs = ' '.join(data.details['inputs'])
  assert 'finding' not in inputs
  assert 'remark' not in inputs
  assert 'stage=' in inputs
  assert (
    f"column 'finding' has {count} different texts in {count} rows, as 'a seen 0': left out; "
    'config.data.keep=finding makes it an input'
  ) in data.notes
  data = load_table(tmp_path / 'clinic.csv', keep=('finding',))
  assert any(name.startswith('finding=') for name in data.details['inputs'])
