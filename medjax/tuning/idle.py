"""Settings that change nothing, such as the step size where an optimiser has none of its own."""

import dataclasses
from collections.abc import Callable
from typing import Any

from medjax import config as config_lib
from medjax.config import Config
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.space import Choices, Space
from medjax.training.same import same

# What training itself reads of the settings, whatever an experiment makes of them.
_OF_TRAINING = {field.name for field in dataclasses.fields(Config)} - {'learning_rate'}

_PARTS = [field.name for field in dataclasses.fields(Experiment) if field.name != 'data']


def idle(space: Space, config: Any, build: Callable[[Any], Experiment]) -> list[str]:
  """Names of settings in a space of which an experiment is the same whatever they are.

  Each is tried with the defaults of all others, and with each choice of one of them: dropout may
  count where there are hidden layers alone.

  Args:
    space: what is searched.
    config: the experiment's settings.
    build: makes it without its examples.
  """
  bases = [config]
  for name, range_ in space.items():
    if isinstance(range_, Choices):
      default = _of(config, name)
      bases += [config_lib.changed(config, {name: other}) for other in range_.others(default)]
  if not _alike(build, config, config):  # nobody can tell
    return []
  return [
    name
    for name, range_ in space.items()
    if name not in _OF_TRAINING
    and not name.startswith('data.')
    and all(
      _alike(build, base, config_lib.changed(base, {name: other}))
      for base in bases
      for other in range_.others(_of(base, name))
    )
  ]


def _of(config: Any, name: str) -> Any:
  return next(leaf.value for leaf in config_lib.leaves(config) if leaf.name == name)


def _alike(build: Callable[[Any], Experiment], one: Any, other: Any) -> bool:
  try:
    pair = [build(config) for config in (one, other)]
  except UserError:  # settings that do not go together are not the same
    return False
  # Each has data of its own, which are alike.
  return all(same(getattr(pair[0], name), getattr(pair[1], name)) for name in _PARTS)
