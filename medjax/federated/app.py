"""A Flower app of an experiment: two files that ``flwr run`` sends to the server and the sites."""

import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Any

from medjax import config as config_lib
from medjax import files
from medjax.errors import UserError
from medjax.federated.settings import Settings

FEDERATION, SERVER, CONFIG = 'federation', 'server', 'config'
# What the server may be told: sites that are absent are so by themselves.
SETTINGS = tuple(field.name for field in dataclasses.fields(Settings) if field.name != 'absent')
MODULE = 'federation'
_PROJECT = 'pyproject.toml'


def write(
  folder: pathlib.Path,
  experiment: str,
  defaults: str,
  config: Any,
  settings: Settings,
  workdir: str,
  fewest: int,
  round_seconds: float,
) -> None:
  """Writes the app.

  Args:
    folder: of the app; is made.
    experiment: its module with ``build``, importable at the server and the sites.
    defaults: what there gives the settings with their defaults, such as 'Config'.
    config: settings of the experiment; where its data are is each site's to say.
    settings: of the federation.
    workdir: run folder of the server, on its machine.
    fewest: sites that a round needs.
    round_seconds: how long a site may take for a round.

  Raises:
    UserError: the folder holds something else, or cannot be written.
  """
  module = folder / f'{MODULE}.py'
  try:
    if folder.exists() and not module.exists() and any(folder.iterdir()):
      raise UserError(f'--app={folder}: holds something else; expected a new folder')
    folder.mkdir(parents=True, exist_ok=True)
    name = experiment.rsplit('.', 1)[-1]
    for path, text in (
      (module, _module(experiment, defaults)),
      (folder / _PROJECT, _project(name, config, settings, workdir, fewest, round_seconds)),
    ):
      with files.replacing(path) as new:
        new.write_text(text, encoding='utf-8')
  except OSError as error:
    raise files.unwritable(folder, error) from None


def _module(experiment: str, defaults: str) -> str:
  return f'''"""What `flwr run` has the server and every site do: train {experiment} together."""

import {experiment} as experiment
from medjax.flower import client, server

client_app = client.app(experiment.{defaults}(), experiment.build)
server_app = server.app(experiment.{defaults}(), experiment.build)
'''


def _project(
  name: str, config: Any, settings: Settings, workdir: str, fewest: int, round_seconds: float
) -> str:
  lines = [
    '[project]',
    f'name = {json.dumps(name.replace("_", "-"))}',
    'version = "1.0.0"',
    f'description = {json.dumps(f"{name} of medjax, trained at several sites")}',
    'license = "Apache-2.0"',
    'dependencies = []  # the server and the sites have medjax[federated] and the experiment',
    '',
    '[tool.flwr.app]',
    'publisher = "medjax"',
    '',
    '[tool.flwr.app.components]',
    f'serverapp = "{MODULE}:server_app"',
    f'clientapp = "{MODULE}:client_app"',
    '',
    f'[tool.flwr.app.config.{SERVER}]',
    f'workdir = {json.dumps(workdir, ensure_ascii=False)}  # on the machine of the server',
    f'fewest = {fewest}  # sites that a round needs',
    f'round_seconds = {float(round_seconds)}  # that a site may take for a round',
    '',
    f'[tool.flwr.app.config.{FEDERATION}]',
    *_values(settings.to_json(), SETTINGS),
    '',
    f'[tool.flwr.app.config.{CONFIG}]',
  ]
  for leaf in config_lib.leaves(config):
    if leaf.name != 'data.source':
      lines.append(f'{leaf.name} = {json.dumps(spell(leaf.value), ensure_ascii=False)}')
  return '\n'.join(lines) + '\n'


def spell(value: Any) -> str:
  """A setting as a flag takes it.

  Example:
    >>> spell(('a', 'b')), spell(''), spell(True)
    ('a,b', '', 'true')
  """
  return value if isinstance(value, str) else '' if value == () else config_lib.spell(value)


def _values(values: dict[str, Any], names: Sequence[str]) -> list[str]:
  return [f'{name} = {json.dumps(values[name])}' for name in names]
