"""What molecules had before they were standardised, where a class may be told by it."""

import pytest

pytest.importorskip('rdkit')

from made_molecules import load, made_rows, write

from medjax.audit import shortcuts
from medjax.audit.cases import of_dataset

_WRITTEN = {'[NH3+]CCCC': 'charge', 'CCCCO.Cl': 'salt', '[Na+].[O-]C(=O)CC': 'charge, salt'}


def _written_by_smiles(data):
  return {
    smiles: written
    for split in data.splits.values()
    for smiles, written in zip(split.metadata['smiles'], split.metadata['as_written'], strict=True)
  }


def test_a_column_says_what_was_changed(tmp_path):
  odd = [{**made_rows()[0], 'smiles': smiles} for smiles in _WRITTEN]
  found = _written_by_smiles(
    load(write(tmp_path / 'm.csv', made_rows() + odd), label_column='label')
  )
  standard = dict(zip(('CCCCN', 'CCCCO', 'CCC(=O)O'), _WRITTEN.values(), strict=True))
  assert {smiles: found.pop(smiles) for smiles in standard} == standard
  assert set(found.values()) == {'plain'}


def test_there_is_none_where_all_are_plain(tmp_path):
  data = load(write(tmp_path / 'm.csv', made_rows()), label_column='label')
  assert 'as_written' not in data.splits['train'].metadata


@pytest.mark.parametrize('told', [False, True])
def test_the_audit_says_whether_it_tells_the_label(tmp_path, told):
  rows = made_rows()
  for number, row in enumerate(rows):  # another source writes hydrochlorides
    if (row['label'] == 'active') if told else number % 4 < 2:
      row['smiles'] += '.Cl'
  data = load(write(tmp_path / 'm.csv', rows), label_column='label')
  findings = shortcuts.check(of_dataset(data)).findings
  lines = [one.line for one in findings if one.line.startswith('from column as_written alone')]
  assert len(lines) == told
