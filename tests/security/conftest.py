"""Keys and encrypted sets for tests; every secret here is made for one test."""

import pathlib

import pytest

from medjax.data import source_files
from medjax.security import identity, keys, making

PASSPHRASE = 'a passphrase of tests'


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
  """A home of its own, and no set or key of another test."""
  for name in ('MEDJAX_KEY', 'MEDJAX_PASSPHRASE', 'MEDJAX_PASSPHRASE_COMMAND'):
    monkeypatch.delenv(name, raising=False)
  monkeypatch.setenv('MEDJAX_STATE', str(tmp_path / 'state'))
  monkeypatch.setattr(source_files, '_open', {})
  monkeypatch.setattr(keys, '_read', {})


@pytest.fixture
def owner(monkeypatch):
  """Somebody whose key commands find in an environment variable."""
  who = identity.generate('olga')
  monkeypatch.setenv('KEY_OF_TESTS', who.secret())
  monkeypatch.setenv('MEDJAX_KEY', 'env:KEY_OF_TESTS')
  return who


@pytest.fixture
def anna():
  return identity.generate('anna')


@pytest.fixture
def source(tmp_path):
  """A folder with files of several sizes, in folders, with odd names."""
  folder = tmp_path / 'clear'
  contents = {
    'labels.csv': b'file,label\nimages/a.png,ill\n', 'images/a.png': bytes(range(256)) * 40,
    'images/b.png': b'\x89PNG' * 999, 'deep/er/\u00fc.txt': 'Müller'.encode(), 'empty.txt': b'',
  }  # fmt: skip
  for name, content in contents.items():
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
  return folder


@pytest.fixture
def encrypted(source, owner, tmp_path):
  """The set of ``source``."""
  folder = tmp_path / 'set.vault'
  making.encrypt(source, folder, owner)
  return folder


@pytest.fixture
def of_source():
  """Contents of a folder by name."""

  def read(folder: pathlib.Path):
    found = (path for path in folder.rglob('*') if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}

  return read
