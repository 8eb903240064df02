"""The race with pydicom: both read the frame that was made, and every kind is timed."""

import re

import numpy as np
import pytest

pytest.importorskip('pydicom', reason='needs medjax[imaging]')

from medjax.bench import dicom


@pytest.mark.parametrize('kind', dicom._KINDS.values(), ids=str)
def test_the_same_greys_are_made(kind, monkeypatch):
  side, *others = kind
  content = dicom.made(min(side, 64), *others)
  ours, theirs = np.asarray(dicom.picture(content), int), dicom._tables(content).astype(int)
  assert ours.shape == theirs.shape == (min(side, 64),) * 2
  # Black and white are not at the same values, but brighter is brighter in both.
  assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.999


def test_every_kind_is_timed(monkeypatch, capsys):
  monkeypatch.setattr(dicom, '_SECONDS', 0.0)
  monkeypatch.setattr(dicom, '_LONG', 100.0)  # the clock says a second for each file
  monkeypatch.setattr(dicom, '_KINDS', {'a CT': (32, True, True, '')})
  monkeypatch.setattr(dicom.time, 'process_time', iter(range(10**6)).__next__)
  assert dicom.main(['2']) == 0
  rates, scaling = capsys.readouterr().out.splitlines()
  assert 'times pixel_array alone' in rates
  assert re.fullmatch(r'a CT: \d+ files a second by one worker, .* times as many\)', scaling)
