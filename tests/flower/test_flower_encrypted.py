"""A site whose cases are encrypted: so is its run folder, and the server gets the same."""

import json

import pytest

pytest.importorskip('flwr', reason='needs medjax[federated]')

import three_tables

from experiments import tabular_mlp
from medjax.data import source_files
from medjax.flower import client, plan, server
from medjax.security import identity, keys, making, sealed_run


def test_an_encrypted_site_takes_part_and_nothing_of_it_is_in_clear(tmp_path, monkeypatch):
  for name in ('MEDJAX_KEY', 'MEDJAX_PASSPHRASE', 'MEDJAX_PASSPHRASE_COMMAND'):
    monkeypatch.delenv(name, raising=False)
  monkeypatch.setenv('MEDJAX_STATE', str(tmp_path / 'state'))
  monkeypatch.setattr(source_files, '_open', {})
  monkeypatch.setattr(keys, '_read', {})
  owner = identity.generate('olga')
  monkeypatch.setenv('KEY_OF_TESTS', owner.secret())
  clear = tmp_path / 'clear'
  clear.mkdir()
  paths = three_tables.write_tables(clear)
  monkeypatch.setenv('MEDJAX_KEY', 'env:KEY_OF_TESTS')
  making.encrypt(clear, tmp_path / 'north.vault', owner)
  monkeypatch.delenv('MEDJAX_KEY')
  given = three_tables.run_config(
    tmp_path / 'server', **{'config.num_epochs': '2', 'config.validate_epochs': '2'}
  )
  nodes = {
    name: {'source': str(path), 'workdir': str(tmp_path / name)}
    for name, path in zip(three_tables.NAMES, paths, strict=True)
  }
  nodes['north'] = {
    'source': str(tmp_path / 'north.vault' / 'north.csv'),
    'workdir': str(tmp_path / 'north'),
    'data_key': 'env:KEY_OF_TESTS',
  }
  defaults = tabular_mlp.Config()
  network = three_tables.Network(client.app(defaults, tabular_mlp.build), given, nodes)
  server.Server(network, plan.Plan.of(defaults, given), tabular_mlp.build).run()
  found = json.loads((tmp_path / 'server' / 'federation.json').read_text())
  assert list(found['sites']) == list(three_tables.NAMES)
  assert found['left_out'] == []
  (run,) = (tmp_path / 'north').iterdir()
  assert sealed_run.is_sealed(run)
  ids = [f'north-{i}'.encode() for i in range(three_tables.SIZES[0])]
  for path in run.rglob('*'):
    if path.is_file():
      assert not any(one in path.read_bytes() for one in ids), path
