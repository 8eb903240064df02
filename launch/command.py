"""What all launchers share: a command line of two halves, and errors of one line.

    python -m launch.LAUNCHER [--FLAG=VALUE ...] -- experiments.NAME [VERB] [ARGUMENTS ...]

The first half is the launcher's, the second is passed on as it is.
"""

import argparse
import dataclasses
import difflib
import importlib.util
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from medjax.errors import UserError

_OURS = ('coordinator', 'num_processes', 'process_id')


@dataclasses.dataclass(frozen=True)
class Experiment:
  """What is to be started.

  Attributes:
    module: such as 'experiments.lung_cnn'.
    arguments: verb, flags and settings, as they were given.
  """

  module: str
  arguments: tuple[str, ...]

  @property
  def name(self) -> str:
    """The last part of the module's name."""
    return self.module.rsplit('.', 1)[-1]

  def workdir(self) -> pathlib.Path:
    """The run folder that the arguments name.

    Raises:
      UserError: they name none.
    """
    for number, argument in enumerate(self.arguments):
      flag, equals, value = argument.partition('=')
      if flag in ('--workdir', '-workdir'):
        following = self.arguments[number + 1 : number + 2]
        if folder := value if equals else ''.join(following):
          return pathlib.Path(folder).expanduser()
    raise UserError('--workdir=FOLDER: is missing; expected one that all processes see')


class Parser(argparse.ArgumentParser):
  """The launcher's own half: errors are of one line, and flags are written in full."""

  def __init__(self, prog: str, summary: str, usage: str = '[--FLAG=VALUE ...]'):
    super().__init__(
      f'python -m {prog}',
      f'python -m {prog} {usage} -- experiments.NAME [VERB] [ARGUMENTS ...]',
      summary,
      allow_abbrev=False,
    )

  def error(self, message: str) -> NoReturn:
    raise UserError(f'{message}; --help lists all flags')


def split(argv: Sequence[str]) -> tuple[list[str], Experiment]:
  """The two halves of a command line.

  Args:
    argv: arguments without the program's name.

  Returns:
    The launcher's own arguments and the experiment.

  Raises:
    UserError: there is no second half, or it sets what the launcher sets.

  Example:
    >>> split(['--processes=2', '--', 'experiments.lung_cnn', 'crossval', '--name=a b'])[1]
    Experiment(module='experiments.lung_cnn', arguments=('crossval', '--name=a b'))
  """
  cut = list(argv).index('--') if '--' in argv else len(argv)
  own, rest = list(argv[:cut]), list(argv[cut + 1 :])
  if {'-h', '--help'} & set(own):
    return own, Experiment('', ())
  if not rest:
    raise UserError('expected -- experiments.NAME [ARGUMENTS ...] after the flags of the launcher')
  module, arguments = rest[0], rest[1:]
  if not all(part.isidentifier() for part in module.split('.')):
    raise UserError(f'{module}: expected the name of a module, such as experiments.lung_cnn')
  for argument in arguments:
    flag = argument.partition('=')[0].lstrip('-')
    if argument.startswith('-') and flag in _OURS:
      raise UserError(f'{argument}: is set by the launcher; leave it out')
  return own, Experiment(module, tuple(arguments))


def check_here(experiment: Experiment) -> None:
  """Sees that the module is on this machine; loads none of it.

  Raises:
    UserError: it is not, with the nearest that is.
  """
  try:
    found = importlib.util.find_spec(experiment.module) is not None
  except ModuleNotFoundError:
    found = False
  if not found:
    known = [f'experiments.{path.stem}' for path in pathlib.Path('experiments').glob('[!_]*.py')]
    close = difflib.get_close_matches(experiment.module, known, 1)
    close += [name for name in known if name.endswith(f'.{experiment.module}')]
    hint = f'; did you mean {close[-1]}?' if close else ''
    raise UserError(f'{experiment.module}: no such module here{hint}')


def at_least_one(text: str) -> int:
  """A number from 1, for a flag.

  Raises:
    argparse.ArgumentTypeError: it is none.
  """
  if not text.isascii() or not text.isdigit() or int(text) < 1:
    raise argparse.ArgumentTypeError(f'{text!r}: expected a whole number of at least 1')
  return int(text)


def run(main: Callable[[Sequence[str]], int]) -> NoReturn:
  """Runs a launcher with this process's arguments and exits with its code.

  Raises:
    SystemExit: always; 2 after one line about something that the user can fix.
  """
  try:
    sys.exit(main(sys.argv[1:]))
  except UserError as error:
    message = str(error)
  except OSError as error:
    message = f'{error.filename}: {error.strerror}' if error.filename else str(error)
  print(f'error: {message}', file=sys.stderr)
  sys.exit(UserError.exit_code)
