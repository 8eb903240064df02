"""encrypt and rotate are killed at random moments: nothing is lost, nothing is in clear.

The suite kills some; MEDJAX_KILLS=100 makes so many:

    MEDJAX_KILLS=100 python -m pytest tests/security/test_kills.py -n0 -s
"""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

from medjax.security import making, manifest
from medjax.security.vault import Vault

COUNT = int(os.environ.get('MEDJAX_KILLS', '8'))
MARK = b'PATIENT-4711'
_WORK = """
import json, pathlib, sys, time
from medjax.security import keys, making
import array_record.python.array_record_module, pyrage, cryptography
making.SHARD_BYTES = 20_000
who = keys.load()
print('ready', flush=True)
what, source, folder = sys.argv[1:]
folder = pathlib.Path(folder)
if what == 'encrypt':
  making.encrypt(pathlib.Path(source), folder, who)
else:
  making.rotate(folder, who)
print('done', flush=True)
"""


@pytest.fixture
def many(tmp_path):
  """A folder of many small files that can be told in any file that holds them."""
  folder = tmp_path / 'clear'
  folder.mkdir()
  for i in range(60):
    (folder / f'{i:03d}.bin').write_bytes(MARK + os.urandom(5_000) + MARK)
  return folder


@pytest.fixture
def killed(many, tmp_path):
  """Starts a command and kills it after some time; whether it was killed at work."""

  def run(what, after):
    command = [sys.executable, '-c', _WORK, what, str(many), str(tmp_path / 'set.vault')]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == 'ready\n'
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    assert process.wait() in (-signal.SIGKILL, 0)
    return 'done' not in rest

  return run


@pytest.mark.slow
@pytest.mark.parametrize('what', ['encrypt', 'rotate'])
def test_killed_at_any_moment(what, killed, many, owner, tmp_path, of_source):
  folder, wanted = tmp_path / 'set.vault', of_source(many)
  draw, kills, long = random.Random(what), 0, 0.6
  if what == 'rotate':
    making.encrypt(many, folder, owner)
  for _ in range(20 * COUNT):
    if kills == COUNT:
      break
    if what == 'encrypt' and manifest.is_vault(folder):
      _remove(folder)
    begun = time.monotonic()
    at_work = killed(what, draw.uniform(0, long))
    kills += at_work
    if not at_work:
      long = min(long, 0.9 * (time.monotonic() - begun))
    assert of_source(many) == wanted
    _nothing_in_clear(folder, tmp_path)
    if manifest.is_vault(folder):
      about = manifest.read(folder)  # names the files of one key
      opened = Vault(folder, owner)
      assert {name: opened.read(name) for name in opened.contents.sizes} == wanted
      epochs = {int(shard.file.split('-')[1]) for shard in about.shards}
      assert epochs == {about.epoch}
  assert kills == COUNT
  if what == 'encrypt':
    if not manifest.is_vault(folder):
      making.encrypt(many, folder, owner)
  else:
    making.rotate(folder, owner)
  opened = Vault(folder, owner)
  assert {name: opened.read(name) for name in opened.contents.sizes} == wanted
  valid = {shard.file for shard in opened.manifest.shards}
  assert {path.name for path in folder.iterdir() if 'array_record' in path.name} == valid
  manifest.read_log(folder, opened.manifest)
  print(json.dumps({'killed': what, 'times': kills}))


def test_the_same_command_goes_on_with_what_is_whole(many, owner, tmp_path, monkeypatch):
  """Files of records that a killed command completed are not written again."""
  monkeypatch.setattr(making, 'SHARD_BYTES', 20_000)
  folder, write = tmp_path / 'set.vault', making.records.write
  written = []

  def stopping(path, *rest):
    if len(written) == 5:
      raise KeyboardInterrupt
    written.append(path.name)
    return write(path, *rest)

  monkeypatch.setattr(making.records, 'write', stopping)
  with pytest.raises(KeyboardInterrupt):
    making.encrypt(many, folder, owner)
  before = {name: (folder / name).read_bytes() for name in written}
  again = []
  monkeypatch.setattr(
    making.records, 'write', lambda path, *rest: again.append(path.name) or write(path, *rest)
  )
  making.encrypt(many, folder, owner)
  assert not set(again) & set(before)
  assert {name: (folder / name).read_bytes() for name in before} == before


def test_a_source_that_changed_meanwhile_is_encrypted_anew(many, owner, tmp_path, monkeypatch):
  monkeypatch.setattr(making, 'SHARD_BYTES', 20_000)
  folder, write = tmp_path / 'set.vault', making.records.write

  def stop(path, *rest):
    write(path, *rest)
    raise KeyboardInterrupt

  monkeypatch.setattr(making.records, 'write', stop)
  with pytest.raises(KeyboardInterrupt):
    making.encrypt(many, folder, owner)
  monkeypatch.setattr(making.records, 'write', write)
  (many / '000.bin').write_bytes(b'another')
  making.encrypt(many, folder, owner)
  assert Vault(folder, owner).read('000.bin') == b'another'


def _nothing_in_clear(folder, above):
  for path in above.rglob('*'):
    if path.is_file() and above / 'clear' not in path.parents:
      assert MARK not in path.read_bytes(), path


def _remove(folder: pathlib.Path):
  for path in folder.iterdir():
    path.unlink()
