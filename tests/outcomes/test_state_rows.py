"""Rows of chains, and batches of new ones that differ in length."""

import numpy as np
import pytest

from medjax.deploy import predictor
from medjax.evaluation import Confidence, Positions
from medjax.outcomes import States


@pytest.fixture
def writer():
  names = np.array(['a'])
  table = Positions(names, ['HHCCE'], ['HECCE'], ['99887'], names, 'val', ('H', 'E', 'C'))
  return States(3).writer(Confidence.fit(table, 3), ('H', 'E', 'C'))


def test_a_row_has_states_digits_and_what_to_expect(writer):
  probability = [np.array([[0.95, 0.05, 0.0], [0.1, 0.1, 0.8]]), np.array([[0.4, 0.3, 0.3]])]
  found = writer.rows(['x', 'y'], probability)
  assert (found[0]['states'], found[0]['confidence']) == ('HC', '98')
  assert float(found[0]['expected']) == pytest.approx((0.5 + 1) / 2)
  assert found[1] == {
    'file': 'y', 'length': '1', 'states': 'H', 'confidence': '4', 'expected': '', 'error': '',
  }  # fmt: skip
  broken = writer.rows(['z'], [np.full((2, 3), np.nan)])[0]
  assert broken['error']
  assert set(found[0]) == set(broken) == set(writer.columns)


def test_predicted_chains_are_drawn_and_failed_ones_not(writer):
  found = [*writer.rows(['x'], [np.eye(3)]), writer.empty('broken.fa', 'is empty')]
  text = writer.page(found)
  assert text.count('<svg') == 1
  assert 'broken.fa' not in text


def test_new_chains_share_a_batch_as_wide_as_the_longest():
  parts = [{'tokens': np.arange(1, n + 1, dtype=np.uint8)} for n in (5, 70)]
  batch = predictor.filled(parts, {'tokens': ('positions',)}, 4, 2)['tokens']
  assert batch.shape == (2, 2, 96)
  np.testing.assert_array_equal(batch[0, 0, :6], [1, 2, 3, 4, 5, 0])
  np.testing.assert_array_equal(batch[0, 1, :70], parts[1]['tokens'])
  assert not batch[1].any()


def test_chains_are_cut_to_their_length_and_those_of_one_length_are_not(writer):
  probability = np.stack([np.eye(3), np.eye(3)])
  cut = writer.rows(['x', 'y'], probability, [{'positions': 2}, {'positions': 3}])
  assert [row['length'] for row in cut] == ['2', '3']
  whole = writer.rows(['x', 'y'], probability, [{}, {}])
  assert [row['length'] for row in whole] == ['3', '3']
