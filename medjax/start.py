"""What a command does first, before anything large is loaded.

``python -m experiments.NAME`` calls ``command`` when the package is loaded, before JAX;
``medjax.main`` calls ``loaded`` when all modules are there.
"""

import gc
import os
import platform
import sys

_HUGE_PAGES = 'glibc.malloc.hugetlb=1'
_RESTARTED = 'MEDJAX_RESTARTED'
_NO_RESTART = 'MEDJAX_NO_RESTART'
_COLLECTION = gc.get_threshold()


def command() -> None:
  """Starts the process again with huge pages, and collects little garbage until ``loaded``.

  Loading JAX and its friends makes many objects and next to no garbage, so that looking for it is
  time lost.
  """
  restart_with_huge_pages()
  gc.set_threshold(100_000, 20, 100)


def loaded() -> None:
  """All modules are there: what they hold is never garbage, and is not looked at again."""
  gc.freeze()
  gc.set_threshold(*_COLLECTION)


def restart_with_huge_pages() -> None:
  """Starts this command once more with transparent huge pages for large buffers (Linux, glibc).

  XLA maps its temporary buffers of hundreds of MB afresh at every step on a CPU, and glibc reads
  the setting only when a process starts: with it the reference CNN trains about 1.4 times faster.
  The process keeps its number, arguments and terminal. Set MEDJAX_NO_RESTART=1 to prevent it; it
  does nothing where GLIBC_TUNABLES already names the option, nor outside Linux with glibc.
  """
  if (
    os.environ.get(_NO_RESTART)
    or os.environ.get(_RESTARTED)
    or 'glibc.malloc.hugetlb' in os.environ.get('GLIBC_TUNABLES', '')
    or not huge_pages()
  ):
    return
  os.environ.update(huge_pages())
  os.environ[_RESTARTED] = '1'
  sys.stdout.flush()
  sys.stderr.flush()
  os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def huge_pages() -> dict[str, str]:
  """Environment variables that give a process huge pages; none outside Linux with glibc."""
  if sys.platform != 'linux' or platform.libc_ver()[0] != 'glibc':
    return {}
  tunables = os.environ.get('GLIBC_TUNABLES', '')
  return {'GLIBC_TUNABLES': f'{tunables}:{_HUGE_PAGES}' if tunables else _HUGE_PAGES}
