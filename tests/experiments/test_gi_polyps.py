"""The experiment on polyps, shrunk, from the command line: training, report, predict, preview."""

import csv
import functools
import json

import numpy as np
import PIL.Image
import pytest

from experiments import gi_polyps
from medjax.data.simulate import endoscopy
from medjax.evaluation import read_masks
from medjax.plots import outlines

SMALL = (
  '--config.data.image_size=32',
  '--config.data.simulated_train=32',
  '--config.data.simulated_val=8',
  '--config.data.simulated_test=16',
  '--config.width=4',
  '--config.depth=1',
  '--config.stem=1',
  '--config.batch_size=8',
  '--config.num_epochs=2',
  '--config.num_devices=1',
)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  return tmp_path_factory.mktemp('polyps')


@pytest.fixture(scope='module')
def command(folder, run_in):
  """Runs the command line in this process, in one folder for all tests; gives the exit code."""
  return functools.partial(run_in, folder, gi_polyps)


@pytest.fixture(scope='module')
def trained(command, folder):
  assert command(*SMALL, '--config.augment=none', '--workdir=run') == 0
  return folder / 'run'


def test_the_report_shows_outlines_and_metrics(trained):
  found = json.loads((trained / 'evaluation.json').read_text())['test']
  assert found['dice']['low'] < found['dice']['value'] < found['dice']['high']
  page = (trained / 'report.html').read_text()
  for text in ('Masks on the test split', 'Least overlap', 'Images by Dice', 'A pixel is called'):
    assert text in page
  assert 'Dice' in (trained / 'card.md').read_text()
  assert (trained / 'card.md').read_text().count('soft Dice') == 1
  data = json.loads((trained / 'data.json').read_text())
  assert data['example']['label'] == 'uint8[32,32]'
  assert data['classes'] == ['background', 'polyp']


def test_masks_that_are_predicted_of_files_are_those_that_were_evaluated(command, folder, trained):
  table = read_masks(trained / 'predictions' / 'test.csv')
  assert table.both.any()
  views = [endoscopy.simulate(0, int(index), 32) for index in table.metadata['index']]
  (folder / 'new').mkdir()
  for name, view in zip(table.id, views, strict=True):
    PIL.Image.fromarray(view.image).save(folder / 'new' / f'{name}.png')
  PIL.Image.fromarray(views[0].image).resize((70, 50)).save(folder / 'new' / 'large.jpg')
  (folder / 'new' / 'zz.txt').write_text('no image')
  assert command('predict', 'new', '--workdir=run', '--output=out.csv') == 0
  with open(folder / 'out.csv', newline='') as file:
    rows = {row['file'].split('/')[-1]: row for row in csv.DictReader(file)}
  assert rows['zz.txt']['error']
  masks = {}
  for name, row in rows.items():
    if row['mask']:
      with PIL.Image.open(folder / row['mask']) as image:
        masks[name] = np.asarray(image)
  assert masks['large.jpg'].shape == (50, 70)  # that of the file
  for number, (name, view) in enumerate(zip(table.id, views, strict=True)):
    called = masks[f'{name}.png'] == 255
    assert called.sum() == table.called[number, 0]
    assert (called & view.mask).sum() == table.both[number, 0]
    assert view.mask.sum() == table.true[number, 0]
    assert float(rows[f'{name}.png']['area']) == called.mean()


def test_the_preview_outlines_masks_before_and_after(command, folder):
  assert command(*SMALL, '--preview', '--output=seen.png', '--workdir=other') == 0
  with PIL.Image.open(folder / 'seen.png') as image:
    drawn = (np.asarray(image) == outlines.TRUE).all(-1)
  pair = (512 + 2, 18 + 256)  # of images that are drawn at eight times their size
  left = drawn[:, 8 : 8 + 256].any()
  right = drawn[:, 8 + 258 : 8 + pair[0]].any()
  assert left
  assert right
