"""The file of an exported model is read whole or refused, whatever was done to it."""

import json
import shutil
import zipfile

import pytest

from medjax import sealed
from medjax.errors import UserError
from medjax.exported import container

MEMBERS = {
  container.PROGRAM: b'a program',
  container.WEIGHTS: bytes(range(256)),
  container.CARD: b'# Card',
}


@pytest.fixture
def made(tmp_path):
  path = tmp_path / 'model.medjax'
  container.write(path, {'experiment': 'toy'}, MEMBERS)
  return path


def members_of(path):
  with zipfile.ZipFile(path) as opened:
    return {name: opened.read(name) for name in opened.namelist()}


def write(path, members, how=zipfile.ZIP_STORED):
  with zipfile.ZipFile(path, 'w', how) as out:
    for name, data in members:
      out.writestr(name, data)


def refused(path, line):
  with pytest.raises(UserError) as error:
    container.read(path)
  text = str(error.value)
  assert text.startswith(f'{path}')
  assert '\n' not in text
  assert line in text


def test_what_is_written_is_read(made, tmp_path):
  manifest, members = container.read(made)
  assert (manifest['experiment'], manifest['format'], members) == ('toy', 1, MEMBERS)
  assert container.read_manifest(made) == manifest
  again = tmp_path / 'again.medjax'
  container.write(again, {'experiment': 'toy'}, MEMBERS)
  assert again.read_bytes() == made.read_bytes()


def test_a_folder_of_its_members_is_the_same(made, tmp_path):
  folder = tmp_path / 'folder'
  with zipfile.ZipFile(made) as opened:
    opened.extractall(folder)
  (folder / 'README.md').write_text('more')
  assert container.read(folder) == container.read(made)
  (folder / container.WEIGHTS).write_bytes(b'others')
  refused(folder, 'model.safetensors in it is damaged, or of another model; export the run again')
  (folder / container.WEIGHTS).unlink()
  refused(folder, 'it has no model.safetensors')
  shutil.rmtree(folder)
  refused(folder, 'no such file; expected a model of export')


@pytest.mark.parametrize('name', [container.MANIFEST, *MEMBERS])
def test_a_flipped_bit_anywhere_is_noticed(made, name):
  data = bytearray(made.read_bytes())
  place = data.index(members_of(made)[name]) + 3
  data[place] ^= 1
  made.write_bytes(data)
  refused(made, f'{name} in it is damaged (Bad CRC-32')


@pytest.mark.parametrize('name', MEMBERS)
def test_a_member_of_another_model_is_noticed(made, name):
  write(made, (members_of(made) | {name: b'others'}).items())
  refused(made, f'{name} in it is damaged, or of another model; export the run again')


def test_an_edited_manifest_is_noticed(made):
  parts = members_of(made)
  edited = parts[container.MANIFEST].replace(b'"toy"', b'"tox"')
  write(made, (parts | {container.MANIFEST: edited}).items())
  refused(made, 'manifest.json: is not what was written: its digest is of other content')
  write(made, (parts | {container.MANIFEST: b'{'}).items())
  refused(made, 'manifest.json: cannot be read as JSON')


@pytest.mark.parametrize('version', [0, 2, None, '1'])
def test_another_format_is_refused(made, version):
  parts = members_of(made)
  values = json.loads(parts[container.MANIFEST])
  del values['seal']
  other = sealed.dumps(values | {'format': version}).encode()
  write(made, (parts | {container.MANIFEST: other}).items())
  refused(made, f'is a model of format {version}, and this medjax reads format 1')


@pytest.mark.parametrize('name', ['../evil', '/etc/evil', 'a/../../evil', 'evil.py'])
def test_members_of_other_names_are_refused_and_written_nowhere(made, name, tmp_path):
  before = sorted(tmp_path.parent.rglob('*'))
  write(made, [*members_of(made).items(), (name, b'x')])
  refused(made, f'once each, found {name}')
  assert sorted(tmp_path.parent.rglob('*')) == before


def test_members_that_are_missing_or_there_twice_are_refused(made):
  parts = members_of(made)
  write(made, [one for one in parts.items() if one[0] != container.CARD])
  refused(made, 'expected manifest.json, program.stablehlo, model.safetensors, card.md in it')
  with pytest.warns(UserWarning, match='Duplicate'):
    write(made, [*parts.items(), (container.CARD, b'x')])
  refused(made, 'once each')
  write(made, [])
  refused(made, 'found nothing')


def test_a_packed_member_is_refused_before_it_is_unpacked(made):
  """A few kilobytes could be gigabytes."""
  bomb = members_of(made) | {container.WEIGHTS: b'\0' * 10_000_000}
  write(made, bomb.items(), zipfile.ZIP_DEFLATED)
  assert made.stat().st_size < 20_000
  refused(made, 'its members are compressed')


def test_a_manifest_without_end_is_not_read(made, monkeypatch):
  monkeypatch.setattr(container, '_LARGEST_MANIFEST', 100)
  refused(made, 'bytes; expected at most 100')


def test_what_is_no_zip_or_half_of_one_is_refused(made, tmp_path):
  data = made.read_bytes()
  made.write_bytes(data[: len(data) // 2])
  refused(made, 'is no model of export, or cut off')
  made.write_bytes(b'')
  refused(made, 'is no model of export, or cut off')
  (tmp_path / 'x.png').write_bytes(b'\x89PNG')
  refused(tmp_path / 'x.png', 'is no model of export, or cut off')
  refused(tmp_path / 'none', 'no such file; expected a model of export')
