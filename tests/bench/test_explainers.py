"""The comparison with shap and lime: what it measures, and what it says without them."""

import builtins
import json

import numpy as np
import pytest

from experiments import explanations
from medjax.bench import explainers
from medjax.errors import UserError


def test_comparison_with_the_libraries(capsys, monkeypatch):
  for name in ('shap', 'lime'):
    pytest.importorskip(name, reason=f'{name} is not installed (extra peers)')
  monkeypatch.setattr(explainers, 'ROWS', 2)
  found = explainers.compare((3,), 4, rounds=3, seed=0)
  for method in ('kernel_shap', 'lime'):
    times = found[method]
    assert times['medjax']['low'] <= times['medjax']['median'] <= times['medjax']['high']
    assert times['ratio']['median'] > 0
  assert found['kernel_shap']['differ'] < 1e-6
  assert 'differ' not in found['lime']
  explainers.table([found], 'a processor')
  assert 'kernel_shap / shap' in capsys.readouterr().out


def test_without_the_libraries(monkeypatch):
  real = builtins.__import__

  def missing(name, *rest, **more):
    if name == 'shap':
      raise ModuleNotFoundError("No module named 'shap'", name='shap')
    return real(name, *rest, **more)

  monkeypatch.setattr(builtins, '__import__', missing)
  with pytest.raises(UserError, match=r"shap is not installed; pip install -e '\.\[peers\]'"):
    explainers.compare((), 4, rounds=3, seed=0)


def test_every_network_and_table_is_compared(monkeypatch, capsys, tmp_path):
  asked = []

  def compared(hidden, columns, rounds, seed):
    asked.append((hidden, columns, rounds, seed))
    one = {'median': 1.0, 'low': 0.5, 'high': 2.0}
    times = {'medjax': one, 'library': one, 'ratio': one}
    return {'hidden': list(hidden), 'columns': columns, 'rounds': rounds} | {
      'kernel_shap': times | {'differ': 1e-8},
      'lime': times,
    }

  monkeypatch.setattr(explainers, 'compare', compared)
  path = tmp_path / 'found.json'
  with pytest.raises(SystemExit) as stop:
    explanations.main(
      ['--config.columns=3', '--config.layers=0,2', '--config.units=8', f'--output={path}']
    )
  assert stop.value.code == 0
  assert asked == [((), 3, 9, 0), ((8, 8), 3, 9, 0)]
  assert 'none (linear)' in capsys.readouterr().out
  found = json.loads(path.read_text())
  assert np.shape(found['comparison']) == (2,)


@pytest.mark.parametrize(
  ('argument', 'message'),
  [
    ('--config.column=3', 'no such setting; did you mean --config.columns?'),
    ('rows', 'rows: expected only flags'),
    ('--config.columns=1', 'config.columns=1'),
  ],
)
def test_mistakes_are_one_line(argument, message, capsys):
  with pytest.raises(SystemExit) as stop:
    explanations.main([argument])
  assert stop.value.code == 2
  assert message in capsys.readouterr().err
