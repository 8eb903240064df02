"""What the command line takes: verbs that own their flags, and the help that lists them."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from absl import flags

from medjax import config as config_lib
from medjax.config import Config
from medjax.errors import UserError


@dataclasses.dataclass(frozen=True)
class Flag:
  """A flag of the command line.

  Attributes:
    name: without dashes.
    default: its value where it is not given, which says its type; None is a number that is not
      given.
    meaning: one line for ``--help``.
    value: what stands for its value in ``--help``; '' for a switch.
    low: the smallest value allowed, for numbers.
    number: what a number is, where ``default`` does not say it.
  """

  name: str
  default: str | int | float | bool | None
  meaning: str
  value: str = ''
  low: int | None = None
  number: type[int] | type[float] = int

  def define(self, values: flags.FlagValues) -> None:
    """Adds the flag to those that are parsed."""
    about: dict[str, Any] = {'flag_values': values}
    if isinstance(self.default, bool):
      flags.DEFINE_boolean(self.name, self.default, self.meaning, **about)
    elif isinstance(self.default, str):
      flags.DEFINE_string(self.name, self.default, self.meaning, **about)
    elif self.number is float or isinstance(self.default, float):
      flags.DEFINE_float(self.name, self.default, self.meaning, lower_bound=self.low, **about)
    else:
      flags.DEFINE_integer(self.name, self.default, self.meaning, lower_bound=self.low, **about)

  def help(self) -> str:
    """Its line of ``--help``."""
    shown = f'--{self.name}={self.value}' if self.value else f'--{self.name}'
    return f'    {shown:<22}{self.meaning}'


@dataclasses.dataclass(frozen=True)
class Verb:
  """Something that an experiment's command line can do.

  Attributes:
    name: the word.
    meaning: one line for ``--help``.
    run: does it, with what the process knows of the run and the words after the verb.
    flags: its own flags; of another verb they are refused.
    words: what stands for the words after it in ``--help``; '' where it takes none.
    stored: whether it works on a finished run, whose settings are those of its folder.
  """

  name: str
  meaning: str
  run: Callable[[Any, Sequence[str]], None]
  flags: tuple[Flag, ...] = ()
  words: str = ''
  stored: bool = False


COMMON = (
  Flag('workdir', '', 'run folder (default runs/NAME-<hash of the settings>)', 'FOLDER'),
  Flag('data_key', '', 'where the key of encrypted data is: file:PATH, keyring:NAME, ...', 'PLACE'),
  Flag('coordinator', '', "host and port of process 0, or 'auto' on a cluster", 'H:P'),
  Flag('num_processes', 1, 'processes of this run, with --coordinator=H:P', 'N'),
  Flag('process_id', 0, 'number of this process, with --coordinator=H:P', 'I'),
)


def define(config: Config, verbs: Sequence[Verb]) -> flags.FlagValues:
  """The flags of all verbs, and the experiment's own settings as ``--config.NAME``."""
  values = flags.FlagValues()
  values.set_gnu_getopt(True)
  own = {flag.name: flag for verb in verbs for flag in verb.flags}
  for flag in (*COMMON, *own.values()):
    flag.define(values)
  config_lib.declare(config, values)
  return values


def parse(values: flags.FlagValues, given: list[str]) -> list[str]:
  """Fills ``values`` from arguments; returns those that are no flags.

  Raises:
    UserError: a flag that does not exist, with the nearest that does, or a value it does not take.
  """
  try:
    return values(['experiment', *given], known_only=False)[1:]
  except flags.UnrecognizedFlagError as error:
    wrong = error.flagname
    close = config_lib.nearest(wrong, list(values))
    close = close.replace('mean ', 'mean --') or '; --help lists all'
    shown = next((g for g in given if g.lstrip('-').split('=')[0] == wrong), f'--{wrong}')
    raise UserError(f'{shown}: no such setting{close}') from None
  except flags.Error as error:
    raise UserError(str(error).splitlines()[0]) from None


def command(
  values: flags.FlagValues, rest: Sequence[str], verbs: Sequence[Verb]
) -> tuple[Verb, list[str]]:
  """The verb, the first one where none is named, and the words that follow it.

  Raises:
    UserError: there is no such verb, it takes no words, or a flag is of another verb.
  """
  named = {verb.name: verb for verb in verbs}
  name, words = (rest[0], list(rest[1:])) if rest else (verbs[0].name, [])
  if name not in named:
    close = config_lib.nearest(name, list(named))
    raise UserError(f'{name}: no such verb; expected one of {", ".join(named)}{close}')
  verb = named[name]
  if words and not verb.words:
    taking = [other.name for other in verbs if other.words]
    raise UserError(f'{name} {words[0]}: only {_listed(taking)} take files or folders')
  own = {flag.name for flag in (*COMMON, *verb.flags)}
  for flag in dict.fromkeys(flag.name for other in verbs for flag in other.flags):
    if values[flag].present and flag not in own:
      owners = [other.name for other in verbs if flag in {one.name for one in other.flags}]
      raise UserError(f'--{flag}: is a flag of {_listed(owners)}, not of {name}')
  return verb, words


def asks_help(given: list[str]) -> bool:
  """Whether arguments ask for help, wherever they do."""
  return any(flag in given for flag in ('--help', '-h', '--helpfull'))


def help_text(name: str, config: Config, verbs: Sequence[Verb]) -> str:
  """What --help prints: every verb with its own flags, the flags of all, and the settings."""
  lines = [f'python -m experiments.{name} [VERB] [--FLAG=VALUE ...]', '', 'Verbs:']
  for number, verb in enumerate(verbs):
    usual = ' (the default)' if number == 0 else ''
    lines.append(f'  {f"{verb.name} {verb.words}".strip():<24}{verb.meaning}{usual}')
    lines += [flag.help() for flag in verb.flags]
  lines += ['', 'Flags of every verb:', *(flag.help()[2:] for flag in COMMON), '']
  return '\n'.join([*lines, *settings_help(config)])


def settings_help(config: Any) -> list[str]:
  """Lines for --help: every setting with its default, meaning and allowed values."""
  lines = ['Settings:']
  for leaf in config_lib.leaves(config):
    lines.append(f'  --config.{leaf.name}={config_lib.spell(leaf.value)}')
    lines.append(f'      {leaf.meaning} ({config_lib.allowed(leaf)})')
  return lines


def _listed(names: Sequence[str]) -> str:
  """Names as in a sentence.

  Example:
    >>> _listed(['train', 'bench', 'predict'])
    'train, bench and predict'
  """
  return ' and '.join(filter(None, [', '.join(names[:-1]), names[-1]]))
