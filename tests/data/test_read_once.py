"""Runs on the same data share them; others do not."""

import dataclasses

from experiments import tabular_mlp
from medjax.data import examples, tabular
from medjax.data.simulate import clinic


def settings(**changes):
  return dataclasses.replace(tabular_mlp.Config().data, simulated_rows=100, folds=5, **changes)


def load(config, **arguments):
  return tabular.load(config, simulator=clinic.simulate, **arguments)


def test_equal_settings_are_read_once_inside():
  with examples.read_once():
    first = load(settings(fold=1))
    assert load(settings(fold=1)) is first
    other = load(settings(fold=2))
    assert other is not first
    assert other.splits['test'].id.tolist() != first.splits['test'].id.tolist()
    # What a loader is told beside the settings counts as well.
    assert load(settings(fold=1), reference=True) is not first
    assert tabular.load(settings(fold=1), simulator=lambda *given: clinic.simulate(*given)) is not (
      first
    )
  assert load(settings(fold=1)) is not first
  assert load(settings(fold=1)) is not load(settings(fold=1))
