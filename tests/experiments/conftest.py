"""The default experiment, shrunk, in processes of its own as a user runs it."""

import functools
import os
import subprocess
import sys

import lung
import pytest

from experiments import lung_cnn
from medjax import cli


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


@pytest.fixture
def command(run_experiment):
  """That of lung_cnn."""
  return functools.partial(run_experiment, lung_cnn)


@pytest.fixture(scope='session')
def run_in(cache):
  """Runs an experiment's command line in a folder that tests share: ``run(folder, module, ...)``
  gives the exit code."""

  def run(folder, module, *arguments):
    with pytest.MonkeyPatch.context() as patch:
      patch.chdir(folder)
      patch.setenv('MEDJAX_CACHE', str(cache))
      with pytest.raises(SystemExit) as stop:
        cli.main(module.Config(), module.build, argv=arguments)
    return stop.value.code or 0

  return run


@pytest.fixture(scope='session')
def trained(tmp_path_factory, cache):
  """A finished run of lung_cnn, shrunk."""
  folder = tmp_path_factory.mktemp('trained') / 'run'
  os.environ['MEDJAX_CACHE'] = str(cache)
  with pytest.raises(SystemExit) as stop:
    cli.main(lung_cnn.Config(), lung_cnn.build, argv=[*lung.SMALL, f'--workdir={folder}'])
  assert not stop.value.code
  return folder
