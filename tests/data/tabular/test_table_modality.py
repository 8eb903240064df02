"""New rows, read with what a run fitted to its own."""

import numpy as np
import pytest
import reseal
from made_table import COUNT, inputs_of, load_table, made_columns, write_table

from medjax.errors import UserError


def test_new_files_are_read_with_what_data_json_keeps(tmp_path):
  columns = made_columns()
  data = load_table(write_table(tmp_path / 'clinic.csv', columns))
  (tmp_path / 'clinic.csv').unlink()
  again = load_table('', stored=reseal.described(tmp_path, data))
  assert again.splits == {}
  for name in ('name', 'classes', 'fingerprint', 'simulated', 'input_shape', 'details'):
    assert getattr(again, name) == getattr(data, name)
  new = {k: cells for k, cells in columns.items() if k != 'label'}
  path = write_table(tmp_path / 'new.csv', dict(reversed(new.items())), ';', 'utf-8-sig')
  cases = again.modality.open([path])
  assert [case.name for case in cases] == [f'{path} row {i + 2}' for i in range(COUNT)]
  inputs = inputs_of(data)
  for i, case in enumerate(cases):
    np.testing.assert_array_equal(case.load()['values'], inputs[f'row-{i + 2}'], strict=True)


def test_what_is_wrong_with_new_rows_is_said_for_each(tmp_path):
  data = load_table(write_table(tmp_path / 'clinic.csv', made_columns()))
  good, bad = tmp_path / 'new.csv', tmp_path / 'bad.csv'
  good.write_text('age,sex,site\n50,f,north\nold,f,north\n50,?,west\n,m,\n')
  bad.write_text('age,sex\n50,f\n')
  found = []
  for case in data.modality.open([str(good), str(bad), str(tmp_path / 'none.csv'), str(tmp_path)]):
    try:
      found.append(case.load()['values'])
    except UserError as error:
      found.append(str(error))
  assert found[1] == f"{good} row 3: age is 'old'; expected a number"
  age = data.details['preprocessing']['columns'][0]
  levels = {name: i for i, name in enumerate(data.details['inputs'])}
  assert found[0][0] == pytest.approx((50 - age['mean']) / age['scale'], abs=1e-6)
  assert found[0][levels['site=north']] == 1
  assert found[2][1:].tolist() == [0] * (len(levels) - 1)  # two texts that no training row has
  assert found[3][0] == pytest.approx((age['median'] - age['mean']) / age['scale'], abs=1e-6)
  assert found[3][levels['site=(missing)']] == 1
  assert found[4] == f"{bad} row 2: no column 'site'; the model was trained with it"
  assert found[5].endswith('none.csv: no such file; expected a CSV file')
  assert 'cannot be read: Is a directory; expected a CSV file' in found[6]


@pytest.mark.parametrize(
  ('trained', 'new', 'message'),
  [
    ('{:.3f}', '50%', "share is '50%'; expected a number as the training table wrote them"),
    ('{:.1%}', '0.5', r"share is '0.5'; expected .* such as 1234.5%"),
    ('{:.3f}', '0,500', r"share is '0,500'; expected .* such as 1234.5"),
  ],
)
def test_a_new_row_in_another_way_of_writing_is_refused_alone(tmp_path, trained, new, message):
  shares = [trained.format((i + 9) / 70) for i in range(COUNT)]
  data = load_table(write_table(tmp_path / 'clinic.csv', made_columns() | {'share': shares}))
  data = load_table('', stored=reseal.described(tmp_path, data))
  columns = made_columns(count=3) | {'share': [shares[0], new, shares[2]]}
  cases = data.modality.open([write_table(tmp_path / 'new.csv', columns)])
  share = data.details['inputs'].index('share')
  for i in (0, 2):
    assert (
      cases[i].load()['values'][share]
      == inputs_of(load_table(tmp_path / 'clinic.csv'))[f'row-{i + 2}'][share]
    )
  with pytest.raises(UserError, match=f'row 3: {message}'):
    cases[1].load()
