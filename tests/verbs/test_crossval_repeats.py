"""What the runs of a cross-validation differ by."""

import types

from experiments import tabular_mlp
from medjax.report import folds
from medjax.verbs import crossval
from medjax.verbs.run import Run
from medjax.workdir import Workdir


def test_a_repeat_has_other_folds_and_another_seed(tmp_path, monkeypatch):
  made = []
  monkeypatch.setattr(crossval, 'train', made.append)
  monkeypatch.setattr(folds, 'show', lambda *given: None)
  monkeypatch.setattr(
    Run,
    'described',
    lambda self: types.SimpleNamespace(task=types.SimpleNamespace(outcome=None)),
  )
  config = tabular_mlp.Config(seed=5)
  config.data.seed, config.data.folds = 2, 3
  values = types.SimpleNamespace(repeats=2)
  run = Run('tabular_mlp', config, tabular_mlp.build, Workdir(tmp_path), values)
  crossval.crossval(run, ())
  told = [(one.config.data.fold, one.config.data.seed, one.config.seed) for one in made]
  assert told == [(0, 2, 5), (1, 2, 5), (2, 2, 5), (0, 3, 6), (1, 3, 6), (2, 3, 6)]
  assert [one.workdir.folder.name for one in made][3] == 'repeat-1-fold-0'
