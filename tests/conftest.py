"""Shared set-up. The environment must be right before JAX is imported anywhere."""

import os

os.environ['NPROC'] = '16'  # fewer threads than devices deadlock (jax 0.10)
os.environ['XLA_FLAGS'] = (
  f'--xla_force_host_platform_device_count=8 {os.environ.get("XLA_FLAGS", "")}'.strip()
)
os.environ['JAX_PLATFORMS'] = 'cpu'
os.environ['JAX_DEFAULT_MATMUL_PRECISION'] = 'highest'  # from the start, as compiled code holds it
os.environ['MEDJAX_NO_RESTART'] = '1'

import pathlib

import jax
import numpy as np
import pytest
from PIL import Image

from medjax import runtime

SHARED = pathlib.Path(__file__).resolve().parents[2] / 'shared' / 'data'


# Folders whose tests make up the core: config, step, checkpoints, readers of tables,
# and the command line (by those of the README and of an extension).
# Networks and losses are plain JAX, and readers of images and molecules ask nothing of it.
CORE = {'tests', 'tabular', 'training'}
# Of kernels, of which there are many sizes, that they load and are right where they are called.
CORE_FILES = {'test_native', 'test_shared_rows', 'test_depthwise'}
# Files that take longest come first, so that no worker waits for another at the end.
LONGEST = (
  'test_damage_of_runs', 'test_slurm_jobs', 'test_kill', 'test_trees', 'test_choose',
  'test_lung_cnn',
)  # fmt: skip


def pytest_collection_modifyitems(items):
  items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else 99)
  for item in items:
    core = item.path.parent.name in CORE or item.path.stem in CORE_FILES
    if core and item.get_closest_marker('slow') is None:
      item.add_marker(pytest.mark.core)


@pytest.fixture(scope='session')
def cache(tmp_path_factory):
  """One cache of prepared data for each worker, and one of compiled programs for all of them."""
  folder = tmp_path_factory.mktemp('cache')
  everyone = tmp_path_factory.getbasetemp()
  if 'PYTEST_XDIST_WORKER' in os.environ:
    everyone = everyone.parent
  for name in ('compiled', 'native'):
    (everyone / name).mkdir(exist_ok=True)
    (folder / name).symlink_to(everyone / name)
  return folder


@pytest.fixture(scope='session', autouse=True)
def _compile_once(cache):
  """Keeps what is compiled in this process too: half of the suite's time would go into it."""
  jax.config.update('jax_compilation_cache_dir', str(cache / 'compiled'))
  jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.2)


@pytest.fixture(scope='module', autouse=True)
def _spare_mappings():
  yield
  runtime.spare_mappings()


@pytest.fixture(autouse=True)
def _cache_in_environment(cache, monkeypatch):
  monkeypatch.setenv('MEDJAX_CACHE', str(cache))


@pytest.fixture
def shared_data():
  """Folder of a real data set by name; skips where it is not beside the checkout."""

  def find(name: str) -> pathlib.Path:
    if not (SHARED / name).is_dir():
      pytest.skip(f'real data {name} is not beside this checkout')
    return SHARED / name

  return find


@pytest.fixture(scope='session')
def make_experiment():
  """Makes a small experiment; see tests/small_experiment.py."""
  import small_experiment

  return small_experiment.make


@pytest.fixture
def make_images():
  """Writes small images of two classes, bright on the left or on the right."""

  def make(
    folder: pathlib.Path, count: int, size: int = 24, classes=('normal', 'ill')
  ) -> list[str]:
    names = []
    for i in range(count):
      rng = np.random.default_rng(i)
      pixels = rng.integers(0, 120, (size, size), dtype=np.uint8)
      half = slice(0, size // 2) if i % 2 else slice(size // 2, size)
      pixels[:, half] += 80
      name = f'{classes[i % 2]}/{i:03d}.png'
      (folder / name).parent.mkdir(parents=True, exist_ok=True)
      Image.fromarray(pixels).save(folder / name)
      names.append(name)
    return names

  return make


@pytest.fixture
def run_experiment(capsys, tmp_path, monkeypatch):
  """Runs an experiment's command line in this process, in an empty folder: ``run(module, ...)``
  gives (exit code, output, errors)."""
  from medjax import cli

  monkeypatch.chdir(tmp_path)

  def run(module, *arguments):
    # Of an experiment that changes another one's defaults, ``config`` makes the settings.
    defaults = getattr(module, 'config', None) or module.Config
    with pytest.raises(SystemExit) as stop:
      cli.main(defaults(), module.build, argv=arguments)
    out, err = capsys.readouterr()
    return stop.value.code or 0, out, err

  return run
