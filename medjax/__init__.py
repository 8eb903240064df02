"""medjax: a JAX research framework for deep learning in medicine.

The public names load when they are first used, so that ``import medjax`` costs little.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from medjax.cli import main
  from medjax.config import (
    ClassSettings,
    Config,
    CoverageSettings,
    ExplanationSettings,
    setting,
  )
  from medjax.errors import UserError
  from medjax.experiment import Experiment
  from medjax.exported.model import load
  from medjax.transfer.settings import ModelSettings, WeightSettings

__all__ = [
  'ClassSettings',
  'Config',
  'CoverageSettings',
  'Experiment',
  'ExplanationSettings',
  'ModelSettings',
  'UserError',
  'WeightSettings',
  'load',
  'main',
  'setting',
]

_HOMES = {
  'ClassSettings': 'config',
  'Config': 'config',
  'CoverageSettings': 'config',
  'Experiment': 'experiment',
  'ExplanationSettings': 'config',
  'ModelSettings': 'transfer.settings',
  'UserError': 'errors',
  'WeightSettings': 'transfer.settings',
  'load': 'exported.model',
  'main': 'cli',
  'setting': 'config',
}


def __getattr__(name: str) -> Any:
  if name in _HOMES:
    return getattr(importlib.import_module(f'medjax.{_HOMES[name]}'), name)
  raise AttributeError(f'module medjax has no attribute {name}')
