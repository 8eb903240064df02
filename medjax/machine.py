"""What machine this is, and how much of it this process may use, where somebody limits that.

``os.cpu_count`` and /proc/meminfo tell of the whole machine. A container, a pod or a Slurm job is
given a part of it by Linux's control groups, of which any folder above that of the process may set
a limit; more threads than cores slow each other down, and more memory than that ends the process.

Source: the kernel's Documentation/admin-guide, cgroup-v2.rst and cgroup-v1/memory.rst.
"""

import contextlib
import functools
import math
import os
import pathlib
import platform
from collections.abc import Iterator

_ROOT = pathlib.Path('/')


def cores(root: pathlib.Path = _ROOT) -> int:
  """Cores that this process may keep busy, at least 1.

  Args:
    root: where /proc and /sys are.
  """
  try:
    count = len(os.sched_getaffinity(0))
  except AttributeError:  # not on Linux
    count = os.cpu_count() or 1
  return max(1, math.ceil(min([count, *_quotas(root)])))


@functools.cache
def processor() -> str:
  """Name, cores and vectors: one name may stand for generations that differ in speed by half."""
  name, vectors = platform.processor() or platform.machine(), ''
  try:
    for line in pathlib.Path('/proc/cpuinfo').read_text().splitlines():
      key, _, value = line.partition(':')
      if key.strip() == 'model name':
        name = value.strip()
      elif key.strip() == 'flags':
        known = {'avx512f': 'AVX-512', 'avx2': 'AVX2', 'avx': 'AVX'}
        vectors = next((f', {v}' for k, v in known.items() if k in value.split()), '')
  except OSError:
    pass
  return f'{name}, {os.cpu_count()} cores{vectors}'


def free_memory(root: pathlib.Path = _ROOT) -> int:
  """Bytes of memory that this process may still take; half of the machine's where nobody says."""
  with contextlib.suppress(OSError, KeyError, ValueError, IndexError):
    lines = (line.split(':', 1) for line in (root / 'proc/meminfo').read_text().splitlines())
    available = int(dict(lines)['MemAvailable'].split()[0]) * 1024
    return max(0, min([available, *_left(root)]))
  return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') // 2


def _quotas(root: pathlib.Path) -> Iterator[float]:
  """Cores that each control group of this process may use."""
  for folder in _folders(root, 'cpu'):
    with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
      most, period = (folder / 'cpu.max').read_text().split()
      if most != 'max':
        yield int(most) / int(period)
    with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
      quota = int((folder / 'cpu.cfs_quota_us').read_text())
      if quota > 0:
        yield quota / int((folder / 'cpu.cfs_period_us').read_text())


def _left(root: pathlib.Path) -> Iterator[int]:
  """Bytes that each control group of this process has left; its cache of files can be given up."""
  names = (
    ('memory.max', 'memory.current', 'inactive_file'),
    ('memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_inactive_file'),
  )
  for folder in _folders(root, 'memory'):
    for limit, used, cache in names:
      with contextlib.suppress(OSError, ValueError, KeyError):
        most = int((folder / limit).read_text())  # no number where there is no limit
        stat = dict(line.split() for line in (folder / 'memory.stat').read_text().splitlines())
        yield most - int((folder / used).read_text()) + int(stat[cache])


def _folders(root: pathlib.Path, controller: str) -> Iterator[pathlib.Path]:
  """The folder of this process's control group and those above, of either version of the kernel's
  interface."""
  with contextlib.suppress(OSError, ValueError):
    for line in (root / 'proc/self/cgroup').read_text().splitlines():
      number, controllers, path = line.split(':', 2)
      version_2 = number == '0' and not controllers
      if not version_2 and controller not in controllers.split(','):
        continue
      top = root / 'sys/fs/cgroup' / ('' if version_2 else controller)
      folder = top / path.strip('/')
      yield folder
      if folder != top:
        yield from (above for above in folder.parents if above.is_relative_to(top))
