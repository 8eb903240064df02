"""Pairs from tables to data sets: columns, copies, bad rows, logarithms and what is kept once."""

import csv

import numpy as np
import pytest

pytest.importorskip('rdkit')

from medjax.data import binding
from medjax.data.binding import columns, loader
from medjax.data.molecules import graphs
from medjax.data.sequences.alphabet import PROTEIN
from medjax.data.simulate import binding as simulator
from medjax.errors import SeveralErrors, UserError

CHAIN = 'MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ'


@pytest.fixture(scope='module')
def rows():
  """400 pairs of 20 different drugs and 20 different targets."""
  return simulator.simulate(3, 20, 20, share=1.0)


def _write(path, rows, delimiter=','):
  with open(path, 'w', newline='') as file:
    writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
  return str(path)


def _load(path, rows=None, **settings):
  if rows is not None:
    _write(path, rows)
  return binding.load(binding.Config(source=str(path), bits=128, **settings))


def _noted(data, part):
  (found,) = [note for note in data.notes if part in note]
  return found


def test_pairs_are_read_and_kept_once_each(tmp_path, rows, monkeypatch):
  made = []
  graph_of = graphs.graph
  monkeypatch.setattr(graphs, 'graph', lambda *args: made.append(1) or graph_of(*args))
  config = binding.Config(source=_write(tmp_path / 'a.csv', rows), bits=128)
  data = binding.load(config, graph=True)
  assert len(made) == 20
  assert sum(map(len, data.splits.values())) == 400
  given = {(row['drug'], row['target']): row for row in rows}
  longest = max(len(row['sequence']) for row in rows)
  for split in data.splits.values():
    batch = split.read([5, 0])
    inputs = data.modality.inputs(batch)
    for row, number in enumerate((5, 0)):
      expected = given[split.metadata['drug'][number], split.metadata['target'][number]]
      assert batch['label'][row] == np.float32(expected['affinity'])
      assert batch['tokens'].shape == (2, longest)
      assert PROTEIN.decode(batch['tokens'][row]) == expected['sequence']
      atoms = np.asarray(inputs['drug']['atoms'][row]).any(axis=-1).sum()
      assert atoms == split.sizes['atoms'][number]
      assert np.asarray(inputs['target'][row]).sum() == len(expected['sequence'])


def test_columns_by_name_and_content():
  cells = [{'Drug': 'CCO', 'Target_ID': 'AAK1', 'Target': CHAIN}]
  header = ['Drug', 'Target_ID', 'Target']
  assert columns.sequence('a', header, cells, '') == 'Target'
  assert columns.sequence('a', ['target_sequence', 'Target'], cells, '') == 'target_sequence'
  assert columns.sequence('a', header, cells, 'drug') == 'Drug'
  two = [{'a': CHAIN, 'b': CHAIN + 'x*'}]
  with pytest.raises(UserError, match="'a' and 'b' both look like proteins"):
    columns.sequence('t', ['a', 'b'], two, '')
  with pytest.raises(UserError, match='no column with protein sequences'):
    columns.sequence('t', ['Drug', 'Target_ID'], cells, '')
  assert columns.affinity('a', ['Drug_ID', 'Ki (nM)'], '') == 'Ki (nM)'
  assert columns.affinity('a', ['value'], '') == 'value'
  with pytest.raises(UserError, match=r'affinity_column to name it \(it has Kd, Ki\)'):
    columns.affinity('t', ['Kd', 'Ki', 'x'], '')
  with pytest.raises(UserError, match='no column beside SMILES and sequence'):
    columns.affinity('t', [], '')


def test_letters_of_all_kinds(tmp_path, rows):
  first = rows[0]['sequence']
  ways = (first.lower(), first + '*', f'{first[:9]}--{first[9:]}', f'{first[:5]} {first[5:]}')
  changed = [dict(row) for row in rows]
  for row, way in zip(changed[::20], ways * 5, strict=True):
    assert row['sequence'] == first
    row['sequence'] = way
  for row in changed[1::20]:
    row['sequence'] = 'UOBZX' + row['sequence']
  data = _load(tmp_path / 'a.csv', changed)
  tested = data.splits['train']
  assert _noted(data, 'have gaps')
  assert '1 of ' in _noted(data, 'are U, read as C')
  assert _noted(data, 'stand for several')
  found = {PROTEIN.decode(tested.read([i])['tokens'][0]) for i in range(len(tested))}
  assert len(found) == 20
  assert first in found


def test_bad_rows_are_listed_and_copies_averaged(tmp_path, rows):
  changed = [dict(row) for row in rows]
  changed[3]['smiles'] = 'C1CC'
  changed[4]['sequence'] = 'MK*TAYIAKQRQISFVKSHFS'
  changed[5]['affinity'] = 'n.b.'
  changed[6]['affinity'] = ''
  changed[7]['sequence'] = ''
  changed += [{**rows[9], 'affinity': str(float(rows[9]['affinity']) + 1)}, rows[10]]
  data = _load(tmp_path / 'a.csv', changed)
  assert sum(map(len, data.splits.values())) == 395
  assert sorted(data.unreadable) == ['row 5', 'row 6', 'row 7', 'row 9']
  note = _noted(data, '4 rows cannot be read')
  assert 'unclosed ring' in note
  assert "row 6: protein: position 3 is '*'" in note
  assert "row 7: affinity is 'n.b.'; expected a number" in note
  assert '1 rows have no affinity' in _noted(data, 'have no affinity')
  assert '2 rows are copies of a pair: 395 pairs are left' in data.notes
  assert _noted(data, 'different affinities').endswith('by 1 at most, which are averaged: '
                                                       'rows 11 and 402')  # fmt: skip
  assert data.copies == {'row-402': 'row-11', 'row-403': 'row-12'}
  everywhere = {
    name: value
    for split in data.splits.values()
    for name, value in zip(split.id, split.label, strict=True)
  }
  assert everywhere['row-11'] == pytest.approx(float(rows[9]['affinity']) + 0.5)
  with pytest.raises(SeveralErrors, match=r'4 rows cannot be used .of 402; config.data.max_broken'):
    _load(tmp_path / 'a.csv', max_broken=0.0)
  with pytest.raises(UserError, match=r'b.csv row 5: .*unclosed ring .*leaves out at most 0'):
    _load(tmp_path / 'b.csv', changed[:4], max_broken=0.0)


def test_concentrations_are_noted_and_become_logarithms_when_asked(tmp_path, rows):
  changed = [{**row, 'affinity': f'{10 ** (9 - float(row["affinity"])):.6g}'} for row in rows]
  changed[0]['affinity'] = '>10000'
  plain = _load(tmp_path / 'a.csv', changed)
  assert 'config.data.affinity=minus_log10_nM' in _noted(plain, 'orders of magnitude')
  data = _load(tmp_path / 'a.csv', affinity='minus_log10_nM')
  assert 'predicted: 9 - log10 of affinity in nM' in data.notes
  assert "such as '>10000'" in _noted(data, 'limits of detection')
  for split in data.splits.values():
    for name, value in zip(split.id, split.label, strict=True):
      row = int(name[4:]) - 2
      assert value == pytest.approx(float(rows[row]['affinity']) if row else 5.0, abs=1e-4)
  again = _load(tmp_path / 'b.csv', rows, affinity='minus_log10_nM')
  assert _noted(again, 'may be a logarithm already')
  assert not [note for note in _load(tmp_path / 'b.csv').notes if 'magnitude' in note]
  changed[8]['affinity'] = '0'
  data = _load(tmp_path / 'a.csv', changed, affinity='minus_log10_nM')
  assert data.unreadable == {'row 10': "affinity is '0'; expected a number of nM above 0"}


def test_long_chains_are_cut_with_a_note(tmp_path, rows):
  changed = [dict(row) for row in rows]
  for row in changed[::20]:
    row['sequence'] = 'A' * 5000 + row['sequence'] + 'A' * 5000
  data = _load(tmp_path / 'a.csv', changed, max_residues=300)
  assert '1 of 20 targets have more than 300 residues, up to 10' in _noted(data, 'middle is taken')
  assert data.modality.residues == 300
  assert data.splits['train'].read([0])['tokens'].shape == (1, 300)


def test_bad_tables(tmp_path, rows):
  with pytest.raises(UserError, match='expected a table of pairs'):
    _load(tmp_path / 'a.smi')
  _write(tmp_path / 'a.csv', [{**row, 'affinity': ''} for row in rows])
  with pytest.raises(UserError, match='no row has a drug, a target and an affinity'):
    _load(tmp_path / 'a.csv')
  with pytest.raises(UserError, match='simulates no binding'):
    loader.load(binding.Config())
