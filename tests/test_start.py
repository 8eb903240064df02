"""The start of a command: once more with huge pages, and nothing that stays changed."""

import gc
import os
import subprocess
import sys

import pytest

from medjax import start


@pytest.fixture
def exec_calls(monkeypatch):
  """Records a restart instead of doing it, on a machine where it would be done."""
  calls = []
  monkeypatch.setattr(os, 'execv', lambda *a: calls.append((a, dict(os.environ))))
  monkeypatch.setattr(sys, 'platform', 'linux')
  monkeypatch.setattr(start.platform, 'libc_ver', lambda: ('glibc', '2.36'))
  for name in ('GLIBC_TUNABLES', 'MEDJAX_NO_RESTART', 'MEDJAX_RESTARTED'):
    monkeypatch.setenv(name, '')  # restored afterwards, whatever the call sets
    monkeypatch.delenv(name)
  return calls


def test_restart_keeps_the_arguments_and_the_users_tunables(exec_calls, monkeypatch):
  monkeypatch.setenv('GLIBC_TUNABLES', 'glibc.malloc.check=1')
  start.restart_with_huge_pages()
  ((arguments, environment),) = exec_calls
  assert arguments == (sys.executable, [sys.executable, *sys.orig_argv[1:]])
  assert environment['GLIBC_TUNABLES'] == 'glibc.malloc.check=1:glibc.malloc.hugetlb=1'
  start.restart_with_huge_pages()  # in the new process
  assert len(exec_calls) == 1


@pytest.mark.parametrize(
  ('name', 'value'),
  [('MEDJAX_NO_RESTART', '1'), ('GLIBC_TUNABLES', 'glibc.malloc.hugetlb=0')],
)
def test_restart_can_be_prevented(exec_calls, monkeypatch, name, value):
  monkeypatch.setenv(name, value)
  start.restart_with_huge_pages()
  assert not exec_calls


def test_no_restart_elsewhere(exec_calls, monkeypatch):
  monkeypatch.setattr(sys, 'platform', 'darwin')
  start.restart_with_huge_pages()
  assert not exec_calls


def test_a_command_collects_as_before_once_all_is_loaded(exec_calls):
  before = gc.get_threshold()
  try:
    start.command()
    assert len(exec_calls) == 1
    assert gc.get_threshold()[0] > before[0]
    start.loaded()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count()
  finally:
    gc.unfreeze()
    gc.set_threshold(*before)


LOADED = """
import sys
import experiments.{name}, medjax.cli
print(sorted({{one.split('.')[0] for one in sys.modules}} & set({large})))
"""


@pytest.mark.parametrize('name', ['lung_cnn', 'tabular_mlp', 'ecg_rnn', 'genome_regulation'])
def test_help_waits_for_nothing_large(name):
  large = ['matplotlib', 'tensorflow_datasets', 'orbax', 'sklearn', 'grain', 'tensorboardX', 'shap']
  code = LOADED.format(name=name, large=large)
  found = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
  assert found.stdout.strip() == '[]'


def test_the_package_restarts_a_command_and_nothing_else():
  code = """
import sys
from medjax import start
start.command = lambda: print('started')
sys.argv[0] = {argv!r}
import experiments
"""
  for argv, expected in (('-m', 'started'), ('-c', '')):
    made = [sys.executable, '-c', code.format(argv=argv)]
    found = subprocess.run(made, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == expected
