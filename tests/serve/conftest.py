"""Small runs that are served, and a client of an application in this process."""

import asyncio
import io

import httpx
import numpy as np
import PIL.Image
import pytest
from made_server import call, make_served

from experiments import lung_cnn, tabular_mlp
from medjax.serve.app import Limits, Service


@pytest.fixture(scope='session')
def image_run(tmp_path_factory):
  """A run on images of 32 x 32 pixels."""
  folder = tmp_path_factory.mktemp('served') / 'images'
  call(
    lung_cnn, '--config.num_epochs=1', '--config.data.image_size=32', '--config.batch_size=8',
    '--config.data.simulated_train=40', '--config.data.simulated_val=30',
    '--config.data.simulated_test=30', f'--workdir={folder}',
  )  # fmt: skip
  return folder


@pytest.fixture(scope='session')
def table_run(tmp_path_factory):
  """A run on the simulated table."""
  folder = tmp_path_factory.mktemp('served') / 'table'
  call(
    tabular_mlp, '--config.num_epochs=1', '--config.data.simulated_rows=120', f'--workdir={folder}'
  )
  return folder


@pytest.fixture(scope='session')
def served_images(image_run):
  return make_served(lung_cnn, image_run)


@pytest.fixture(scope='session')
def served_table(table_run):
  return make_served(tabular_mlp, table_run)


@pytest.fixture(scope='session')
def pictures(tmp_path_factory):
  """Image files of different sizes, by path."""
  folder = tmp_path_factory.mktemp('pictures')
  random = np.random.default_rng(0)
  for number in range(6):
    pixels = random.integers(0, 256, (32 + number, 40), np.uint8)
    PIL.Image.fromarray(pixels).save(folder / f'scan {number}.png')
  return {path: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def serving():
  """``serving(served, ask)`` gives what ``ask(client, service)`` does, and the lines of the log."""

  def serve(served, ask, *, known=None, **limits):
    log = io.StringIO()

    async def scenario():
      service = Service(served, Limits(**limits), known and (lambda: known), log)
      app = service.app()
      transport = httpx.ASGITransport(app, raise_app_exceptions=False)
      async with (
        service._life(None),
        httpx.AsyncClient(transport=transport, base_url='http://localhost', timeout=60) as client,
      ):
        while not service.ready and service.problem is None:
          await asyncio.sleep(0.01)
        assert service.problem is None
        return await ask(client, service)

    return asyncio.run(scenario()), log.getvalue().splitlines()

  return serve
