"""The checks on real data: known near copies, wrong labels made on purpose, photographs, a view."""

import csv
import pathlib

import numpy as np
import pytest
from audit_cases import make

from medjax.audit import copies, labels, outliers, shortcuts
from medjax.data.images import decode, looks
from medjax.data.looks import joined


def read(folder, rows, channels, size):
  return np.stack([decode.decode(str(folder / row['path']), size, channels) for row in rows])


def table(folder, under='.'):
  with open(folder / 'labels.csv', newline='') as file:
    return [{**row, 'path': f'{under}/{row["file"]}'} for row in csv.DictReader(file)]


def seen(images):
  parts = [looks.of_images(images[i : i + 64]) for i in range(0, len(images), 64)]
  return joined(parts)


@pytest.fixture(scope='module')
def polyps():
  folder = pathlib.Path(__file__).resolve().parents[3] / 'shared' / 'data' / 'gi_polyps'
  if not folder.is_dir():
    pytest.skip('real data gi_polyps is not beside this checkout')
  rows = table(folder)
  return rows, read(folder, rows, 3, size=96)


def test_all_known_near_copies_of_polyps_are_found_among_few_pairs(polyps):
  rows, images = polyps
  group = np.array([row['group'] for row in rows])
  known = {(i, j) for i in range(1000) for j in np.flatnonzero(group == group[i]) if i < j}
  small = seen(images).thumbnails
  found = [pair[:2] for pair in copies.pairs(small, copies.threshold(small))]
  assert len(known) == 12
  assert known <= set(found)
  assert len(found) <= 18


def test_photographs_among_radiographs_come_first(polyps, shared_data):
  folder = shared_data('chest_nih')
  rows = table(folder, 'images')[::4]
  images = np.concatenate([read(folder, rows, 3, size=96), polyps[1][:5]])
  features = seen(images).features
  ratio, far = outliers.scores(make(features).components, np.ones(len(images), bool))
  assert set(np.argsort(-ratio)[:5]) == set(range(len(rows), len(rows) + 5))
  assert far[len(rows) :].all()


def test_the_view_of_radiographs_is_found(shared_data):
  rows = table(shared_data('chest_nih'), 'images')
  cases = make(
    label=[int(row['label']) for row in rows],
    split=[row['split'] for row in rows],
    group=[row['patient'] for row in rows],
    metadata={'view': [row['view'] for row in rows]},
  )
  finding, _ = shortcuts.check(cases).findings
  assert finding.line.startswith('from column view alone the label (ill) is told with AUROC 0.617')
  assert 'in test 0.696' in finding.line
  assert not finding.information


def test_labels_that_were_flipped_stand_at_the_top(shared_data):
  folder = shared_data('chest_kermany')
  rows = [row for row in table(folder, 'images') if row['split'] == 'train'][::5]
  truth = np.array([int(row['label']) for row in rows])
  flip = np.random.default_rng(0).choice(len(rows), round(0.05 * len(rows)), replace=False)
  label = truth.copy()
  label[flip] = 1 - label[flip]
  cases = make(
    seen(read(folder, rows, 1, size=64)).features, label, group=[row['patient'] for row in rows]
  )
  probability = labels.predicted(cases.components, label, cases.group)
  first = np.argsort(labels.normalised_margin(probability, label))[: len(flip)]
  assert np.isin(flip, first).mean() >= 0.7
