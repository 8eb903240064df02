"""The configuration of a Flower run: how sites train together, and the experiment's settings."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from medjax import config as config_lib
from medjax.errors import UserError
from medjax.federated import app
from medjax.federated.settings import Settings
from medjax.flower import budgets

_SOURCE = 'data.source'
# Of a site, beside its own settings of data.
_NODE = ('source', 'workdir', 'data_key', budgets.FLAG)


@dataclasses.dataclass(frozen=True)
class Plan:
  """What the server was asked to do.

  Attributes:
    config: the experiment's settings.
    settings: of the federation.
    workdir: run folder of the server.
    fewest: sites that a round needs.
    round_seconds: how long a site may take for a round.
  """

  config: Any
  settings: Settings
  workdir: str
  fewest: int
  round_seconds: float

  @classmethod
  def of(cls, config: Any, given: Mapping[str, Any]) -> 'Plan':
    """Of the experiment's settings with their defaults, and the configuration of a run.

    Raises:
      UserError: a value is missing or wrong.
    """
    own = {}
    for field in dataclasses.fields(Settings):
      if field.name in app.SETTINGS:
        own[field.name] = _typed(f'{app.FEDERATION}.{field.name}', given, type(field.default))
    settings = Settings(**own)
    settings.check()
    return cls(
      configured(config, given),
      settings,
      _typed(f'{app.SERVER}.workdir', given, str),
      _typed(f'{app.SERVER}.fewest', given, int),
      _typed(f'{app.SERVER}.round_seconds', given, float),
    )


def _typed(name: str, given: Mapping[str, Any], kind: Any) -> Any:
  value = given.get(name)
  if kind is float and type(value) is int:
    return float(value)
  if type(value) is not kind:
    raise UserError(f'pyproject.toml: {name}={value!r}: expected {kind.__name__}')
  return value


def configured(config: Any, given: Mapping[str, Any]) -> Any:
  """Settings with those of the run's configuration, without what every site has of its own."""
  return _changed(config, given, 'pyproject.toml', lambda leaf: leaf.name != _SOURCE)


def of_site(config: Any, node: Mapping[str, Any]) -> Any:
  """Settings at a site: its source, and what it says of how its data are read or computed.

  Args:
    config: settings of the federation.
    node: the site's ``--node-config``.

  Raises:
    UserError: something is missing, or is not a site's to say.
  """
  for name in _NODE[:2]:
    if not isinstance(node.get(name), str) or not node[name]:
      raise UserError(f'--node-config: {name}="..." is missing; expected a file or folder')
  if not hasattr(config.data, 'source'):
    raise UserError('the data of this experiment have no source of their own')
  own = {name: value for name, value in node.items() if name not in _NODE}
  for name in own:
    if not name.startswith('config.'):
      expected = ', '.join([*_NODE, 'config.data.NAME', 'config.privacy.NAME'])
      raise UserError(f'--node-config: {name}: expected one of {expected}')

  def allowed(leaf: Any) -> bool:
    own = leaf.name.startswith(('data.', 'privacy.'))
    return own or bool(leaf.field.metadata.get('execution'))

  more = {_SOURCE: node['source']}
  if 'config.privacy.epsilon' in own:
    more['select'] = 'last'  # a site chooses no checkpoint, and may not by private cases
  return _changed(config, own, '--node-config', allowed, more)


def _changed(
  config: Any,
  given: Mapping[str, Any],
  where: str,
  allowed: Any,
  more: Mapping[str, Any] | None = None,
) -> Any:
  leaves = {f'config.{leaf.name}': leaf for leaf in config_lib.leaves(config)}
  values = dict(more or {})
  for name, value in given.items():
    if not name.startswith('config.'):
      continue
    if name not in leaves:
      raise UserError(f'{where}: {name}: no such setting{config_lib.nearest(name, [*leaves])}')
    if not allowed(leaves[name]):
      raise UserError(f'{where}: {name}: cannot be set here')
    leaf = leaves[name]
    values[leaf.name] = config_lib.read_value(leaf, app.spell(value))
  return config_lib.changed(config, values)
