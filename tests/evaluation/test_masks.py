"""The table of masks and its metrics, by hand and against images."""

import dataclasses

import numpy as np
import pytest

from medjax.errors import UserError
from medjax.evaluation import Masks, compare_masks, mask_metrics, read_masks


def made(both, called, true, apart=None, structures=('polyp',), **columns):
  counts = [np.array(part).reshape(-1, len(structures)) for part in (both, called, true)]
  apart = np.full(counts[0].shape, 3.0) if apart is None else np.array(apart).reshape(-1, 1)
  names = np.array([f'n{i}' for i in range(len(counts[0]))])
  return Masks(names, *counts, apart, columns.pop('group', names), 'test', structures, **columns)


def test_metrics_of_an_image_are_those_worked_by_hand():
  scores = made([2], [4], [3]).scores()
  values = {name: float(score[0, 0]) for name, score in scores.items()}
  assert values['dice'] == pytest.approx(4 / 7)
  assert values['iou'] == pytest.approx(2 / 5)
  assert values['sensitivity'] == pytest.approx(2 / 3)
  assert values['precision'] == pytest.approx(2 / 4)
  assert values['hausdorff95'] == 3
  assert values['missed'] == 0
  assert np.isnan(values['clear'])


def test_what_is_empty_is_undefined_as_in_monai_and_counted_apart():
  # Found; missed; nothing there and nothing called; nothing there and something called.
  table = made([2, 0, 0, 0], [2, 0, 0, 5], [2, 3, 0, 0], [0, np.nan, np.nan, np.nan])
  found = {name: one.value for name, one in mask_metrics(table).items()}
  # MONAI's DiceMetric ignores images whose truth is empty: (1 + 0) / 2.
  assert found['dice'] == found['iou'] == found['sensitivity'] == 0.5
  assert found['precision'] == 0.5  # of the first and the last, where something is called
  assert found['hausdorff95'] == 0
  assert found['missed'] == 0.5
  assert found['clear'] == 0.5


def test_metrics_that_no_image_defines_say_why():
  found = mask_metrics(made([0, 0], [0, 0], [0, 0], [np.nan, np.nan]))
  assert found['dice'].value is None
  assert found['dice'].reason == 'no image shows it'
  assert found['precision'].reason == 'it is called in no image'
  assert found['hausdorff95'].reason == 'no image shows it where it is called'
  assert mask_metrics(made([1], [1], [1]))['clear'].reason == 'every image shows it'


def test_of_several_structures_an_image_has_the_mean_of_those_it_shows():
  # MONAI's example of two classes: averaged over classes first, leaving out undefined ones.
  table = Masks(
    np.array(['a', 'b']), np.array([[2, 0], [1, 3]]), np.array([[2, 1], [2, 3]]),
    np.array([[2, 0], [2, 3]]), np.full((2, 2), np.nan), np.array(['a', 'b']), 'test', ('x', 'y'),
  )  # fmt: skip
  found = {name: one.value for name, one in mask_metrics(table).items()}
  assert found['dice'] == pytest.approx((1 + (0.5 + 1) / 2) / 2)
  assert found['dice_x'] == pytest.approx(0.75)
  assert found['dice_y'] == 1
  assert found['clear_y'] == 0


def test_intervals_draw_patients_with_all_their_images():
  rng = np.random.default_rng(0)
  each = rng.integers(20, 100, 30)
  both = np.repeat(each, 4)  # four images of a patient are alike
  alone = made(both, np.full(120, 100), np.full(120, 100))
  patients = dataclasses.replace(alone, group=np.repeat([f'p{i}' for i in range(30)], 4))
  wide, narrow = (mask_metrics(t)['dice'] for t in (patients, alone))
  assert wide.value == narrow.value == pytest.approx(both.mean() / 100)
  error = np.std(each / 100) / np.sqrt(30)  # of a mean of 30
  assert wide.high - wide.low == pytest.approx(2 * 1.96 * error, rel=0.1)
  assert narrow.high - narrow.low == pytest.approx(1.96 * error, rel=0.1)


def test_a_table_comes_back_as_it_was_written(tmp_path):
  table = made([2, 0], [4, 0], [3, 1], [1 / 3, np.nan], metadata={'age': ['6', '']})
  table.write_csv(tmp_path / 'test.csv')
  again = read_masks(tmp_path / 'test.csv')
  for field in dataclasses.fields(Masks):
    np.testing.assert_array_equal(getattr(again, field.name), getattr(table, field.name))


@pytest.mark.parametrize(
  ('text', 'reason'),
  [
    ('id,dice\na,1\n', 'row 1: no column true_X of a structure X'),
    ('id,true_x\na,1\n', "row 1: no column 'both_x'"),
    ('id,both_x,called_x,true_x,hausdorff95_x\na,1,?,1,\n', "row 2: called_x is '?'"),
    ('id,both_x,called_x,true_x,hausdorff95_x\na,3,1,3,\n', 'more pixels that are called and true'),
    ('id,both_x,called_x,true_x,hausdorff95_x\na,1,1,1,-2\n', 'a distance is negative'),
  ],
)
def test_a_wrong_table_is_refused_by_name(tmp_path, text, reason):
  (tmp_path / 'a.csv').write_text(text)
  with pytest.raises(UserError, match=r'a\.csv') as raised:
    read_masks(tmp_path / 'a.csv')
  assert reason in str(raised.value)


def test_two_models_are_compared_image_by_image():
  first = made([90, 50, 80, 0], [100, 100, 100, 2], [100, 100, 100, 0])
  second = made([80, 50, 60, 0], [100, 100, 100, 2], [100, 100, 100, 0]).take(np.arange(4)[::-1])
  found = compare_masks(first, second)['dice']
  assert found.value == pytest.approx((0.1 + 0 + 0.2) / 3)
  assert found.low < found.value < found.high
  empty = compare_masks(first.take(np.array([3])), second.take(np.array([0])))['dice']
  assert empty.value is None
  assert empty.reason == 'no image has it in both runs'


def test_only_runs_on_the_same_masks_are_compared():
  first = made([1], [1], [2])
  with pytest.raises(UserError, match='true mask of n0 differs'):
    compare_masks(first, made([1], [1], [3]))
  with pytest.raises(UserError, match='structures differ: polyp and liver'):
    compare_masks(first, made([1], [1], [2], structures=('liver',)))
