"""Typed experiment settings: declared as dataclasses, overridden by flags, checked once.

A setting is a dataclass field with a default, a meaning and the values that it allows::

  @dataclasses.dataclass
  class Config(medjax.Config):
    hidden: int = setting(512, 'Units of the dense layer.', low=1)

``parse`` turns ``--config.hidden=256`` into the field's own type, checks every field once all
overrides are in, and raises ``UserError`` with one line that names the field, the value and what
is allowed. Flags are declared and parsed by absl.
"""

import dataclasses
import difflib
import hashlib
import json
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

from absl import flags

from medjax.errors import UserError
from medjax.setting import Leaf as Leaf
from medjax.setting import allowed as allowed
from medjax.setting import check_value as check_value
from medjax.setting import leaves as leaves
from medjax.setting import read_value as read_value
from medjax.setting import setting as setting
from medjax.setting import spell as spell

T = TypeVar('T')
C = TypeVar('C')


@dataclasses.dataclass
class PrivacySettings:
  """What a trained network may tell of a patient whom it was trained on; see ``medjax.privacy``."""

  epsilon: float = setting(
    0.0, 'Budget of differentially private training; 0 trains without.', low=0.0
  )
  delta: float = setting(
    0.0,
    'Chance beyond which nothing is promised; 0 is a tenth of one over the training patients.',
    low=0.0,
    high=0.1,
  )
  clip_norm: float = setting(1.0, "Norm that each patient's gradient is cut to.", low=1e-6)
  statistics_share: float = setting(
    0.2, 'Share of the budget for centres and scales of the columns of a table.', low=0.0, high=0.9
  )
  columns: str = setting(
    '', 'CSV file that describes the columns of a table, so that nothing is spent on them.'
  )

  def validate(self) -> None:
    """Raises UserError for settings of a private training that is not one."""
    if not self.epsilon:
      for name, default in (('delta', 0.0), ('clip_norm', 1.0), ('columns', '')):
        if getattr(self, name) != default:
          raise UserError(
            f'config.privacy.{name}={getattr(self, name)}: without config.privacy.epsilon nothing '
            'is private; expected both'
          )


@dataclasses.dataclass
class Config:
  """Settings that every experiment has; an experiment subclasses it and adds its own."""

  privacy: PrivacySettings = dataclasses.field(default_factory=PrivacySettings, kw_only=True)

  seed: int = setting(0, 'Seed of everything random.', low=0, high=2**31 - 1)
  batch_size: int = setting(32, 'Examples an update, over all devices and hosts.', low=1)
  num_epochs: int = setting(10, 'Passes over the training examples.', low=1)
  validate_epochs: int = setting(1, 'Epochs between validations and checkpoints.', low=1)
  patience: int = setting(
    0, 'Stop after this many epochs without a better validation score; 0 never.', low=0
  )
  select: Literal['best', 'last'] = setting(
    'best', 'Which checkpoint is evaluated: the best on validation, if that can tell, or the last.'
  )
  learning_rate: float = setting(1e-3, 'Step size of the optimiser.', low=0.0)
  accumulate: int = setting(
    1,
    'Parts a batch is computed in, one after the other, to save memory.',
    low=1,
    execution=True,
  )
  precision: Literal['auto', 'float32', 'bfloat16'] = setting(
    'auto',
    'Compute type; auto is bfloat16 on GPU and TPU and float32 on CPU.',
  )
  feeding: Literal['auto', 'streamed', 'resident'] = setting(
    'auto',
    'Read examples as they are needed, or keep them decoded on the device.',
    execution=True,
  )
  resident_gib: float = setting(
    4.0,
    'Largest decoded training set, in GiB, that auto feeding keeps on the device.',
    low=0.0,
    execution=True,
  )
  num_devices: int = setting(0, 'Devices to use on this host; 0 is all.', low=0, execution=True)
  shard: Literal['auto', 'on', 'off'] = setting(
    'auto', 'Cut the state in parts over devices; auto where one is too small.', execution=True
  )
  checkpoint_steps: int = setting(
    0, 'Updates between checkpoints; 0 is none within an epoch.', low=0, execution=True
  )
  checkpoint_seconds: float = setting(
    30.0,
    'Least seconds between checkpoints of epochs; the best and the last are kept anyway.',
    low=0.0,
    execution=True,
  )
  keep_checkpoints: int = setting(
    2, 'Newest checkpoints kept beside the best one.', low=1, execution=True
  )
  xla_tuning: bool = setting(True, 'Choose faster XLA options for this backend.', execution=True)

  def validate(self) -> None:
    """Checks what one field alone cannot show; an experiment extends it.

    Raises:
      UserError: one line that names the fields.
    """
    if self.privacy.epsilon and self.patience:
      raise UserError(
        f'config.patience={self.patience}: when to stop would be told by private cases, without a '
        'share of config.privacy.epsilon; expected 0'
      )
    if self.privacy.epsilon and self.select == 'best':
      raise UserError(
        'config.select=best: which checkpoint is best would be told by private cases, without a '
        'share of config.privacy.epsilon; expected last'
      )
    if self.patience and self.select == 'last':
      raise UserError(
        f'config.patience={self.patience}: waits for a better checkpoint, and config.select=last '
        'takes the last one; expected one of them'
      )


@dataclasses.dataclass
class CoverageSettings:
  """How often what is said of a case shall hold; for experiments on classes and on numbers."""

  coverage: float = setting(
    0.9,
    'How often a conformal set or interval shall hold the truth.',
    low=0.5,
    high=0.999,
    execution=True,
  )


@dataclasses.dataclass
class ClassSettings(CoverageSettings):
  """How probabilities become calls; for experiments on classes."""

  operating_point: Literal['youden', 'sensitivity', 'specificity'] = setting(
    'youden',
    'How the threshold is chosen on validation: by Youden, or to reach the target.',
    execution=True,
  )
  operating_target: float = setting(
    0.9, 'Sensitivity or specificity to reach on validation.', low=0.0, high=1.0, execution=True
  )
  calibration: Literal['auto', 'platt', 'temperature', 'isotonic', 'none'] = setting(
    'auto', 'How probabilities are calibrated on validation.', execution=True
  )
  conformal: Literal['mondrian', 'split'] = setting(
    'mondrian', 'Sets that cover in each class, or over all cases.', execution=True
  )


@dataclasses.dataclass
class ExplanationSettings:
  """How the report explains cases; for experiments on inputs that have methods for it."""

  explanation: str = setting(
    'integrated_gradients',
    "How the report explains the cases that it shows; 'none' for not at all.",
    execution=True,
  )


def part(config: Any, settings: type[T]) -> T:
  """The config itself where it has these settings, otherwise their defaults.

  Example:
    >>> part(Config(), CoverageSettings).coverage
    0.9
  """
  return config if isinstance(config, settings) else settings()


def check(config: Any) -> None:
  """Checks every setting's type and range, then ``config.validate()``.

  Raises:
    UserError: for the first setting that is wrong, naming it, its value and what is allowed.
  """
  for leaf in leaves(config):
    check_value(leaf, leaf.value)
  for part in [config, *(v for v in vars(config).values() if dataclasses.is_dataclass(v))]:
    if hasattr(part, 'validate'):
      part.validate()


def _assign(config: Any, name: str, value: Any) -> None:
  *owners, last = name.split('.')
  for owner in owners:
    config = getattr(config, owner)
  setattr(config, last, value)


def declare(config: Any, values: flags.FlagValues) -> None:
  """Declares ``--config.NAME`` in ``values`` for every setting of ``config``."""
  for leaf in leaves(config):
    flags.DEFINE_string(
      f'config.{leaf.name}',
      None,
      f'{leaf.meaning} ({allowed(leaf)}; default {spell(leaf.value)!s})',
      flag_values=values,
    )


def override(config: C, values: flags.FlagValues) -> C:
  """A checked copy of ``config`` with the overrides that ``values`` were given.

  Raises:
    UserError: a value of the wrong type or out of range.
  """
  config = _copy(config)
  for leaf in list(leaves(config)):
    text = values[f'config.{leaf.name}'].value
    if text is not None:
      _assign(config, leaf.name, read_value(leaf, text))
  if (
    isinstance(config, Config) and config.privacy.epsilon and values['config.select'].value is None
  ):
    config.select = 'last'  # the other default is refused with a budget
  check(config)
  return config


def changed(config: C, values: Mapping[str, Any]) -> C:
  """A checked copy of ``config`` with other values of some settings, by their dotted names.

  Raises:
    UserError: a value of the wrong type or out of range.

  Example:
    >>> changed(Config(), {'batch_size': 8}).batch_size
    8
  """
  config = _copy(config)
  for name, value in values.items():
    _assign(config, name, value)
  check(config)
  return config


def nearest(name: str, names: Sequence[str]) -> str:
  """``; did you mean X?`` for the closest of ``names``, or nothing when none is close."""
  close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
  if not close:  # a forgotten or wrong prefix: compare the last part alone
    last = {n.rsplit('.', 1)[-1]: n for n in names}
    close = [last[n] for n in difflib.get_close_matches(name.rsplit('.', 1)[-1], last, n=1)]
  return f'; did you mean {close[0]}?' if close else ''


def to_dict(config: Any) -> dict[str, Any]:
  """The config as nested dicts of JSON values."""
  return json.loads(json.dumps(dataclasses.asdict(config)))


def from_dict(config: C, stored: dict[str, Any]) -> C:
  """A copy of ``config`` with the values of ``to_dict``; settings it lacks keep their default.

  Raises:
    UserError: a stored setting that this config does not have, or a value that it does not allow.
  """
  config = _copy(config)
  known = {leaf.name: leaf for leaf in leaves(config)}
  for name, value in flatten(stored).items():
    if name not in known:
      raise UserError(
        f'config.json: this experiment has no setting {name}{nearest(name, [*known])}; another '
        'experiment or an earlier version of medjax wrote this run'
      )
    if typing.get_origin(known[name].kind) is tuple:
      value = tuple(value)
    _assign(config, name, value)
  check(config)
  return config


def difference(before: Any, config: Any) -> str:
  """The first setting that differs, but for how a run is computed, in words; '' for none.

  Example:
    >>> difference(Config(batch_size=32), Config(batch_size=8))
    'config.batch_size=32, not 8'
  """
  stored = {leaf.name: leaf.value for leaf in leaves(before)}
  for leaf in leaves(config):
    was = stored[leaf.name]
    if leaf.value != was and not leaf.field.metadata.get('execution'):
      return f'config.{leaf.name}={spell(was)}, not {spell(leaf.value)}'
  return ''


def flatten(stored: dict[str, Any], prefix: str = '') -> dict[str, Any]:
  """Nested dicts as one dict with dotted names."""
  flat: dict[str, Any] = {}
  for name, value in stored.items():
    flat |= (
      flatten(value, f'{prefix}{name}.') if isinstance(value, dict) else {prefix + name: value}
    )
  return flat


def short_hash(config: Any) -> str:
  """Eight hexadecimal digits that change with any setting."""
  text = json.dumps(to_dict(config), sort_keys=True)
  return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


def _copy(config: C) -> C:
  parts = {
    f.name: _copy(v) if dataclasses.is_dataclass(v) else v
    for f in dataclasses.fields(config)  # type: ignore[arg-type]
    for v in [getattr(config, f.name)]
  }
  return type(config)(**parts)
