"""The verbs ``validate`` and ``plan`` on tables."""

import csv
import json
import shutil

import numpy as np
import pytest

import medjax
from experiments import tabular_mlp
from medjax import sealed
from medjax.data.simulate import clinic
from medjax.workdir import Workdir


def call(*given, code=0):
  with pytest.raises(SystemExit) as done:
    medjax.main(tabular_mlp.Config(), tabular_mlp.build, given)
  assert done.value.code == code


def write(path, made):
  with open(path, 'w', newline='', encoding='utf-8') as file:
    writer = csv.DictWriter(file, list(made[0]))
    writer.writeheader()
    writer.writerows(made)
  return str(path)


@pytest.fixture(scope='module')
def study(tmp_path_factory):
  """A run, and other sites: like it, with shuffled labels, and with other names."""
  folder = tmp_path_factory.mktemp('sites')
  own = [{**row, 'patient': f'p{i}'} for i, row in enumerate(clinic.simulate(0, 500))]
  write(folder / 'own.csv', own)
  like = [
    {**row, 'patient': f'q{i}', 'ward': 'AB'[i % 2], 'split': 'x'}
    for i, row in enumerate(clinic.simulate(1, 400))
  ]
  order = np.random.default_rng(0).permutation(len(like))
  odd = [{**row, 'label': like[i]['label']} for row, i in zip(like, order, strict=True)]
  copied = [{**row, 'ward': 'C', 'split': 'x'} for row in own[:30]]
  write(folder / 'odd.csv', odd + copied)
  write(folder / 'few.csv', like[:15])
  call(
    f'--config.data.source={folder}/own.csv',
    '--config.num_epochs=8',
    '--config.explanation=none',
    f'--workdir={folder}/run',
  )
  return folder


def validate(study, source, *given, code=0):
  call('validate', str(study / source), f'--workdir={study}/run', *given, code=code)


def found(study, name):
  workdir = Workdir(study / 'run')
  return workdir.read(workdir.validation(name) / 'validation.json')


def test_labels_at_random_do_not_carry_over_and_recalibration_does_not_help(study, capsys):
  before = (study / 'run' / 'decision.json').read_bytes()
  validate(study, 'odd.csv')
  out = capsys.readouterr().out
  assert 'The model does not carry over to odd: AUROC is 0.' in out
  assert 'it does not repair the model' in out
  value = found(study, 'odd')
  assert value['verdict']['carries'] is False
  assert abs(value['metrics']['auroc']['value'] - 0.5) < 0.1
  assert value['differences']['auroc']['high'] < 0
  # Copies of the run's own cases are named and do not count.
  assert len(value['copies']) == 30
  assert value['cases'] == 400
  assert any('30 cases are the same as cases of the run' in note for note in value['notes'])
  assert value['columns_of_one'] == 'ward, split only there'
  # The run is as it was.
  assert (study / 'run' / 'decision.json').read_bytes() == before
  assert value['metrics']['threshold']['value'] == json.loads(before)['threshold']['value']
  assert list(value['updates']['cost']) == [
    row['name'] for row in value['updates']['rows'] if row['name'] != 'as frozen'
  ]
  frozen, line = (value['updates']['rows'][i]['metrics'] for i in (0, 2))
  assert line['log_loss']['value'] < frozen['log_loss']['value']
  intercept = line['calibration_intercept']
  assert intercept['low'] < 0 < intercept['high']


def test_the_page_the_report_and_the_card_say_it(study):
  validate(study, 'odd.csv', f'--output={study}/page.html')
  page = (study / 'page.html').read_text()
  for heading in (
    'The model does not carry over to odd',
    'All metrics beside those of development',
    'Would recalibration repair it?',
    'What it costs in cases',
    'Are these other cases?',
    'Does it work for everyone?',
    'Decision curve',
    'ward: A',
  ):
    assert heading in page
  assert 'http' not in page.replace('http://www.w3.org', '').replace('https://www.w3.org', '')
  report = (study / 'run' / 'report.html').read_text()
  assert 'At other sites' in report
  assert 'The model does not carry over to odd' in report
  card = (study / 'run' / 'card.md').read_text()
  assert '| External validation: odd | The model does not carry over' in card
  table = (study / 'run' / 'validation' / 'odd' / 'predictions.csv').read_text().splitlines()
  assert len(table) == 401


def test_codes_of_missing_values_and_names_in_capitals_are_noticed(study, capsys):
  with open(study / 'few.csv', newline='', encoding='utf-8') as file:
    rows = [{name.upper(): cell for name, cell in row.items()} for row in csv.DictReader(file)]
  rows[3]['AGE'] = '-999'
  write(study / 'codes.csv', [{**row, 'label': row['LABEL']} for row in rows])
  validate(study, 'codes.csv')
  line = next(n for n in found(study, 'codes')['notes'] if 'far from all training rows' in n)
  assert line.startswith('numbers far from all training rows in 1 rows, the first row 5: ')
  assert 'AGE -999' in line or 'age -999' in line


def test_a_site_with_one_class_has_what_that_class_can_say(study, capsys):
  with open(study / 'odd.csv', newline='', encoding='utf-8') as file:
    rows = [row for row in csv.DictReader(file) if row['label'] == 'healthy' and row['ward'] != 'C']
  write(study / 'healthy.csv', rows)
  validate(study, 'healthy.csv')
  assert 'sensitivity: undefined (there is no positive case)' in capsys.readouterr().out
  value = found(study, 'healthy')
  assert 'no case of disease there' in value['notes']
  assert 0 < value['metrics']['specificity']['value'] < 1
  assert value['verdict']['carries'] is not True


def test_few_cases_are_not_enough_to_say(study, capsys):
  validate(study, 'few.csv')
  assert 'cannot be said' in capsys.readouterr().out
  value = found(study, 'few')
  assert value['verdict']['carries'] is None
  assert value['updates']['problem'] == 'needs 40 cases, and there are 15'


def test_a_site_without_the_data_of_the_run_is_judged_all_the_same(study, tmp_path, capsys):
  shutil.copytree(study / 'run', tmp_path / 'run')
  shutil.move(study / 'own.csv', tmp_path / 'kept.csv')
  try:
    call('validate', str(study / 'odd.csv'), f'--workdir={tmp_path}/run')
  finally:
    shutil.move(tmp_path / 'kept.csv', study / 'own.csv')
  shown = capsys.readouterr()
  assert 'report.html is as it was' in shown.err
  workdir = Workdir(tmp_path / 'run')
  value = workdir.read(workdir.validation('odd') / 'validation.json')
  assert value['cases'] == 430  # nobody could know the copies
  assert value['not_compared'] == 'the data of the run are not at hand'
  assert 'own.csv' in value['notes'][-1]


def test_a_validation_of_an_earlier_evaluation_is_not_shown_as_of_this_one(study, tmp_path, capsys):
  shutil.copytree(study / 'run', tmp_path / 'run')
  call('validate', str(study / 'few.csv'), f'--workdir={tmp_path}/run')
  call('evaluate', f'--workdir={tmp_path}/run', '--config.coverage=0.8')
  report = (tmp_path / 'run' / 'report.html').read_text()
  assert 'is of an earlier evaluation of this run; run validate again' in report
  call('validate', str(study / 'few.csv'), f'--workdir={tmp_path}/run')
  report = (tmp_path / 'run' / 'report.html').read_text()
  assert 'cannot be said' in report


@pytest.mark.parametrize(
  ('source', 'message'),
  [
    ('own.csv', 'no case is left to judge: all are copies of cases of the run'),
    ('none.csv', 'none.csv: no such file'),
  ],
)
def test_what_cannot_be_judged_is_one_line(study, capsys, source, message):
  validate(study, source, code=2)
  assert message in capsys.readouterr().err


def test_words_and_folders_that_are_missing(study, capsys):
  call('validate', f'--workdir={study}/run', code=2)
  assert 'expected one source' in capsys.readouterr().err
  call('validate', 'x', f'--workdir={study}/nothing', code=2)
  assert 'no run here' in capsys.readouterr().err


def test_patients_on_both_sides_are_paired(study):
  with open(study / 'own.csv', encoding='utf-8') as file:
    own = list(csv.DictReader(file))
  again = [{**row, 'age': f'{float(row["age"] or 60) + 0.25:.2f}'} for row in own]
  write(study / 'again.csv', again)
  validate(study, 'again.csv')
  value = found(study, 'again')
  assert not value['copies']
  assert any('patients are called as patients of the test split' in n for n in value['notes'])
  assert value['differences']['auroc']['reason'] == 'paired by group (jackknife)'


def test_plan_prints_and_writes_what_the_criteria_ask_for(tmp_path, capsys):
  call(
    'plan', '--parameters=24', '--prevalence=0.174', '--r2=0.288', '--auroc=0.89',
    f'--output={tmp_path}/plan.json',
  )  # fmt: skip
  out = capsys.readouterr().out
  assert 'development: 662 cases, 116 of them positive' in out
  value, _ = sealed.read(tmp_path / 'plan.json')
  assert value['development']['cases'] == 662
  assert [one['cases'] for one in value['development']['criteria']] == [623, 662, 221]
  assert value['given']['parameters'] == 24
  call('plan', '--outcome=number', '--parameters=25', '--r2=0.2', '--mean=1.9', '--sd=0.6')
  assert 'development: 918 cases\n' in capsys.readouterr().out
  call('plan', '--prevalence=0.018', '--auroc=0.8', '--lp_mean=-5', '--lp_sd=2.5')
  assert 'AUROC 0.8, width 0.1' in capsys.readouterr().out
  assert not list(tmp_path.glob('runs'))


@pytest.mark.parametrize(
  ('given', 'message'),
  [
    ((), 'expected --parameters=N for the size of a development, --prevalence and --auroc'),
    (('--outcome=rare',), '--outcome=rare: expected one of binary, survival, number'),
    (('--parameters=3',), 'plan: expected --prevalence too'),
    (('--auroc=0.8',), 'plan: expected --prevalence too'),
    (('--auroc=0.5', '--prevalence=0.1'), '--auroc=0.5: expected more than 0.5'),
    (('--auroc=nan', '--prevalence=0.1'), '--auroc=nan: expected a number'),
    (('--prevalence=10',), '--prevalence=10: expected more than 0 and less than 1'),
    (('--outcome=survival', '--auroc=0.8'), '--auroc: is of --outcome=binary, not of survival'),
    (('--outcome=survival', '--rate=-1'), '--rate=-1: expected more than 0'),
    (('--parameters=0',), '--parameters'),
    (('--outcome=number', '--parameters=3'), 'plan: expected --r2 too'),
    (('--auroc=0.8', '--prevalence=0.1', '--lp_mean=1'), 'plan: expected --lp_sd too'),
    (('--auroc=high',), '--auroc=high'),
  ],
)
def test_what_plan_cannot_do_is_one_line(given, message, capsys):
  call('plan', *given, code=2)
  err = capsys.readouterr().err
  assert message in err
  assert err.count('\n') == 1
