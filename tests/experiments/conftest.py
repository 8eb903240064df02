"""The default experiment, shrunk, in processes of its own as a user runs it."""

import os
import subprocess
import sys

import pytest


@pytest.fixture
def start(cache, tmp_path):
  """Starts ``python -m experiments.lung_cnn`` with the given arguments, in an empty folder."""
  environment = os.environ | {
    'PYTHONPATH': os.pathsep.join(p for p in sys.path if p),
    'MEDJAX_CACHE': str(cache),
    'XLA_FLAGS': '',
  }

  def begin(*arguments):
    return subprocess.Popen(
      [sys.executable, '-m', 'experiments.lung_cnn', *arguments],
      cwd=tmp_path,
      env=environment,
      stdout=subprocess.PIPE,
      stderr=subprocess.PIPE,
      text=True,
    )

  return begin


@pytest.fixture
def run(start):
  """Runs it to its end and returns (exit code, standard output, standard error)."""

  def finish(*arguments):
    process = start(*arguments)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err

  return finish
