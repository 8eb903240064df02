"""The command line of every experiment: verbs, flags, and errors of one line.

    python -m experiments.lung_cnn [VERB] [FILES] [--FLAG=VALUE ...] [--config.NAME=VALUE ...]

``verbs`` holds what there is to do, and ``--help`` lists it.

Exit codes: 0 done; 2 something the user can fix; 3 the loss stopped being a number; 74 the disk
is full; 75 asked to end (SIGTERM) and saved: the same command continues; 76 another process of
this training is lost, which holds for it as well; 130 interrupted.
"""

import contextlib
import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
from absl import logging

from medjax import arguments, files, hosts, runtime, start
from medjax import config as config_lib
from medjax.config import Config
from medjax.errors import DiskFullError, UserError
from medjax.exported import settings as exported_settings
from medjax.verbs import VERBS
from medjax.verbs.private import Private
from medjax.verbs.run import Run
from medjax.workdir import Workdir

_PREEMPTED = 75


def main(config: Config, build: Callable[[Any], Any], argv: Sequence[str] | None = None) -> None:
  """Runs one experiment's command line and exits.

  Args:
    config: the experiment's settings with their defaults.
    build: makes the ``medjax.Experiment`` from the settings after overrides.
    argv: arguments without the program's name; those of the process otherwise.

  Raises:
    SystemExit: always; see the module's docstring for the codes.

  Example:
    >>> if __name__ == '__main__':                                 # doctest: +SKIP
    ...   medjax.main(Config(), build)
  """
  name = _experiment_name(build)
  given = list(sys.argv[1:] if argv is None else argv)
  values = arguments.define(config, VERBS)
  with one_line_errors(), contextlib.ExitStack() as held:
    if arguments.asks_help(given):
      print(arguments.help_text(name, config, VERBS))
      return
    verb, words = arguments.command(values, arguments.parse(values, given), VERBS)
    folder = Workdir(values.workdir) if values.workdir else None
    private = Private(held, values)
    if folder is not None:
      folder = private.begun(folder)
    if values.model:
      config = exported_settings.stored(pathlib.Path(values.model), name, config)
    elif folder is not None and verb.stored:
      config = folder.stored(config)
    overridden = config_lib.override(config, values)
    default = pathlib.Path('runs') / f'{name}-{config_lib.short_hash(overridden)}'
    if argv is None:
      start.restart_with_huge_pages()
      start.loaded()
    runtime.configure(xla_tuning=overridden.xla_tuning)
    hosts.join(values.coordinator, values.num_processes, values.process_id)
    logging.use_absl_handler()
    workdir, words = private.opened(folder or Workdir(default), overridden, verb.name, words)
    verb.run(Run(name, overridden, build, workdir, values), words)


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
  """Ends the process, with one line where what is inside fails for a reason the user can fix.

  Raises:
    SystemExit: always; see the module's docstring for the codes.
  """
  code = 0
  try:
    yield
  except UserError as error:
    code = _say(str(error), error.exit_code)
    if code != _PREEMPTED:  # which all are asked to do, and each has to save
      hosts.end(str(error), code)
  except OSError as error:
    full = files.is_full(error)
    where = f'{error.filename}: ' if error.filename else ''
    what = 'no space left on the disk' if full else error.strerror or str(error)
    code = _say(f'{where}{what}', DiskFullError.exit_code if full else UserError.exit_code)
  except jax.errors.JaxRuntimeError as error:
    if 'RESOURCE_EXHAUSTED' not in str(error):
      hosts.wait_for_the_end()
      raise
    code = _say(
      'the device has too little memory; try a smaller config.batch_size, or a larger '
      'config.accumulate for the same result',
      UserError.exit_code,
    )
  except KeyboardInterrupt:
    code = _say('interrupted; repeat the command to continue', 130)
  sys.exit(code)


def _say(error: str, code: int) -> int:
  print(f'error: {error}', file=sys.stderr)
  return code


def _experiment_name(build: Callable[[Any], Any]) -> str:
  """The experiment's module name, also when it was started with ``python -m``."""
  module = build.__module__
  if module == '__main__':
    spec = getattr(sys.modules['__main__'], '__spec__', None)
    module = spec.name if spec else pathlib.Path(sys.argv[0]).stem
  return module.rsplit('.', 1)[-1]
