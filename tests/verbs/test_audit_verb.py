"""The verb ``audit`` on a folder of images, on a table, on a run and on new cases."""

import json
import shutil

import numpy as np
import PIL.Image
import pytest

import medjax
from experiments import lung_cnn, tabular_mlp
from medjax import sealed
from medjax.report import audit as summary
from medjax.workdir import Workdir

ROWS = ('--config.num_epochs=1', '--config.data.simulated_rows=240', '--config.explanation=none')


def call(module, *given, code=0):
  with pytest.raises(SystemExit) as done:
    medjax.main(module.Config(), module.build, given)
  assert done.value.code == code


def findings(folder, name='audit.json'):
  about, _ = sealed.read(folder / name)
  return {
    check['name']: [one for one in check['findings'] if not one['information']]
    for check in about['checks']
  }


@pytest.fixture(scope='module')
def study(tmp_path_factory):
  """Images with an exact copy in another split, a blank one, a torn one and a shared patient."""
  folder = tmp_path_factory.mktemp('study')
  random = np.random.default_rng(0)
  lines = ['file,label,patient,split,site']
  for i in range(60):
    small = PIL.Image.fromarray(random.integers(0, 200, (6, 6), np.uint8))
    small.resize((32, 32), 3).save(folder / f'{i:02d}.png')
    split = ('train', 'train', 'val', 'test')[i % 4]
    site = 'A' if (i // 2) % 10 else 'B'
    label = ('normal', 'ill')[(i // 4) % 2]
    lines.append(f'{i:02d}.png,{label},p{i},{split},{site}')
  shutil.copy(folder / '00.png', folder / 'copy.png')
  lines.append('copy.png,normal,p900,test,A')
  PIL.Image.new('L', (32, 32), 77).save(folder / 'blank.png')
  lines.append('blank.png,ill,p1,test,A')
  (folder / 'torn.png').write_bytes((folder / '01.png').read_bytes()[:60])
  lines.append('torn.png,ill,p902,train,A')
  (folder / 'labels.csv').write_text('\n'.join(lines) + '\n')
  return folder


def test_what_is_planted_in_a_folder_is_found_in_a_line_each(study, tmp_path, capsys):
  size = ('--config.data.image_size=32', '--config.data.channels=1')
  call(lung_cnn, 'audit', f'--config.data.source={study}', *size, f'--workdir={tmp_path}/new')
  out = capsys.readouterr().out.splitlines()
  found = findings(tmp_path / 'new')
  (torn, blank) = found['unreadable and blank cases']
  assert torn['rows'][0]['case'] == 'torn.png'
  assert 'cannot be read' in torn['line']
  assert [row['case'] for row in blank['rows']] == ['blank.png']
  rows = found['copies'][0]['rows']
  assert [{row['case'], row['copy']} for row in rows] == [{'00.png', 'copy.png'}]
  assert set(rows[0]['splits'].split(', ')) == {'train', 'test'}
  shared = next(one for one in found['groups and balance'] if 'more than one' in one['line'])
  assert {row['case'] for row in shared['rows']} >= {'01.png', 'blank.png'}
  count = sum(map(len, found.values()))
  assert sum(line.startswith('finding: ') for line in out) == count
  assert out[-1] == f'audit: {tmp_path}/new/audit.html'
  assert out[-2].startswith(f'{count} findings in 62 image files')
  page = (tmp_path / 'new' / 'audit.html').read_text()
  assert page.count('<img src="data:image/png') >= 3
  assert 'copy.png' in page
  assert 'http' not in page.split('</style>')[1]


def test_a_file_format_that_tells_the_label_is_found(tmp_path, capsys):
  random = np.random.default_rng(0)
  for i in range(60):
    folder = tmp_path / 'images' / ('normal', 'ill')[i % 2]
    folder.mkdir(parents=True, exist_ok=True)
    pixels = random.integers(0, 200, (6, 6), np.uint8)
    picture = PIL.Image.fromarray(pixels).resize((32, 32), 3)
    picture.save(folder / f'{i}.{"png" if i % 2 else "bmp"}')
  size = ('--config.data.image_size=32', '--config.data.channels=1')
  call(
    lung_cnn, 'audit', f'--config.data.source={tmp_path}/images', *size, f'--workdir={tmp_path}/a'
  )
  (found,) = findings(tmp_path / 'a')['shortcuts']
  assert found['line'].startswith('from column file format alone the label (ill) is told with')


@pytest.fixture(scope='module')
def run(tmp_path_factory):
  """A run that was audited before and after training."""
  folder = tmp_path_factory.mktemp('runs') / 'run'
  call(tabular_mlp, 'audit', *ROWS, f'--workdir={folder}')
  call(tabular_mlp, *ROWS, f'--workdir={folder}')
  return folder


def test_the_report_of_a_run_tells_the_audit_before_it(run):
  page = (run / 'report.html').read_text()
  assert 'Audit of the data' in page
  assert 'href="audit.html"' in page
  told = summary.read(Workdir(run))
  assert [one['line'] for one in told] == [
    one['line'] for found in findings(run).values() for one in found
  ]
  assert all(one['line'] in page for one in told)


def test_an_audit_that_is_damaged_or_of_other_data_is_named_in_the_report(run, tmp_path):
  folder = tmp_path / 'run'
  shutil.copytree(run, folder)
  about, _ = sealed.read(folder / 'audit.json')
  sealed.write(folder / 'audit.json', about, data='other')
  call(tabular_mlp, 'evaluate', f'--workdir={folder}')
  assert (
    'audit.json: is of other data than those of this run; run audit'
    in (folder / 'report.html').read_text()
  )
  (folder / 'audit.json').write_text(json.dumps(about))
  call(tabular_mlp, 'evaluate', '--again', f'--workdir={folder}')
  assert 'audit.json: has no digest' in (folder / 'report.html').read_text()
  call(tabular_mlp, 'audit', f'--workdir={folder}')  # settings are the run's
  assert findings(folder) == findings(run)
  assert 'is of other data' not in (folder / 'report.html').read_text()


def new_rows(run, path, moved):
  """Rows as those of training: every cell of a column as it may be, or all numbers moved."""
  stored = json.loads((run / 'data.json').read_text())['details']['preprocessing']['columns']
  random = np.random.default_rng(5)
  lines = [','.join(column['name'] for column in stored)]
  for _ in range(40):
    cells = []
    for column in stored:
      if column['kind'] == 'number':
        cells.append(str(random.choice(column['quantiles']) + moved * 3 * column['scale']))
      else:
        cells.append(str(random.choice(column['levels'])))
    lines.append(','.join(cells))
  path.write_text('\n'.join(lines) + '\n')
  return path


def test_drift_of_new_cases_is_found_where_they_are_moved(run, tmp_path, capsys):
  path = new_rows(run, tmp_path / 'moved.csv', moved=1)
  call(tabular_mlp, 'audit', str(path), f'--workdir={run}')
  (found,) = findings(run, 'audit-new.json')['drift']
  assert found['line'].startswith('new differs from train: a model tells them apart with AUROC')
  assert f'audit: {run}/audit-new.html' in capsys.readouterr().out
  about, _ = sealed.read(run / 'audit-new.json')
  assert about['cases'] == 40


def test_a_users_mistakes_are_one_line(run, tmp_path, capsys):
  for given, line in (
    (['audit', 'x.csv', f'--workdir={tmp_path}/none'], 'expected --workdir=RUN'),
    (['audit', f'{tmp_path}/x.csv', f'--workdir={run}'], 'x.csv'),
    (['audit', f'--workdir={run}', '--config.data.seed=3'], 'holds a run with config.data.seed=0'),
    (['audit', '--config.data.source=none.csv', f'--workdir={tmp_path}/b'], 'none.csv'),
  ):
    call(tabular_mlp, *given, code=2)
    (error,) = (e for e in capsys.readouterr().err.splitlines() if e.startswith('error'))
    assert line in error
  assert not (tmp_path / 'b' / 'audit.json').exists()


def test_a_damaged_config_of_the_run_is_named(run, tmp_path, capsys):
  folder = tmp_path / 'run'
  shutil.copytree(run, folder)
  config = json.loads((folder / 'config.json').read_text())
  (folder / 'config.json').write_text(json.dumps(config | {'batch_size': 7}))
  call(tabular_mlp, 'audit', f'--workdir={folder}', code=2)
  assert 'config.json' in capsys.readouterr().err
