"""Kernels in C++ for what XLA does slowly on a CPU, compiled on the machine that runs them.

A kernel is compiled at its first use, for this very processor, and kept in the cache folder. It is
called through JAX's foreign function interface and works on XLA's own threads. Without a C++
compiler (``c++``, or what CXX names), or with MEDJAX_NATIVE=0 in the environment, the same function
written in JAX takes its place; ``status`` says which and why.
"""

import concurrent.futures
import contextlib
import contextvars
import ctypes
import functools
import hashlib
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np

from medjax import files, machine, runtime
from medjax.errors import UserError

_FLAGS = (
  '-std=c++17',
  '-O3',
  '-march=native',
  '-ffp-contract=fast',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-fPIC',
)
_SOURCES = (
  'convolution.cc', 'few_channels.cc', 'adam.cc', 'greys.cc', 'kept.cc', 'noise.cc',
  'pool.cc', 'shared_rows.cc', 'sums.cc',
)  # fmt: skip
_HEADERS = ('matrix.h', 'memory.h', 'product.h', 'threads.h')
_KERNELS = {
  'medjax_adam': 'MedjaxAdam',
  'medjax_column_sums': 'MedjaxColumnSums',
  'medjax_conv': 'MedjaxConv',
  'medjax_conv_gradient': 'MedjaxConvGradient',
  'medjax_conv_pool': 'MedjaxConvPool',
  'medjax_conv_pool_gradient': 'MedjaxConvPoolGradient',
  'medjax_distinct': 'MedjaxDistinct',
  'medjax_few_channels': 'MedjaxFewChannels',
  'medjax_few_channels_gradient': 'MedjaxFewChannelsGradient',
  'medjax_kept': 'MedjaxKept',
  'medjax_max_pool': 'MedjaxMaxPool',
  'medjax_max_pool_gradient': 'MedjaxMaxPoolGradient',
  'medjax_noise': 'MedjaxNoise',
  'medjax_product': 'MedjaxProduct',
  'medjax_product_gradient': 'MedjaxProductGradient',
  'medjax_relu_sum': 'MedjaxReluSum',
  'medjax_relu_sum_gradient': 'MedjaxReluSumGradient',
}
_HERE = pathlib.Path(__file__).resolve().parent
_wanted = contextvars.ContextVar('native_kernels', default=True)
_portable = contextvars.ContextVar('portable', default=False)


class UnavailableError(RuntimeError):
  """Kernels cannot be compiled or loaded here; the message says why."""


@contextlib.contextmanager
def disabled() -> Iterator[None]:
  """Functions traced inside use JAX alone.

  Example:
    >>> with disabled():
    ...   available()
    False
  """
  token = _wanted.set(False)
  try:
    yield
  finally:
    _wanted.reset(token)


@contextlib.contextmanager
def portable() -> Iterator[None]:
  """Functions traced inside suit any platform: no kernels, no forms that only a CPU is fast with.

  Example:
    >>> with portable():
    ...   available(), on_cpu()
    (False, False)
  """
  token = _portable.set(True)
  try:
    with disabled():
      yield
  finally:
    _portable.reset(token)


def on_cpu() -> bool:
  """Whether a function traced now is for a CPU alone, and may take the form that is fast there."""
  return jax.default_backend() == 'cpu' and not _portable.get()


def available() -> bool:
  """Whether a function traced now calls kernels: on a CPU, compiled, and not turned off."""
  return status() == 'used'


def status() -> str:
  """'used', or why the kernels are not."""
  if not _wanted.get():
    return 'not used: turned off'
  if jax.default_backend() != 'cpu':
    return f'not used: none for {jax.default_backend()}'
  try:
    library()
  except UnavailableError as error:
    return f'not used: {error}'
  return 'used'


def note() -> str:
  """What a user on a CPU should know who trains without the kernels and did not ask to; or ''."""
  if jax.default_backend() != 'cpu' or os.environ.get('MEDJAX_NATIVE') == '0' or available():
    return ''
  return (
    f'kernels in C++ are {status()}; with a C++ compiler (g++) networks train about twice as fast'
  )


def lanes() -> int:
  """Numbers in a vector of this processor: channels that a kernel works on at a time.

  Raises:
    UnavailableError: there is no kernel.
  """
  return library().MedjaxLanes()


def call(
  name: str,
  results: Sequence[tuple[Sequence[int], Any]],
  *args: jax.Array,
  in_place: int = 0,
  **attrs: int,
) -> Any:
  """Calls a kernel; under ``jax.vmap`` once for each element.

  Args:
    name: in ``_KERNELS``.
    results: shape and dtype of each.
    *args: the kernel's arrays.
    in_place: how many of the first results may take the memory of the arrays in the same places.
    **attrs: the kernel's numbers.
  """
  shapes = [jax.ShapeDtypeStruct(tuple(shape), dtype) for shape, dtype in results]
  numbers = {key: np.int64(value) for key, value in attrs.items()}
  shared = {i: i for i in range(in_place)}
  kernel = jax.ffi.ffi_call(name, shapes, vmap_method='sequential', input_output_aliases=shared)
  return kernel(*args, **numbers)


def asked(*primals: Any) -> tuple[()] | None:
  """Whether the gradient of any of these is needed, in a form that can be kept for the way back.

  Args:
    *primals: arguments of a function with ``custom_vjp`` and ``symbolic_zeros``.

  Returns:
    None where it is not.
  """
  return () if any(primal.perturbed for primal in primals) else None


@functools.cache
def library() -> ctypes.CDLL:
  """The compiled kernels, which JAX knows by the names in ``_KERNELS`` from now on.

  Raises:
    UnavailableError: as ``built``, or they cannot be loaded.
  """
  try:
    kernels = ctypes.CDLL(str(built()))
  except OSError as error:
    raise UnavailableError(str(error)) from None
  for name, symbol in _KERNELS.items():
    jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(getattr(kernels, symbol)), platform='cpu')
  return kernels


def ready() -> ctypes.CDLL | None:
  """The kernels, if they were compiled before and are used: what is not worth it asks for these."""
  if not _wanted.get() or os.environ.get('MEDJAX_NATIVE') == '0':
    return None
  return library() if library.cache_info().currsize else _ready()


@functools.cache
def _ready() -> ctypes.CDLL | None:
  with contextlib.suppress(UnavailableError):
    built(compiles=False)
    return library()
  return None


def built(*, compiles: bool = True) -> pathlib.Path:
  """The file of the compiled kernels, made once for a processor and a compiler, whole and private.

  Args:
    compiles: if they were not compiled before.

  Raises:
    UnavailableError: turned off, no compiler, it failed, or others can write where they are kept;
      or they were not compiled and are not to be.
  """
  if os.environ.get('MEDJAX_NATIVE', '1') == '0':
    raise UnavailableError('turned off')
  sources = [_HERE / name for name in _SOURCES]
  compiler = shutil.which(os.environ.get('CXX', 'c++'))
  if compiler is None:
    raise UnavailableError('no C++ compiler found')
  command = [compiler, *_FLAGS, '-isystem', jax.ffi.include_dir()]
  try:
    version = subprocess.run([compiler, '--version'], capture_output=True, check=True).stdout
    texts = [path.read_bytes() for path in (*sources, *(_HERE / name for name in _HEADERS))]
    # Without the path of the sources: another checkout of the same ones compiles nothing.
    parts = (*texts, ' '.join([compiler, *_FLAGS]).encode(), version, _processor())
    key = hashlib.sha256(b'\0'.join(parts)).hexdigest()[:16]
    folder = runtime.cache_folder() / 'native'
    files.make_private(folder)
    found = _compiled(folder, key)
    if not found and not compiles:
      raise UnavailableError('not compiled yet')
    return found or _compile(command, sources, folder, key)
  except subprocess.CalledProcessError as error:
    messages = (error.stderr or b'').decode(errors='replace').strip().splitlines()
    raise UnavailableError(f'{compiler} failed: {messages[0] if messages else error}') from None
  except (OSError, RuntimeError, UserError) as error:  # such as a user without a home folder
    raise UnavailableError(str(error)) from None


def _compiled(folder: pathlib.Path, key: str) -> pathlib.Path | None:
  """The library that was compiled before, if it is whole; loading a damaged one ends the process.

  Its name holds the digest of its content. Damaged ones are removed.
  """
  for file in sorted(folder.glob(f'{key}-*.so')):
    if file.name == _name(key, file):
      files.require_own(file)
      return file
    file.unlink(missing_ok=True)
  return None


def _compile(
  command: list[str], sources: Sequence[pathlib.Path], folder: pathlib.Path, key: str
) -> pathlib.Path:
  """Compiles to names of its own first: other processes may be at it as well."""
  with tempfile.TemporaryDirectory(dir=folder) as own:
    made = pathlib.Path(own) / 'kernels.so'
    print('compiling kernels in C++, once', file=sys.stderr, flush=True)

    def run(*arguments: pathlib.Path | str) -> None:
      subprocess.run([*command, *map(str, arguments)], capture_output=True, check=True)

    def object_of(source: pathlib.Path) -> pathlib.Path:
      file = made.with_name(f'{source.stem}.o')
      run('-c', source, '-o', file)
      return file

    # Most of the time goes into JAX's header, once for each.
    with concurrent.futures.ThreadPoolExecutor(machine.cores()) as pool:
      objects = list(pool.map(object_of, sources))
    run('-shared', *objects, '-o', made)
    return made.replace(folder / _name(key, made))


def _name(key: str, file: pathlib.Path) -> str:
  return f'{key}-{files.digest(file).removeprefix("sha256:")[:16]}.so'


def _processor() -> bytes:
  """What the compiler's 'native' stands for: a home folder may serve unlike machines."""
  try:
    lines = pathlib.Path('/proc/cpuinfo').read_bytes().splitlines()
  except OSError:
    return platform.processor().encode()
  kinds = (b'flags', b'Features', b'model\t', b'cpu family')
  return b'\n'.join(sorted({line for line in lines if line.startswith(kinds)}))
