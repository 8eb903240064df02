"""Figures of a search: what is drawn of trials."""

import pytest

from medjax.plots import search
from medjax.plots.search import Axis

RATE = Axis('learning_rate', [1e-3, 1e-2, 1e-1], log=True)
LAYERS = Axis('features', [0, 1, 1], ['32', '64,64'])


def test_every_figure_is_an_svg_that_names_what_it_shows():
  scores = [0.7, 0.8, 0.6]
  for made, words in (
    (search.history([0, 1, 2], scores, [False, False, True], 0, 'Validation AUROC'),
     ['best so far', 'default settings', 'pruned']),
    (search.importance({'learning_rate': 0.7, 'a$b': 0.3}), ['learning_rate', 'a$b']),
    (search.parallel([RATE, LAYERS], scores, 1, 0, 'AUROC'),
     ['64,64', '0.001', '0.8', 'best trial']),
    (search.slice_of(RATE, scores, 1, 0, 'AUROC'), ['learning_rate', 'default settings']),
    (search.slice_of(LAYERS, scores, 1, -1, 'AUROC'), ['32', '64,64']),
  ):  # fmt: skip
    assert made.startswith('<svg')
    for word in words:
      assert f'>{word}<' in made, word
  assert 'default settings' not in search.slice_of(LAYERS, scores, 1, -1, 'AUROC')


def test_places_on_an_axis():
  assert search._unit(RATE) == pytest.approx([0.0, 0.5, 1.0])
  assert search._unit(Axis('dropout', [0.0, 0.1, 0.4])) == pytest.approx([0.0, 0.25, 1.0])
  assert search._unit(LAYERS) == [0.0, 1.0, 1.0]
  assert search._unit(Axis('x', [2.0, 2.0])) == [0.5, 0.5]
  # A default of 0 has no logarithm.
  assert search._unit(Axis('decay', [0.0, 1.0], log=True)) == [0.0, 1.0]
  assert search._ticks(Axis('x', [2.0, 2.0])) == [(0.5, '2')]


def test_a_trial_that_learned_nothing_squeezes_no_others():
  made = search.slice_of(RATE, [0.90, 0.91, -50.0], 1, 0, 'R2')
  assert 'some are below' in made
  assert 'some are below' not in search.slice_of(RATE, [0.7, 0.8, 0.6], 1, 0, 'R2')
