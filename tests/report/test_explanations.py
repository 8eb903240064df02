"""What the report says of how exact its explanations are."""

import numpy as np
from made_run import BINARY, IMAGES, of_image, read, write_run

from medjax.outcomes import Classes
from medjax.report import explanations, page


def notes(gaps, steps):
  return {'relative_gap': np.array(gaps), 'steps': np.array(steps)}


def test_the_summary_names_the_largest_gap_and_the_gradients():
  text = explanations._summary(notes([0.001, 0.0124], [15, 31]))
  assert 'off by at most 1.2% of that difference, with 15 to 31 gradients a case.' in text
  same = explanations._summary(notes([0.001, 0.0124], [15, 15]))
  assert 'of that difference, with 15 gradients a case.' in same
  assert 'care' not in text
  assert explanations._summary({'fit': np.ones(2)}) == ''
  assert explanations._note({'fit': 1.0}) == ''


def test_cases_that_stay_above_the_tolerance_are_counted():
  one = explanations._summary(notes([0.001, 0.31], [15, 127]))
  assert 'In one case that is more than the 2% aimed at' in one
  assert 'In 2 cases' in explanations._summary(notes([0.021, 0.31, 0.0], [127, 127, 15]))


def test_the_page_shows_a_note_below_its_case(tmp_path):
  table = write_run(tmp_path, BINARY)
  image, name = np.zeros((20, 30, 3), np.uint8), str(table.id[0])
  note = explanations._note({'relative_gap': 0.0124, 'steps': 31})
  _, text, _ = read(
    page.write(
      tmp_path, Classes(), IMAGES, pictures={name: of_image(image, np.ones((20, 30)))},
      notes={name: note}, summary='All add up.', explanation='integrated_gradients',
    )
  )  # fmt: skip
  assert '31 gradients, parts off by 1.2%' in text
  assert 'All add up. An explanation says what the network looked at' in text
