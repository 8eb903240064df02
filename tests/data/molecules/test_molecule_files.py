"""Tables, .smi and .sdf files, plain and gzip, and which column of a table is the SMILES."""

import gzip
import pathlib

import pytest

pytest.importorskip('rdkit')

from made_molecules import made_rows, write
from rdkit import Chem

from medjax.data.molecules import records
from medjax.errors import UserError


def test_all_formats_have_the_same_molecules_and_cells(tmp_path):
  rows = made_rows()[:9]
  write(tmp_path / 'a.csv', rows)
  write(tmp_path / 'a.tsv', rows, '\t')
  write(tmp_path / 'semicolons.csv', rows, ';')
  lines = ['smiles\tlabel\tpIC50', *('\t'.join(row.values()) for row in rows)]
  (tmp_path / 'a.smi').write_text('# made by hand\n' + '\n'.join(lines) + '\n')
  writer = Chem.SDWriter(str(tmp_path / 'a.sdf'))
  for row in rows:
    mol = Chem.MolFromSmiles(row['smiles'])
    for name in ('label', 'pIC50'):
      mol.SetProp(name, row[name])
    writer.write(mol)
  writer.close()
  for name in ('a.csv', 'a.sdf', 'a.smi'):
    (tmp_path / f'{name}.gz').write_bytes(gzip.compress((tmp_path / name).read_bytes()))
  for path in sorted(tmp_path.iterdir()):
    found = records.read(path)
    assert [one.number for one in found.records] == list(range(9)), path
    for record, row in zip(found.records, rows, strict=True):
      read = Chem.MolFromMolBlock if '\n' in record.structure else Chem.MolFromSmiles
      expected = Chem.CanonSmiles(row['smiles'])
      assert Chem.MolToSmiles(read(record.structure)) == expected, path
      assert (record.cells['label'], record.cells['pIC50']) == (row['label'], row['pIC50']), path
  places = {name: records.read(tmp_path / name).records[1].place for name in ('a.csv', 'a.smi')}
  assert places == {'a.csv': 'row 3', 'a.smi': 'line 4'}
  assert records.read(tmp_path / 'a.sdf').records[1].place == 'record 2'


def test_a_plain_smi_has_names_with_blanks(tmp_path):
  path = tmp_path / 'a.smi'
  path.write_text('CCO ethyl alcohol\r\n\r\nC\n')
  found = records.read(path).records
  assert [(one.structure, one.cells) for one in found] == [
    ('CCO', {'name': 'ethyl alcohol'}),
    ('C', {'name': ''}),
  ]


def test_broken_records_leave_the_others_of_an_sdf(tmp_path):
  good = Chem.MolToMolBlock(Chem.MolFromSmiles('CCO')) + '> <y>\n1\n2\n\n'
  path = tmp_path / 'a.sdf'
  path.write_text('$$$$\n'.join([good, 'torn\n', good, good.replace('M  END', 'M  EN')]))
  found = records.read(path).records
  assert len(found) == 4
  assert [one.cells['y'] for one in found] == ['1 2', '', '1 2', '']
  assert all('\n' in one.structure for one in found)


@pytest.mark.parametrize(
  ('header', 'row', 'column', 'expected'),
  [
    ('id,Canonical_SMILES,y', 'C1,CCO,1', '', 'Canonical_SMILES'),
    ('sex,structure,y', 'F,c1ccccc1O,1', '', 'structure'),
    ('smiles,product_smiles', 'CCO,CCCCC', 'product_smiles', 'product_smiles'),
    ('halogen,y,mol', 'F,0,CCOC', '', 'mol'),
  ],
)
def test_the_column_of_smiles(tmp_path, header, row, column, expected):
  path = tmp_path / 'a.csv'
  path.write_text(f'{header}\n{row}\n')
  found = records.read(path, column)
  assert found.records[0].structure == found.records[0].cells[expected]
  assert expected not in found.header


@pytest.mark.parametrize(
  ('name', 'content', 'message'),
  [
    ('a.csv', '', 'is empty; expected a file of molecules'),
    ('a.csv', 'smiles,y\n', 'has a header and no molecules'),
    ('a.csv', 'x,y\n1,2\n', 'no column with SMILES (it has x, y); expected config.data.smiles_col'),
    ('a.csv', 'smiles,SMILES2\nC,C\n', "columns 'smiles' and 'SMILES2' both look like SMILES"),
    ('a.csv', 'a,b\nCCO,CCN\n', "columns 'a' and 'b' both look like SMILES; expected config.data"),
    ('a.smi', '# nothing\n', 'has a header and no molecules'),
    ('a.doc', 'x', 'expected a file of molecules: .csv, .tsv, .txt, .smi or .sdf, each also as'),
  ],
)  # fmt: skip
def test_files_without_molecules_are_named(tmp_path, name, content, message):
  path = tmp_path / name
  path.write_text(content)
  with pytest.raises(UserError) as error:
    records.read(path)
  assert message in str(error.value)
  assert str(path) in str(error.value)


def test_a_missing_file_and_a_missing_column_are_named(tmp_path):
  with pytest.raises(UserError, match='no such file; expected a file of molecules'):
    records.read(pathlib.Path('none.csv'))
  path = tmp_path / 'a.csv'
  path.write_text('smiles,y\nC,1\n')
  with pytest.raises(UserError, match="no column 'smile'; did you mean smiles"):
    records.read(path, 'smile')
  assert records.read(path, 'mol', required=False).records[0].structure == 'C'
