"""Explanations of the default experiment, shrunk: files, grades, the report, and mistakes."""

import csv
import json
import shutil

import numpy as np
import pytest
import reseal
from lung import SMALL, error
from PIL import Image

from medjax.explain import images as methods

METHODS = dict(methods.METHODS)


@pytest.mark.parametrize('method', sorted(METHODS))
def test_explain_writes_a_picture_an_array_and_a_row(trained, command, tmp_path, method):
  folder = tmp_path / 'images'
  (folder / 'again').mkdir(parents=True)
  pixels = np.random.default_rng(0).integers(0, 255, (60, 60), np.uint8)
  for name in ('a.png', 'again/a.png'):
    Image.fromarray(pixels).save(folder / name)
  (folder / 'broken.png').write_bytes(b'no image')
  code, out, _ = command(
    'explain', str(folder), f'--workdir={trained}', '--output=seen', f'--method={method}'
  )
  assert code == 0
  assert f'2 explained by {method}, 1 could not be read' in out
  with open('seen/explanations.csv') as file:
    rows = list(csv.DictReader(file))
  assert [bool(row['error']) for row in rows] == [False, False, True]
  arrays = [np.load(row['array']) for row in rows[:2]]
  np.testing.assert_allclose(arrays[0], arrays[1], rtol=1e-4, atol=1e-5)
  assert arrays[0].shape[:2] == (48, 48)
  assert np.isfinite(arrays[0]).all()
  assert {Image.open(row['picture']).size for row in rows[:2]} == {(100, 48)}
  assert 0.0 <= float(rows[0]['probability']) <= 1.0
  names = ('completeness_gap', 'relative_gap', 'steps', 'fit')
  said = {name: rows[0][name] for name in names if rows[0][name]}
  expected = {'integrated_gradients': list(names[:3]), 'lime': ['fit']}
  assert list(said) == expected.get(method, [])
  assert int(said.pop('steps', 15)) in (15, 31, 63, 127)
  assert all(abs(float(value)) <= 1.001 for value in said.values())


def test_explain_grades_a_method_on_the_runs_own_cases(trained, command, tmp_path):
  run = tmp_path / 'run'
  shutil.copytree(trained, run)
  fitted = json.loads((run / 'decision.json').read_text())
  fitted['threshold']['value'] = 0.0  # so that all cases of cancer count as found
  (run / 'decision.json').write_text(json.dumps(fitted))
  reseal.run_folder(run)
  code, out, _ = command(
    'explain', '--grade', f'--workdir={run}', '--cases=10', '--method=saliency'
  )
  assert code == 0
  assert 'saliency: 10 cases of test' in out
  found = json.loads((run / 'grades-saliency.json').read_text())['grades']
  hits = found['pointing game (large is good)']
  assert set(hits) == {'trained', 'randomised', 'fixed place'}
  for grades in found.values():
    for estimate in grades.values():
      assert estimate['low'] <= estimate['value'] <= estimate['high']
  assert 0 <= found['deletion area (small is good)']['trained']['value'] <= 1
  page = (run / 'report.html').read_text()
  assert 'Pointing game (large is good)' in page
  assert 'alt="Explanation of' in page
  assert 'of another checkpoint' not in page
  message = error(command('explain', 'a.png', '--grade', f'--workdir={run}'))
  assert "grades the run's own test cases" in message
  fitted['threshold']['value'] = 1.1
  (run / 'decision.json').write_text(json.dumps(fitted))
  reseal.run_folder(run)
  assert 'nothing to explain' in error(command('explain', '--grade', f'--workdir={run}'))


def test_explain_grades_all_methods(trained, command, tmp_path, monkeypatch):
  run = tmp_path / 'run'
  shutil.copytree(trained, run)
  fitted = json.loads((run / 'decision.json').read_text())
  fitted['threshold']['value'] = 0.0
  (run / 'decision.json').write_text(json.dumps(fitted))
  reseal.run_folder(run)
  some = ('grad_cam', 'occlusion')
  monkeypatch.setattr(methods, 'METHODS', {name: METHODS[name] for name in some})
  none = '--config.explanation=none'
  command('explain', '--grade', f'--workdir={run}', '--cases=2', '--method=all', none)
  assert {p.name for p in run.glob('grades-*')} == {f'grades-{name}.json' for name in some}


def test_a_report_without_explanations(trained, command, tmp_path):
  run = tmp_path / 'run'
  shutil.copytree(trained, run)
  assert command('evaluate', f'--workdir={run}', '--config.explanation=none')[0] == 0
  page = (run / 'report.html').read_text()
  assert 'alt="Explanation of' not in page
  assert 'alt="Case of' in page


def test_a_method_that_does_not_suit_the_model_costs_no_report(
  trained, command, tmp_path, monkeypatch
):
  def refuse(*_):
    raise ValueError('no module has an output of feature maps')

  run = tmp_path / 'run'
  shutil.copytree(trained, run)
  some = {'grad_cam': refuse, 'saliency': METHODS['saliency']}
  monkeypatch.setattr(methods, 'METHODS', some)
  code, _, err = command('evaluate', f'--workdir={run}', '--config.explanation=grad_cam')
  assert code == 0
  assert 'the report explains nothing by grad_cam: no module has an output' in err
  assert 'alt="Case of' in (run / 'report.html').read_text()
  fitted = json.loads((run / 'decision.json').read_text())
  fitted['threshold']['value'] = 0.0
  (run / 'decision.json').write_text(json.dumps(fitted))
  reseal.run_folder(run)
  none = '--config.explanation=none'
  code, _, err = command(
    'explain', '--grade', f'--workdir={run}', '--cases=2', '--method=all', none
  )
  assert code == 0
  assert 'left out: --method=grad_cam' in err
  assert (run / 'grades-saliency.json').exists()
  message = error(command('explain', '--grade', f'--workdir={run}', '--method=grad_cam', none))
  assert 'no module has an output' in message


def test_a_method_that_images_do_not_have_is_refused_before_training(command, tmp_path):
  message = error(command(*SMALL, '--config.explanation=mutagenesis', f'--workdir={tmp_path}/new'))
  assert 'config.explanation=mutagenesis: expected none or one of grad_cam' in message
  assert not (tmp_path / 'new').exists()


def test_explain_mistakes(trained, command, tmp_path):
  message = error(command('explain', str(tmp_path), f'--workdir={trained}', '--method=guess'))
  assert '--method=guess: expected one of grad_cam, integrated_gradients' in message
  assert 'no image files there' in error(command('explain', str(tmp_path), f'--workdir={trained}'))
  assert 'expected files or folders' in error(command('explain', f'--workdir={trained}'))
  (tmp_path / 'file').write_text('')
  Image.new('L', (60, 60)).save(tmp_path / 'a.png')
  message = error(
    command('explain', str(tmp_path), f'--workdir={trained}', f'--output={tmp_path / "file"}')
  )
  assert 'expected the name of a folder' in message
