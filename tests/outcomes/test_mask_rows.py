"""What ``predict`` and the report say of masks."""

import numpy as np
import PIL.Image
import pytest

from medjax.evaluation import MaskDecision
from medjax.evaluation import Masks as Table
from medjax.outcomes import Masks, mask_section
from medjax.outcomes.mask_rows import MaskRows
from medjax.plots import outlines


@pytest.fixture
def probability():
  values = np.zeros((3, 8, 8), np.float32)
  values[0, 0:2, 0:2] = values[0, 2, 2] = values[0, 5:7, 5] = 0.8  # two regions of 5 and 2 pixels
  values[1] = 0.5
  values[2, 3, 3] = np.nan
  return values


def test_a_row_has_the_area_the_regions_and_the_file_of_the_mask(probability, tmp_path):
  rows = MaskRows(MaskDecision(1, ('polyp',), 0.5))
  rows.begin(tmp_path / 'out.csv', {'b/a.jpg': lambda mask: mask.repeat(2, 0)})
  done = rows.rows(['a.jpg', 'b/a.jpg', 'c.jpg'], probability)
  assert list(done[0]) == rows.columns == ['file', 'mask', 'area', 'regions', 'error']
  assert [row['area'] for row in done] == [repr(7 / 64), '0.0', '']
  assert [row['regions'] for row in done] == ['2', '0', '']
  assert done[2]['error'] == 'the network gives no number for this file'
  # Two files of one name have two masks, each of the size of its file.
  assert [row['mask'].rsplit('/', 2)[1:] for row in done[:2]] == [
    ['out_masks', 'a.jpg.png'], ['out_masks', 'a.jpg_2.png'],
  ]  # fmt: skip
  first, second = (np.asarray(PIL.Image.open(row['mask'])) for row in done[:2])
  np.testing.assert_array_equal(first, np.where(probability[0] > 0.5, 255, 0))
  assert second.shape == (16, 8)
  assert 'in the files, 255' in rows.summary(done)[0]


def test_several_structures_have_an_area_each_and_their_numbers(tmp_path):
  rows = MaskRows(MaskDecision(1, ('liver', 'tumour'), None))
  rows.begin(tmp_path / 'out.csv', {})
  (row,) = rows.rows(['a.png'], np.eye(3, dtype=np.float32)[[[[0, 1], [2, 2]]]])
  assert {k: v for k, v in row.items() if k not in ('file', 'mask', 'error')} == {
    'area_liver': '0.25', 'regions_liver': '1', 'area_tumour': '0.5', 'regions_tumour': '1',
  }  # fmt: skip
  assert np.asarray(PIL.Image.open(row['mask'])).tolist() == [[0, 1], [2, 2]]
  assert '1 is liver, 2 is tumour' in rows.summary([row])[0]


def test_a_decision_comes_back_as_it_was_written():
  for decision in (MaskDecision(7, ('a', 'b'), None), MaskDecision(7, ('a',), 0.5)):
    assert Masks(decision.structures).read_decision(decision.to_json()) == decision


@pytest.fixture
def table():
  """Ten images with Dice 0, .1 to .8 and one with nothing, where something is called."""
  both, true = np.arange(10)[:, None] * 10, np.full((10, 1), 100)
  both[9] = true[9] = 0
  names = np.array([f'n{i}' for i in range(10)])
  called = np.where(both, 100, 20)
  return Table(names, both, called, true, np.full((10, 1), np.nan), names, 'test', ('polyp',))


def test_the_report_shows_the_worst_the_best_and_false_alarms(table):
  assert mask_section.choose(table, 5) == [
    ('Least overlap', [0, 1]), ('Most overlap', [8, 7]), ('Called where nothing is', [9]),
  ]  # fmt: skip
  assert sorted(row for _, rows in mask_section.choose(table, 99) for row in rows) == [*range(10)]
  pictures = {name: ['data:'] for name in Masks(('polyp',)).choose_examples(table, 5)}
  groups = Masks(('polyp',)).example_groups(table, {}, pictures)
  assert [picture['text'] for group in groups for picture in group['pictures']] == [
    'Dice 0.000', 'Dice 0.100', 'Dice 0.800', 'Dice 0.700', 'nothing to find',
  ]  # fmt: skip
  assert [picture['right'] for picture in groups[1]['pictures']] == [True, True]
  counts = [row['count'] for row in mask_section.context(table, {})['dice_rows']]
  assert counts == [3, 2, 2, 1, 1, 0]
  assert Masks(('polyp',)).score(table) == pytest.approx(0.4)
  assert Masks(('polyp',)).about_cases(table) == '9 of them show polyp'


def test_true_and_called_outlines_have_two_colours():
  outcome = Masks(('polyp',))
  label = np.zeros((256, 256), np.uint8)
  label[20:30, 20:30] = 1
  image = np.zeros((256, 256, 3), np.uint8)
  alone = outcome.mark(image, label)
  assert (alone == outlines.TRUE).all(-1).sum() == 44
  assert not (alone == outlines.CALLED).all(-1).any()
  both = outcome.mark(image, label, np.roll(label, 50, 0).astype(np.float32))
  assert (both == outlines.CALLED).all(-1).sum() == (both == outlines.TRUE).all(-1).sum() == 44


def test_columns_of_the_data_do_not_hide_those_of_the_table():
  counts = {name: np.ones((1, 1)) for name in ('both', 'called', 'true', 'hausdorff95')}
  names = np.array(['a'])
  table = Masks(('polyp',)).table(
    counts, None, id=names, group=names, split='test', classes=(), sizes={},
    metadata={'true_polyp': ['x'], 'age': ['6']},
  )  # fmt: skip
  assert table.metadata == {'column_true_polyp': ['x'], 'age': ['6']}
