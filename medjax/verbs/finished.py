"""Whether a run is as its last evaluation left it, so that there is nothing to compute.

What an evaluation gives follows from the settings, the examples, the checkpoints, the source, the
versions of the packages and the device. ``finished.json`` holds a digest of these and one of every
file of the run folder. Where both are the same, the same figures would be computed again.
"""

import concurrent.futures
import contextlib
import functools
import hashlib
import json
import os
import pathlib
import sys
import sysconfig

from medjax import config as config_lib
from medjax import files, runtime, sealed
from medjax.config import Config
from medjax.errors import UserError
from medjax.experiment import Experiment
from medjax.ops import native
from medjax.workdir import SEAL, Workdir

# What differs from one command to the next and changes no figure.
_OF_A_COMMAND = ('command', 'git_revision')
_SOURCES = ('py', 'cc', 'h', 'html')
_DEEPEST = 4  # folders between a checkpoint and a file of it


def causes(experiment: Experiment, config: Config) -> str:
  """A digest of what results follow from, but for the files of the run folder.

  Args:
    experiment: of the run, as it was built now.
    config: settings of the run, those of how it is computed included.
  """
  about = {k: v for k, v in runtime.environment().items() if k not in _OF_A_COMMAND}
  summary = experiment.data.summary()
  parts = [config_lib.to_dict(config), summary['fingerprint'], about, native.status(), _source()]
  return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()


def note(workdir: Workdir, caused_by: str) -> None:
  """Notes the run folder as it stands, after an evaluation and its report were written."""
  digests = {workdir.name(path): _digest_when_written(path) for path in _files(workdir)}
  workdir.write(workdir.finished, {'causes': caused_by, 'files': digests})


def stands(workdir: Workdir, caused_by: str) -> bool:
  """Whether every file is as it was noted, and had the same causes as it would have now."""
  with contextlib.suppress(UserError, OSError):
    noted = workdir.read(workdir.finished)
    workdir.read(workdir.environment)  # changes with every command, but is to be whole
    found = _files(workdir)
    if noted['causes'] != caused_by or {*map(workdir.name, found)} != noted['files'].keys():
      return False
    with concurrent.futures.ThreadPoolExecutor() as pool:
      digests = pool.map(files.digest, found)
    return all(
      noted['files'][workdir.name(path)] == digest
      for path, digest in zip(found, digests, strict=True)
    )
  return False


def _files(workdir: Workdir) -> list[pathlib.Path]:
  """Files of the run that an evaluation reads or writes, and whatever else lies there."""
  kept = {workdir.finished, workdir.environment}
  return [
    path
    for path in sorted(workdir.folder.rglob('*'))
    if path not in kept
    and workdir.tensorboard not in path.parents
    and not path.relative_to(workdir.folder).parts[0].startswith('.')
    and path.is_file()
  ]


def _digest_when_written(path: pathlib.Path) -> str:
  """That of a checkpoint's file from when it was saved, as reading it takes a while."""
  for folder in path.parents[:_DEEPEST]:
    if path.name != SEAL and (folder / SEAL).exists():
      with contextlib.suppress(UserError, KeyError):
        digests, _ = sealed.read(folder / SEAL)
        return digests[path.relative_to(folder).as_posix()]
  return files.digest(path)


def _source() -> list[str]:
  """Digests of medjax's own files, and of the modules beside it that no package installed."""
  own = pathlib.Path(__file__).parents[1]
  paths = {str(path) for ending in _SOURCES for path in own.rglob(f'*.{ending}')}
  others = (str(own), *(sysconfig.get_path(name) for name in ('stdlib', 'purelib', 'platlib')))
  elsewhere = tuple(os.path.join(folder, '') for folder in others)
  for module in list(sys.modules.values()):
    path = getattr(module, '__file__', None) or ''
    if path.endswith('.py') and not path.startswith(elsewhere):
      paths.add(path)
  return [_digest_of(path, *_state(path)) for path in sorted(paths) if os.path.isfile(path)]


def _state(path: str) -> tuple[int, int]:
  found = os.stat(path)
  return found.st_mtime_ns, found.st_size


@functools.cache
def _digest_of(path: str, modified: int, size: int) -> str:
  """Read once where nothing has changed: a command of many runs asks for each of them."""
  return files.digest(pathlib.Path(path))
