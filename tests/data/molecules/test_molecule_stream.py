"""Files of molecules row by row: the same as read whole, and going on after what is broken."""

import gzip

import pytest

pytest.importorskip('rdkit')

from rdkit import Chem

from medjax.data.molecules import records, stream
from medjax.errors import UserError

MOLECULES = ('CCO', 'c1ccccc1', 'C[C@H](N)C(=O)O')


def sdf():
  blocks = [Chem.MolToMolBlock(Chem.MolFromSmiles(one)) for one in MOLECULES]
  return ''.join(
    f'{block}>  <pIC50>\n{i}.5\n\n>  <note>\ntwo\nlines\n\n$$$$\n' for i, block in enumerate(blocks)
  )


TABLE = 'id;smiles;remark\n\n' + '\n'.join(f'm{i};{one};"x\ny"' for i, one in enumerate(MOLECULES))
FILES = {
  'semicolons.csv': TABLE,
  'excel.csv': f'sep=,\r\nsmiles,y\r\n{MOLECULES[0]},1\r\n\r\n{MOLECULES[1]},2\r\n',
  'named.tsv': 'mol\ty\n' + '\n'.join(f'{one}\t1' for one in MOLECULES),
  'plain.smi': '# remark\n' + '\n'.join(f'{one} name of {one}' for one in MOLECULES) + '\n\n',
  'headed.smi': 'smiles\tname\tyear\n' + '\n'.join(f'{one}\ta b\t2001' for one in MOLECULES),
  'mac.smi': '\r'.join(MOLECULES),
  'blocks.sdf': sdf(),
  'windows.sdf': sdf().replace('\n', '\r\n'),
}


@pytest.mark.parametrize('packed', [False, True])
@pytest.mark.parametrize('name', FILES)
def test_a_stream_gives_what_the_whole_file_gives(tmp_path, name, packed):
  content = b'\xef\xbb\xbf' * (name == 'semicolons.csv') + FILES[name].encode()
  path = tmp_path / (name + '.gz' * packed)
  path.write_bytes(gzip.compress(content) if packed else content)
  streamed = list(stream.Stream(path))
  assert not any(one.problem for one in streamed)
  assert [one.record for one in streamed] == records.read(path).records


def test_rows_after_a_broken_one_are_read(tmp_path):
  path = tmp_path / 'broken.csv'
  long = b'C' * 2**21
  path.write_bytes(
    b'smiles,name\nCC,"a"\nCCC,"never closed\nCCCC,b\nCCO\nCO,"x\ny"\nCN,\xff\nCF,\0\n'
    + long + b',d\nC,' + long + b'\nCCl,"last\nCBr,e\n'
  )  # fmt: skip
  found = [(one.record.place, one.record.structure, one.problem) for one in stream.Stream(path)]
  good = [(place, structure) for place, structure, problem in found if not problem]
  assert good == [('row 2', 'CC'), ('row 4', 'CCCC'), ('row 7', 'CO'), ('row 13', 'CBr')]
  why = {place: problem for place, _, problem in found if problem}
  assert list(why) == ['row 3', 'row 5', 'row 8', 'row 9', 'row 10', 'row 11', 'row 12']
  assert 'expected each quote closed' in why['row 3']
  assert why['row 5'] == '1 cells; expected 2, as in the header'
  assert 'is no UTF-8 text' in why['row 8']
  assert 'expected each quote closed' in why['row 12']


def test_broken_lines_and_records(tmp_path):
  lines = tmp_path / 'broken.smi'
  lines.write_bytes(b'CC a\n\xff\xfe b\nCCC c\n')
  assert [bool(one.problem) for one in stream.Stream(lines)] == [False, True, False]
  blocks = tmp_path / 'broken.sdf'
  huge = 'x' * 2**20 + '\n'
  blocks.write_text(f'{huge * 11}$$$$\n{sdf()}a\0b\n$$$$\n')
  found = list(stream.Stream(blocks))
  assert [bool(one.problem) for one in found] == [True, False, False, False, True]
  assert 'has more than' in found[0].problem
  assert [one.record.place for one in found][-1] == 'record 5'


def test_how_far_a_stream_is(tmp_path):
  path = tmp_path / 'many.smi'
  path.write_text('CCO\n' * 50_000)
  one = stream.Stream(path)
  places = [one.position() for _ in one]
  assert one.bytes == path.stat().st_size == places[-1]
  assert 0 < places[0] < one.bytes


@pytest.mark.parametrize(
  ('name', 'content', 'message'),
  [
    ('x.pdf', b'', 'expected a file of molecules: .csv'),
    ('x.smi', None, 'cannot be read: No such file or directory'),
    ('x.smi', b'', 'has no molecules'),
    ('x.csv', b'\n\n', 'has no molecules'),
    ('x.csv', b'smiles,y\n', 'has no molecules'),
    ('x.sdf', b'\n', 'has no molecules'),
    ('x.csv', b'smiles,y,y\nC,1,1\n', "several columns 'y'"),
    ('x.csv', b'smiles,"y\n', 'row 1: header: '),
    ('x.csv', b'a,b\n1,2\n', 'no column with SMILES'),
    ('x.smi.gz', gzip.compress(b'CCO\n' * 9999, mtime=0)[:-20], 'is damaged: gzip says'),
  ],
)
def test_what_is_no_library_is_one_line(tmp_path, name, content, message):
  path = tmp_path / name
  if content is not None:
    path.write_bytes(content)
  with pytest.raises(UserError, match=message) as error:
    list(stream.Stream(path))
  assert str(path) in str(error.value)
