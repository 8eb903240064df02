"""Limits of containers and jobs, as both versions of control groups write them."""

import os
import pathlib

import pytest

from medjax import machine

GIB = 2**30


@pytest.fixture
def system(tmp_path, monkeypatch):
  """Writes files of /proc and /sys into a folder; 64 cores and 100 GiB."""
  monkeypatch.setattr(os, 'sched_getaffinity', lambda process: set(range(64)), raising=False)

  def write(**files):
    given = {'proc/meminfo': f'MemTotal: 1 kB\nMemAvailable: {100 * GIB // 1024} kB\n'} | files
    for name, text in given.items():
      path = tmp_path / name.replace('//', '/')
      path.parent.mkdir(parents=True, exist_ok=True)
      path.write_text(text)
    return tmp_path

  return write


def test_without_limits_it_is_the_machine(system):
  root = system()
  assert (machine.cores(root), machine.free_memory(root)) == (64, 100 * GIB)


def test_a_container_of_version_2_sees_its_own_limits_as_those_of_the_top(system):
  root = system(
    **{
      'proc/self/cgroup': '0::/\n',
      'sys/fs/cgroup/cpu.max': '250000 100000\n',
      'sys/fs/cgroup/memory.max': f'{8 * GIB}\n',
      'sys/fs/cgroup/memory.current': f'{6 * GIB}\n',
      'sys/fs/cgroup/memory.stat': f'anon 1\ninactive_file {GIB}\n',
    }
  )
  assert (machine.cores(root), machine.free_memory(root)) == (3, 3 * GIB)


def test_the_tightest_of_the_groups_above_counts(system):
  job = 'sys/fs/cgroup/system.slice/slurmstepd.scope/job_7'
  root = system(
    **{
      'proc/self/cgroup': '0::/system.slice/slurmstepd.scope/job_7/step_0\n',
      f'{job}/step_0/cpu.max': 'max 100000\n',
      f'{job}/cpu.max': '400000 100000\n',
      f'{job}/step_0/memory.max': 'max\n',
      f'{job}/memory.max': f'{16 * GIB}\n',
      f'{job}/memory.current': f'{4 * GIB}\n',
      f'{job}/memory.stat': 'inactive_file 0\n',
    }
  )
  assert (machine.cores(root), machine.free_memory(root)) == (4, 12 * GIB)


def test_version_1_has_a_folder_a_controller(system):
  root = system(
    **{
      'proc/self/cgroup': '4:memory:/docker/a\n3:cpu,cpuacct:/docker/a\n1:name=systemd:/\n0::/\n',
      'sys/fs/cgroup/cpu/docker/a/cpu.cfs_quota_us': '50000\n',
      'sys/fs/cgroup/cpu/docker/a/cpu.cfs_period_us': '100000\n',
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
      'sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes': f'{2 * GIB}\n',
      'sys/fs/cgroup/memory/docker/a/memory.usage_in_bytes': f'{GIB}\n',
      'sys/fs/cgroup/memory/docker/a/memory.stat': 'total_inactive_file 0\n',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
      'sys/fs/cgroup/memory/memory.usage_in_bytes': '1\n',
      'sys/fs/cgroup/memory/memory.stat': 'total_inactive_file 0\n',
    }
  )
  assert (machine.cores(root), machine.free_memory(root)) == (1, GIB)


def test_files_that_say_nothing_are_passed_over(system, tmp_path):
  root = system(**{'proc/self/cgroup': 'nonsense\n', 'sys/fs/cgroup/cpu.max': 'x\n'})
  assert machine.cores(root) == 64
  (tmp_path / 'proc/meminfo').write_text('nothing\n')
  whole = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
  assert machine.free_memory(root) == whole // 2


def test_this_machine_says_something():
  assert 1 <= machine.cores() <= (os.cpu_count() or 1)
  assert 0 < machine.free_memory() < 2**50
  assert isinstance(machine._ROOT, pathlib.Path)
