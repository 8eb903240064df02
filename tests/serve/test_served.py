"""What is served beside one run: all runs of a cross-validation, and a file of export."""

import pytest
from made_server import call, make_served, rows_of

from experiments import tabular_mlp
from medjax.data import received
from medjax.errors import UserError
from medjax.serve.refused import RefusedError


@pytest.fixture(scope='module')
def several(tmp_path_factory):
  folder = tmp_path_factory.mktemp('several') / 'runs'
  call(
    tabular_mlp, 'crossval', '--config.data.folds=2', '--config.num_epochs=1',
    '--config.data.simulated_rows=120', f'--workdir={folder}',
  )  # fmt: skip
  return folder


def text_of(served):
  columns = served.experiment.data.modality.parts
  rows = [dict.fromkeys(columns, str(value)) for value in (1, 2.5, -3)]
  return '\n'.join([','.join(columns), *(','.join(row.values()) for row in rows)]) + '\n'


def check(served, folder, *flags):
  """Whether what is served is what ``predict`` writes."""
  text = text_of(served)
  (folder / 'new.csv').write_text(text)
  call(tabular_mlp, 'predict', f'{folder}/new.csv', *flags, f'--output={folder}/out.csv')
  parts = served.open_files({'new.csv': text.encode()}, received.Bounds(5))
  rows = served.predict(parts)
  expected = rows_of(folder / 'out.csv')
  assert list(expected[0]) == served.columns
  assert [{**row, 'file': ''} for row in rows] == [{**row, 'file': ''} for row in expected]
  with pytest.raises(RefusedError, match='too many rows in one request; expected at most 2'):
    served.open_files({'new.csv': text.encode()}, received.Bounds(2))


def test_runs_of_a_crossval_answer_together(several, tmp_path):
  served = make_served(tabular_mlp, several)
  assert served.name == 'tabular_mlp of 2 runs'
  served.warm()
  check(served, tmp_path, f'--workdir={several}')
  assert 'spread' in served.numbers
  values = [dict.fromkeys(served.experiment.data.modality.parts, 1)]
  (part,) = served.open_json(values, received.Bounds(5))
  assert served.cells(served.predict([part])[0], part)['spread'] >= 0
  with pytest.raises(UserError, match='--method: runs together explain nothing'):
    make_served(tabular_mlp, several, '--method=lime')


def test_a_file_of_export_answers(table_run, tmp_path):
  path = tmp_path / 'model.medjax'
  call(tabular_mlp, 'export', f'--workdir={table_run}', f'--output={path}')
  served = make_served(tabular_mlp, table_run, f'--model={path}')
  served.warm()
  check(served, tmp_path, f'--model={path}')
  assert served.explainer is None
