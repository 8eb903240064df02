"""The settings of a run that was exported, for the experiment that made it."""

import pathlib
from typing import Any, TypeVar

from medjax import config as config_lib
from medjax.errors import UserError
from medjax.exported import container

C = TypeVar('C')


def stored(path: pathlib.Path, name: str, config: C) -> C:
  """The config of a run that was exported, of the type of ``config``.

  Args:
    path: the file of ``export``.
    name: of the experiment that asks.
    config: its settings.

  Raises:
    UserError: there is no such file, it is damaged, or of another experiment.
  """
  path = path.expanduser()
  manifest = container.read_manifest(path)
  found = manifest.get('experiment')
  if found != name:
    raise UserError(
      f'--model={path}: is of the experiment {found}, not of {name}; run python -m '
      f'experiments.{found} predict'
    )
  try:
    return config_lib.from_dict(config, manifest['config'])
  except KeyError as error:
    raise UserError(f'--model={path}: {container.MANIFEST} has no {error}') from None
  except UserError as error:
    raise UserError(f'--model={path}: {error}') from None


def check(path: pathlib.Path, name: str, config: Any) -> None:
  """Sees that settings are those of the run that was exported, but for how it is computed.

  Raises:
    UserError: one is not; or see ``stored``.
  """
  other = config_lib.difference(stored(path, name, type(config)()), config)
  if other:
    raise UserError(f'--model={path}: is of a run with {other}; leave that setting out')
