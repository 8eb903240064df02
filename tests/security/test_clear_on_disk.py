"""No file that a command on encrypted data writes holds anything of a patient.

A name of a patient, a cell, a pattern of pixels and the bytes of files are planted, and looked for
in every file below the home, the run folder, the cache and the folder of temporary files while
commands are at work, and after. The same commands on the same data in clear show that they would be
found.
"""

import base64
import os
import pathlib
import random
import shutil
import subprocess
import sys
import threading
import zlib

import numpy as np
import pytest
from PIL import Image

from medjax.data.images import decode
from medjax.security import identity, making

PATIENT, CELL = 'PATIENTPLANTED7391', 'cellplanted5521'
SIDE = 24


def _images(folder):
  """Images with a table; what to look for by its name."""
  (folder / 'images').mkdir(parents=True)
  rng, lines = np.random.default_rng(0), ['file,label,patient,ward']
  planted = {'patient': PATIENT.encode(), 'cell': CELL.encode()}
  for i in range(48):
    pixels = rng.integers(0, 120, (SIDE, SIDE), dtype=np.uint8)
    pixels[:, (i % 2) * 12 : (i % 2) * 12 + 12] += 80
    name = f'scan-{i:03d}-of-somebody.png'
    Image.fromarray(pixels).save(folder / 'images' / name)
    split = 'train' if i < 24 else 'val' if i < 36 else 'test'
    lines.append(f'{name},{"ill" if i % 2 else "well"},{PATIENT}-{i},{CELL}-{i}')
    lines[-1] += f',{split}'
    if i == 30:
      three = np.repeat(pixels[:, :, None], 3, 2)
      planted['pixels'] = pixels[3].tobytes()
      planted['pixels of three channels'] = three[3].tobytes()
      planted['pixels as numbers'] = (three[3].astype(np.float32) / 255).tobytes()[:96]
      planted['prepared image'] = decode.encode(three)[60:140]
      planted['page'] = base64.b64encode(decode.encode(pixels))[100:180]
  lines[0] += ',split'
  (folder / 'labels.csv').write_text('\n'.join(lines) + '\n')
  planted['file'] = (folder / 'images' / 'scan-030-of-somebody.png').read_bytes()[60:140]
  planted['name of a file'] = b'of-somebody'
  return planted


def _table(folder):
  folder.mkdir()
  draw, lines = random.Random(0), ['id,age,dose,ward,label']
  for i in range(90):
    age = draw.uniform(20, 90)
    ward = f'{CELL}{"abc"[i % 3]}'
    lines.append(f'{PATIENT}-{i},{age:.4f},{7391.25 + i % 5:.2f},{ward},{int(age > 55)}')
  (folder / 'rows.csv').write_text('\n'.join(lines) + '\n')
  return {'patient': PATIENT.encode(), 'cell': CELL.encode()}


class _Watch:
  """Reads every file below some folders whenever it changes, until it is left."""

  def __init__(self, folders, planted):
    self._folders, self._planted = folders, planted
    self.found, self.read, self._seen = {}, set(), {}
    self._ended = threading.Event()
    self._thread = threading.Thread(target=self._work)

  def __enter__(self):
    self._thread.start()
    return self

  def __exit__(self, *_):
    self._ended.set()
    self._thread.join()
    self._look()

  def _work(self):
    while not self._ended.wait(0.02):
      self._look()

  def _look(self):
    for folder in self._folders:
      for parent, _, names in os.walk(folder):
        for name in names:
          path = pathlib.Path(parent, name)
          try:
            state = path.stat()
            key = (state.st_size, state.st_mtime_ns)
            if self._seen.get(path) != key:
              self._seen[path] = key
              self.note(str(path), path.read_bytes())
          except OSError:
            continue

  def note(self, name, content):
    self.read.add(name)
    for text in (content, _unpacked(content), name.encode()):
      for what, planted in self._planted.items():
        if planted in text:
          self.found.setdefault(what, set()).add(name)


def _unpacked(content):
  try:
    return zlib.decompressobj(47).decompress(content)
  except zlib.error:
    return b''


@pytest.fixture
def commands(tmp_path):
  """Runs commands with a home of their own, and looks at every file meanwhile."""

  def run(source, experiment, settings, words, planted, secrets, name):
    home = tmp_path / name
    (home / 'tmp').mkdir(parents=True)
    environment = {
      **{k: v for k, v in os.environ.items() if not k.startswith(('MEDJAX_', 'XDG_'))},
      'HOME': str(home), 'TMPDIR': str(home / 'tmp'), 'MEDJAX_NATIVE': '0',
      'XLA_FLAGS': '', 'MEDJAX_NO_RESTART': '1', 'JAX_PLATFORMS': 'cpu',
      'PYTHONPATH': str(pathlib.Path(__file__).parents[2]), 'PYTHONDONTWRITEBYTECODE': '1',
      **secrets,
    }  # fmt: skip
    said = ''
    with _Watch([home], planted) as watch:
      for verb in (['train'], *words):
        command = [sys.executable, '-m', f'experiments.{experiment}', *verb, '--workdir=run']
        command += [f'--config.data.source={source}', *settings] if verb == ['train'] else []
        done = subprocess.run(
          command, cwd=home, env=environment, capture_output=True, text=True, timeout=300
        )
        said += done.stdout + done.stderr
        assert done.returncode == 0, done.stderr
    return watch, said

  return run


KINDS = {
  'images': (
    _images, 'lung_cnn',
    ['--config.data.image_size=24', '--config.num_epochs=2', '--config.batch_size=8',
     '--config.features=4,8', '--config.hidden=8'],
  ),
  'table': (
    _table, 'tabular_mlp', ['--config.num_epochs=3', '--config.data.id_column=id'],
  ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize('kind', KINDS)
def test_nothing_of_a_patient_is_written(kind, commands, tmp_path):
  make, experiment, settings = KINDS[kind]
  planted = make(tmp_path / 'source')
  source = tmp_path / 'source' if kind == 'images' else tmp_path / 'source' / 'rows.csv'
  who, elsewhere = identity.generate('olga'), str(source)
  words = [['predict', elsewhere]]
  clear, _ = commands(elsewhere, experiment, settings, words, planted, {}, 'clear')
  assert {'patient', 'cell'} <= clear.found.keys()  # or nothing could be found
  if kind == 'images':
    assert {'name of a file', 'prepared image'} <= clear.found.keys()
  making.encrypt(source, tmp_path / 'set.vault', who)
  hidden = str(tmp_path / 'set.vault')
  secrets = {'MEDJAX_KEY': 'env:OLGAS', 'OLGAS': who.secret()}
  keys = {'age key': who._age.encode(), 'signing key': base64.b64encode(who._sign)}
  before = set(_in_memory())
  words = [['evaluate', '--again'], ['predict', hidden], ['audit']]
  watch, said = commands(
    hidden, experiment, settings, words, {**planted, **keys}, secrets, 'hidden'
  )
  assert watch.found == {}
  assert len(watch.read) > 20
  for secret in keys.values():
    assert secret.decode() not in said
  assert (tmp_path / 'hidden' / 'run' / 'run.json').exists()
  assert set(_in_memory()) == before  # and memory is left empty
  shutil.rmtree(tmp_path / 'source')


def _in_memory():
  return pathlib.Path('/dev/shm').glob(f'medjax-{os.getuid()}/*')
