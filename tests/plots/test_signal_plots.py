"""Line plots of signals: points where the samples are, and ticks at round numbers."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from medjax.plots import signals


def points(svg):
  found = re.findall(r'<polyline points="([^"]*)"', svg)
  return [np.array([p.split(',') for p in line.split()], float) for line in found]


def test_every_lead_is_a_line_through_its_samples():
  signal = np.stack([np.sin(np.arange(50) / 5), np.cos(np.arange(50) / 5) + 2], axis=1)
  svg = signals.of_signal(signal, ('I', 'a<b'), 100.0, 0.2)
  ET.fromstring(svg)
  lines = points(svg)
  assert [len(line) for line in lines] == [50, 50]
  for line, lead in zip(lines, signal.T, strict=True):
    assert np.corrcoef(line[:, 1], lead)[0, 1] == pytest.approx(-1, abs=1e-3)
    assert np.ptp(np.diff(line[:, 0])) < 0.2
  every = np.concatenate(lines)
  assert every[:, 1].min() == 8
  assert every[:, 1].max() == 150 - 18 - 8
  assert 'a&lt;b' in svg


def test_ticks_count_seconds_from_the_peak():
  svg = signals.of_signal(np.ones((126, 1)), rate=100.0, peak=0.8)
  texts = re.findall(r'middle">([^<]*)<', svg)
  assert texts == ['-0.8', '-0.6', '-0.4', '-0.2', '0', '0.2', '0.4 s']
  places = [float(x) for x in re.findall(r'<text x="([\d.]+)"', svg)]
  (line,) = points(svg)
  assert places[4] == pytest.approx(line[80, 0], abs=0.1)


def test_ticks_count_samples_where_no_rate_is_known():
  svg = signals.of_signal(np.ones((140, 1)))
  assert re.findall(r'middle">([^<]*)<', svg) == ['0', '20', '40', '60', '80', '100', '120']


def test_padding_and_flat_signals():
  signal = np.zeros((20, 1))
  signal[:12] = 1
  assert len(points(signals.of_signal(signal))[0]) == 12
  assert np.isfinite(points(signals.of_signal(np.zeros((20, 2))))).all()
