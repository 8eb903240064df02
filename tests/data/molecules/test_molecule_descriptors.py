"""Descriptors whose values differ by a hundred orders of magnitude, and work in processes."""

import json
import multiprocessing
import os

import made_molecules
import numpy as np
import pytest

from medjax.data.molecules import descriptors, featured, many, reading
from medjax.errors import UserError

pytest.importorskip('rdkit')


def test_a_descriptor_of_any_size_is_fitted_and_told_apart():
  raw = np.array([[1.0, 20.0], [5.0, 1e200], [3.0, -1e300], [2.0, np.nan]])
  fitted = descriptors.fit(raw, ['small', 'Ipc'])
  json.dumps([fitted.mean, fitted.scale], allow_nan=False)
  found = fitted.scaled(np.array([[3.0, 1e3], [3.0, 1e90], [3.0, 1e250], [3.0, -1e250]]))
  assert (np.diff(found[:3, 1]) > 0).all()
  assert found[3, 1] < found[0, 1]
  small = raw[:, 0]
  np.testing.assert_allclose(fitted.scaled(raw)[:, 0], (small - small.mean()) / small.std())


def test_large_values_go_on_without_a_step_or_a_bend():
  fitted = descriptors.Descriptors(['x'], [0.0], [1e6], large=1e3)
  x = np.array([999.0, 1000.0, 1001.0])[:, None]
  found = 1e6 * fitted.scaled(x).astype(float)[:, 0]
  np.testing.assert_allclose(found, [999, 1000, 1000 * (1 + np.log(1.001))], rtol=1e-5)


def test_runs_of_before_keep_their_values():
  before = descriptors.Descriptors(**{'names': ['x'], 'mean': [1e6], 'scale': [1e6]})
  assert before.scaled(np.array([[3e6]])).item() == 2


def test_processes_read_as_one_does(tmp_path, monkeypatch):
  rows = [*made_molecules.made_rows(), {'smiles': 'C1CC', 'label': 'active', 'pIC50': '5'}]
  path = made_molecules.write(tmp_path / 'made.csv', rows)

  def read():
    data = made_molecules.load(path, label_column='label', descriptors=True)
    return data.splits['train'].read(range(20)), data.notes

  alone, notes = read()
  began = []
  monkeypatch.setattr(many.runtime, 'may_start_processes', lambda: began.append(1) or True)
  monkeypatch.setattr(many.machine, 'cores', lambda: 2)
  monkeypatch.setattr(reading, '_MANY', 10)
  monkeypatch.setattr(featured, '_MANY_DESCRIBED', 10)
  apart, notes_apart = read()
  assert len(began) == 2
  assert notes == notes_apart
  assert set(alone) == set(apart)
  for name, values in alone.items():
    np.testing.assert_array_equal(values, apart[name])


def _dies(items):
  if multiprocessing.parent_process() is not None:
    os._exit(9)
  return [2 * one for one in items]


def test_where_a_process_is_lost_this_one_does_it(monkeypatch, capsys):
  monkeypatch.setattr(many.runtime, 'may_start_processes', lambda: True)
  monkeypatch.setattr(many.machine, 'cores', lambda: 2)
  assert many.spread(_dies, [1, 2, 3], worth=2) == [2, 4, 6]
  assert 'molecules are read without further processes' in capsys.readouterr().err


def test_a_descriptor_that_rdkit_lacks():
  from rdkit import Chem

  with pytest.raises(UserError, match=r'^descriptor Nonsense: this version of RDKit has none'):
    descriptors.values(Chem.MolFromSmiles('C'), ['Nonsense'])
