"""What the runs of a cross-validation differ by."""

import types

import pytest

from experiments import tabular_mlp
from medjax.errors import UserError
from medjax.report import folds
from medjax.verbs import crossval, several
from medjax.verbs.run import Run
from medjax.workdir import Workdir


def planned(tmp_path, monkeypatch, **values):
  """The runs that a command makes."""
  made = []
  monkeypatch.setattr(several, 'train', lambda command, runs, *given: made.extend(runs) or {})
  monkeypatch.setattr(folds, 'show', lambda *given: None)
  monkeypatch.setattr(crossval, '_decide', lambda *given: None)
  monkeypatch.setattr(
    Run,
    'described',
    lambda self: types.SimpleNamespace(task=types.SimpleNamespace(outcome=None)),
  )
  config = tabular_mlp.Config(seed=5)
  config.data.seed, config.data.folds = 2, 3
  told = types.SimpleNamespace(
    **{'how': 'auto', 'pages': False, 'repeats': 1, 'seeds': 1, 'part': ''} | values
  )
  crossval.crossval(Run('tabular_mlp', config, tabular_mlp.build, Workdir(tmp_path), told), ())
  return made


def told(runs):
  return [(one.config.data.fold, one.config.data.seed, one.config.seed) for one in runs]


def test_a_repeat_has_other_folds_and_another_seed(tmp_path, monkeypatch):
  made = planned(tmp_path, monkeypatch, repeats=2)
  assert told(made) == [(0, 2, 5), (1, 2, 5), (2, 2, 5), (0, 3, 6), (1, 3, 6), (2, 3, 6)]
  assert [one.workdir.folder.name for one in made][3] == 'repeat-1-fold-0'


def test_seeds_are_of_the_same_folds(tmp_path, monkeypatch):
  made = planned(tmp_path, monkeypatch, seeds=2)
  assert told(made) == [
    (0, 2, 5),
    (1, 2, 5),
    (2, 2, 5),
    (0, 2, 10_005),
    (1, 2, 10_005),
    (2, 2, 10_005),
  ]
  names = [one.workdir.folder.name for one in made]
  assert (names[1], names[4]) == ('repeat-0-fold-1', 'repeat-0-fold-1-seed-1')


def test_no_two_runs_have_the_same_seed_and_folds(tmp_path, monkeypatch):
  made = planned(tmp_path, monkeypatch, repeats=3, seeds=2)
  assert len(set(told(made))) == len(made) == 18
  assert sorted({seed for *_, seed in told(made)}) == [5, 6, 7, 10_005, 10_006, 10_007]


def test_parts_together_are_all_runs(tmp_path, monkeypatch):
  whole = planned(tmp_path / 'whole', monkeypatch, seeds=2)
  parts = [planned(tmp_path / 'parts', monkeypatch, seeds=2, part=f'{i}/4') for i in range(4)]
  assert [len(part) for part in parts] == [2, 2, 1, 1]
  assert sorted(told([run for part in parts for run in part])) == sorted(told(whole))
  assert (tmp_path / 'parts' / 'several.json').exists()


@pytest.mark.parametrize('part', ['4/4', '0/7', '1', 'a/2', '-1/2', '1/2/3', '0/0'])
def test_parts_are_numbers_of_parts(part, tmp_path, monkeypatch):
  with pytest.raises(UserError, match=f'--part={part}: expected I/N.* at most 6'):
    planned(tmp_path, monkeypatch, seeds=2, part=part)
