"""Figures of survival: what is named in them, and curves and intervals that are not defined."""

import xml.etree.ElementTree as ElementTree

import numpy as np

from medjax.evaluation import Estimate, horizon_calibration, kaplan_meier
from medjax.plots import survival


def _texts(svg):
  root = ElementTree.fromstring(svg)
  return [''.join(part.itertext()) for part in root.iter('{http://www.w3.org/2000/svg}text')]


def test_kaplan_meier_names_groups_and_stands_without_events():
  time = np.array([1.0, 2.0, 2.0, 5.0])
  groups = {
    'high risk': kaplan_meier(time, np.array([True, True, False, True])),
    'costs $5': kaplan_meier(time, np.zeros(4, bool)),
  }
  texts = _texts(survival.kaplan_meier(groups, 'Time (days)'))
  assert {'high risk', 'costs $5', 'Time (days)', 'Probability of no event'} <= set(texts)


def test_calibration_and_auroc_leave_gaps_where_nothing_is_known():
  time, event = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, False, True, True])
  bins = horizon_calibration(time, event, np.array([0.9, 0.8, 0.2, 0.1]), 2.5, bins=2)
  texts = _texts(survival.calibration({'2.5 days': bins}))
  assert {'perfect', '2.5 days'} <= set(texts)
  areas = [Estimate(None, reason='no case'), Estimate(0.4, 0.3, 0.5), Estimate(0.8)]
  texts = _texts(survival.auroc_over_time([1.0, 2.0, 3.0], areas, 'Time'))
  assert 'guessing' in texts
