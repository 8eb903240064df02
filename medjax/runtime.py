"""Process-wide set-up: environment, XLA options, compilation cache, devices, signals.

Nothing else in medjax touches these, except ``start``, before JAX is loaded. ``configure`` runs
before the first JAX computation, from the command line alone: importing medjax changes nothing in
the process.
"""

import collections
import contextlib
import dataclasses
import functools
import importlib.metadata
import multiprocessing
import os
import pathlib
import platform
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.experimental.compilation_cache import compilation_cache as compilation_cache_lib
from PIL import Image

from medjax import files, machine
from medjax.errors import UserError

# jaxlib versions on which these options were seen to work: XLA aborts on a name it does not know.
_TUNED_JAXLIB = ((0, 10, 2), (0, 13))
_XLA_CPU = (
  '--xla_cpu_experimental_ynn_fusion_type=LIBRARY_FUSION_TYPE_DOT,LIBRARY_FUSION_TYPE_REDUCE'
)
_IMPORTED = time.monotonic()
_begun = threading.Event()


def configure(*, xla_tuning: bool = True, share_device: bool = False) -> None:
  """Sets XLA options and the persistent compilation cache; call before the first computation.

  Args:
    xla_tuning: add options that make training faster and use the kernels of ``ops.native``; the
      user's own XLA_FLAGS and MEDJAX_NATIVE always win.
    share_device: leave an accelerator's memory to other processes until it is needed.
  """
  # Several devices in one CPU process wait for each other: with fewer threads than devices they
  # deadlock (jax 0.10).
  os.environ.setdefault('NPROC', '16')
  given = os.environ.get('XLA_FLAGS', '')
  if xla_tuning and 'ynn_fusion_type' not in given and _jaxlib_is_tuned():
    os.environ['XLA_FLAGS'] = f'{_XLA_CPU} {given}'.strip()
  if not xla_tuning:
    os.environ.setdefault('MEDJAX_NATIVE', '0')
  if share_device:
    os.environ.setdefault('XLA_PYTHON_CLIENT_PREALLOCATE', 'false')
    os.environ.setdefault('TF_FORCE_GPU_ALLOW_GROWTH', 'true')
  # A float32 product is one on every device: a GPU's default keeps 10 bits of its factors (TF32)
  # and a TPU's 7, of which no coefficient, Shapley value or full-batch optimum is right.
  if 'JAX_DEFAULT_MATMUL_PRECISION' not in os.environ:
    jax.config.update('jax_default_matmul_precision', 'highest')
  # Larger images are refused by name where they are decoded; Pillow's own warning adds nothing.
  warnings.filterwarnings('ignore', category=Image.DecompressionBombWarning)
  files.keep_to_owner()
  if 'JAX_COMPILATION_CACHE_DIR' not in os.environ:
    _keep_programs(cache_folder() / 'compiled')
  _begun.set()


def _keep_programs(folder: pathlib.Path) -> None:
  """Keeps compiled programs there, which are code: not where others could put theirs.

  JAX writes each with a checksum, and compiles again where one is damaged.
  """
  try:
    files.make_private(folder)
  except (OSError, UserError) as error:
    print(f'speed: compiled programs are not kept: {error}', file=sys.stderr)
    return
  jax.config.update('jax_compilation_cache_dir', str(folder))


@contextlib.contextmanager
def programs_in(folder: pathlib.Path) -> Iterator[None]:
  """Keeps compiled programs in another folder for a while: their constants may be data."""
  name = 'JAX_COMPILATION_CACHE_DIR'
  before, in_environment = jax.config.values['jax_compilation_cache_dir'], os.environ.get(name)
  tuned = jax.config.values['jax_persistent_cache_enable_xla_caches']
  # XLA's own caches would make the folder's name a part of each program's key.
  jax.config.update('jax_persistent_cache_enable_xla_caches', 'none')
  os.environ[name] = str(folder)  # for processes that this one starts
  jax.config.update('jax_compilation_cache_dir', str(folder))
  compilation_cache_lib.reset_cache()  # it remembers where it is
  try:
    yield
  finally:
    os.environ.pop(name)
    if in_environment is not None:
      os.environ[name] = in_environment
    jax.config.update('jax_persistent_cache_enable_xla_caches', tuned)
    jax.config.update('jax_compilation_cache_dir', before)
    compilation_cache_lib.reset_cache()


@contextlib.contextmanager
def kept_to_owner() -> Iterator[None]:
  """Only this user can open what this process writes meanwhile, and it leaves no core dump."""
  before, limits = os.umask(0o077), None
  try:
    with contextlib.suppress(ImportError, ValueError, OSError):
      import resource  # not on Windows

      limits = resource.getrlimit(resource.RLIMIT_CORE)
      resource.setrlimit(resource.RLIMIT_CORE, (0, limits[1]))
    yield
  finally:
    os.umask(before)
    if limits is not None:
      resource.setrlimit(resource.RLIMIT_CORE, limits)


def use_key(reference: str) -> None:
  """This process and those that it starts take the key of encrypted data from there."""
  os.environ['MEDJAX_KEY'] = reference


@contextlib.contextmanager
def compilation_cache(enabled: bool) -> Iterator[None]:
  """Turns the persistent compilation cache on or off for a while, to measure what it saves."""
  before = jax.config.values['jax_enable_compilation_cache']
  jax.config.update('jax_enable_compilation_cache', enabled)
  compilation_cache_lib.reset_cache()  # it remembers whether it is in use
  try:
    yield
  finally:
    jax.config.update('jax_enable_compilation_cache', before)
    compilation_cache_lib.reset_cache()


@contextlib.contextmanager
def without_source_paths() -> Iterator[None]:
  """Programs made inside do not name the files of this machine from which they come."""
  name = 'jax_traceback_in_locations_limit'
  before = jax.config.values[name]
  jax.config.update(name, 0)
  try:
    yield
  finally:
    jax.config.update(name, before)


@functools.cache
def compile_clock() -> 'CompileClock':
  """The one clock of this process, from when it is first asked for."""
  return CompileClock()


class CompileClock:
  """Seconds that this process has spent on tracing and compiling; see ``compile_clock``.

  JAX tells of each piece of that work when it ends; a piece within another counts once.
  """

  def __init__(self) -> None:
    self._pieces: list[tuple[float, float]] = []  # start and end, none within another
    jax.monitoring.register_event_duration_secs_listener(self._note)

  def __call__(self) -> float:
    """Seconds so far."""
    return sum(end - start for start, end in self._pieces)

  def _note(self, event: str, duration_secs: float, **_: str | int) -> None:
    if not event.startswith('/jax/core/compile/'):
      return
    end = time.monotonic()
    start = end - duration_secs
    while self._pieces and self._pieces[-1][0] >= start:
      self._pieces.pop()
    self._pieces.append((start, end))


def since_start() -> float:
  """Seconds since this process started, on Linux; elsewhere since medjax was imported."""
  try:
    ticks = pathlib.Path('/proc/self/stat').read_text().rpartition(')')[2].split()[19]
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(ticks) / os.sysconf('SC_CLK_TCK')
  except (OSError, AttributeError, ValueError):
    return time.monotonic() - _IMPORTED


def quiet_tfds() -> None:
  """Turns off the many progress bars with which TFDS would break up a run's own output."""
  import tensorflow_datasets as tfds  # here, so that --help need not load it

  tfds.disable_progress_bar()


def _jaxlib_is_tuned() -> bool:
  numbers = importlib.metadata.version('jaxlib').split('.')[:3]
  version = tuple(int(n) for n in numbers if n.isdigit())
  return platform.machine() == 'x86_64' and _TUNED_JAXLIB[0] <= version < _TUNED_JAXLIB[1]


@dataclasses.dataclass(frozen=True)
class Devices:
  """The devices that one training uses.

  Attributes:
    all: of every host, in the same order on every host.
    local: those of this host.
    shards: devices that hold one state between them, each a part; see ``training.sharded``.
  """

  all: tuple[jax.Device, ...]
  local: tuple[jax.Device, ...]
  shards: int = 1

  def replicate(self, tree: Any) -> Any:
    """Arrays with a copy on every device of this host, as ``jax.pmap`` takes them unchanged."""
    mesh = jax.sharding.Mesh(np.array(self.local), ('data',))
    return jax.device_put(tree, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec()))


def devices(count: int = 0) -> Devices:
  """The first ``count`` devices of every host; 0 is all.

  Raises:
    UserError: this host has fewer.
  """
  mine = jax.local_devices()
  if count > len(mine):
    raise UserError(f'config.num_devices={count}: expected at most {len(mine)}, what this host has')
  chosen, taken = [], collections.Counter[int]()
  for device in jax.devices():
    if not count or taken[device.process_index] < count:
      chosen.append(device)
    taken[device.process_index] += 1
  local = tuple(d for d in chosen if d.process_index == jax.process_index())
  return Devices(tuple(chosen), local)


class Preemption:
  """Whether the system has asked this run to end (SIGTERM), the same answer on every host.

  Example:
    >>> with Preemption() as preemption:                           # doctest: +SKIP
    ...   if preemption.requested(step):
    ...     save()
  """

  def __init__(self) -> None:
    self._asked = False

  def __enter__(self) -> 'Preemption':
    # With several hosts jax.distributed listens itself and the hosts agree on a step to stop at.
    if jax.process_count() == 1:
      self._previous = signal.signal(signal.SIGTERM, self._note)
    return self

  def __exit__(self, *_: object) -> None:
    if jax.process_count() == 1:
      signal.signal(signal.SIGTERM, self._previous)

  def _note(self, *_: object) -> None:
    self._asked = True

  def requested(self, step: int) -> bool:
    """Whether to save and stop after update number ``step``; ask once for every step."""
    if jax.process_count() > 1:
      return multihost_utils.reached_preemption_sync_point(step)
    return self._asked


def spare_mappings(most: int = 30_000) -> None:
  """Forgets compiled programs where this process has more than ``most`` mappings of memory (Linux).

  XLA takes about a dozen for every program. Linux allows 65,530 by default, and XLA ends the
  process with a segmentation fault where it gets no more: after some thousand programs, such as
  those of a hundred runs in one process. What is still in use is compiled again, or read from the
  cache.
  """
  try:
    with open('/proc/self/maps', 'rb') as file:
      count = sum(1 for _ in file)
  except OSError:
    return
  if count > most:
    jax.clear_caches()


def keep_to(cores: set[int]) -> None:
  """This process, and the devices that it makes from now on, use these cores alone (Linux)."""
  os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def deaf_children() -> Iterator[None]:
  """Processes that this thread starts inside do not hear Ctrl-C, from their beginning on."""
  before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
  try:
    yield
  finally:
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_parent() -> None:
  """This process, of ``multiprocessing``, gets SIGTERM when the one that started it has ended."""

  def wait(parent: Any) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)

  threading.Thread(target=wait, args=(multiprocessing.parent_process(),), daemon=True).start()


def begin_worker() -> None:
  """This process, of a pool, leaves Ctrl-C to the one that started it and ends with it."""
  end_with_parent()
  signal.signal(signal.SIGINT, signal.SIG_IGN)


def may_start_processes() -> bool:
  """Whether the command line began this process: scripts without a guard would begin once more."""
  return _begun.is_set() and not multiprocessing.current_process().daemon


def cache_folder() -> pathlib.Path:
  """Folder of prepared data and compiled programs: MEDJAX_CACHE, else the user's cache folder."""
  if 'MEDJAX_CACHE' in os.environ:
    return pathlib.Path(os.environ['MEDJAX_CACHE']).expanduser()
  base = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
  return pathlib.Path(base).expanduser() / 'medjax'


def environment() -> dict[str, object]:
  """Versions, device and source revision, for environment.json."""
  device = jax.devices()[0]
  return {
    'versions': {'python': platform.python_version(), **_versions()},
    'platform': platform.platform(),
    'processor': machine.processor(),
    'device': f'{device.platform}: {device.device_kind}',
    'devices': jax.device_count(),
    'processes': jax.process_count(),
    'xla_flags': os.environ.get('XLA_FLAGS', ''),
    'glibc_tunables': os.environ.get('GLIBC_TUNABLES', ''),
    'git_revision': _revision(),
    'command': without_passwords(' '.join(['python', *sys.orig_argv[1:]])),
  }


def without_passwords(text: str) -> str:
  """A text without the passwords of URLs in it.

  Example:
    >>> without_passwords('--storage=postgresql://me:secret@host/db?password=secret')
    '--storage=postgresql://me:***@host/db?password=***'
  """
  text = re.sub(r'(://[^:@/?#\s]*):[^\s]*@', r'\1:***@', text)
  return re.sub(r'(?i)([?&](?:ssl)?password=)[^&\s\'"]*', r'\1***', text)


@functools.cache
def _versions() -> dict[str, str]:
  versions = {}
  for name in (
    *('medjax', 'jax', 'jaxlib', 'flax', 'optax', 'orbax-checkpoint', 'numpy'),
    'scikit-learn',  # grows trees
  ):
    try:
      versions[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
      versions[name] = 'not installed as a package'
  return versions


@functools.cache
def _revision() -> str:
  """Commit of the source tree, with '+' when it has changes; empty outside a git checkout."""
  here = pathlib.Path(__file__).resolve().parent
  try:
    head = subprocess.run(
      ['git', 'rev-parse', 'HEAD'], cwd=here, capture_output=True, text=True, timeout=10, check=True
    ).stdout.strip()
    changed = subprocess.run(
      ['git', 'status', '--porcelain', '-uno'], cwd=here, capture_output=True, text=True, timeout=10
    ).stdout
  except (OSError, subprocess.SubprocessError):
    return ''
  return head + ('+' if changed.strip() else '')
